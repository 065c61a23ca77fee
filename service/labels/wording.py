"""The words of a check, in the reader's language: the same facts give the same sentence."""

from typing import Any

WORDS: dict[str, dict[str, str]] = {
    # why a row can't be checked
    "more-cells": {"en": "more cells than the header", "zh": "单元格比表头多"},
    "no-label": {"en": "no label", "zh": "没有标注"},
    "no-coordinates": {"en": "no coordinates", "zh": "没有坐标"},
    "not-a-number": {"en": "coordinates that are not numbers", "zh": "坐标不是数字"},
    "zero": {"en": "coordinates 0, 0", "zh": "坐标为 0, 0"},
    "not-on-earth": {"en": "not on earth in this system", "zh": "按此坐标系不在地球上"},
    "no-time": {"en": "no time that can be read", "zh": "时间读不出"},
    "other-district": {"en": "in a district that is not yours", "zh": "在您辖区以外"},
    # why a row differs
    "unknown-label": {"en": "Label without a grid", "zh": "标注对不上任何网格"},
    "default-point": {"en": "Default point", "zh": "默认点"},
    "swapped": {"en": "Longitude and latitude exchanged", "zh": "经纬度对调"},
    "other-system": {"en": "Another coordinate system", "zh": "坐标系不对"},
    "older-edition": {"en": "Another edition", "zh": "按别的版本标注"},
    "renumbered": {"en": "Code given anew", "zh": "编码可能改过"},
    "border": {"en": "At the border", "zh": "紧贴边界"},
    "outside": {"en": "Outside every grid", "zh": "不在任何网格内"},
    "unexplained": {"en": "Unexplained", "zh": "原因不明"},
    # the same with the evidence, for one row
    "why-unknown-label": {"en": "No grid has this code or name, and its rows lie scattered.",
                          "zh": "没有网格是这个编码或名称，带此标注的记录也很分散。"},
    "why-default-point": {"en": "{evidence} rows have this very point: probably a failed geocoder.",
                          "zh": "{evidence} 条记录都在这一点，多半是地址解析失败时的默认点。"},
    "why-swapped": {"en": "With longitude and latitude exchanged it lies in the city.", "zh": "经纬度对调后落在城内。"},
    "why-other-system": {"en": "Read as {evidence} it agrees.", "zh": "按 {evidence} 读就一致。"},
    "why-older-edition": {"en": "It agrees by edition {evidence}.", "zh": "按版本 {evidence} 就一致。"},
    "why-renumbered": {"en": "Nearly all rows of this label lie in our grid: the code was probably given anew.",
                       "zh": "带此标注的记录几乎都在我们回答的网格里，编码可能改过。"},
    "why-border": {"en": "{label_m} m from the grid of the label.", "zh": "离标注的网格 {label_m} 米。"},
    "why-outside": {"en": "The position lies in no grid.", "zh": "该位置不在任何网格内。"},
    "why-unexplained": {"en": "{label_m} m from the grid of the label; nothing else speaks for a reason.",
                        "zh": "离标注的网格 {label_m} 米，找不到别的原因。"},
    # how a label was read
    "exact": {"en": "letter for letter", "zh": "一字不差"},
    "spelling": {"en": "by its spelling", "zh": "按写法"},
    "part": {"en": "by a part of it", "zh": "按其中一段"},
    "association": {"en": "by where its rows lie", "zh": "按记录所在"},
    "pattern": {"en": "as similar labels are written", "zh": "按同类写法"},
    # distance bands
    "on": {"en": "on the border", "zh": "正在边界上"}, "0-5": {"en": "under 5 m", "zh": "不到 5 米"},
    "5-10": {"en": "5–10 m", "zh": "5–10 米"}, "10-20": {"en": "10–20 m", "zh": "10–20 米"},
    "20-50": {"en": "20–50 m", "zh": "20–50 米"}, "50-200": {"en": "50–200 m", "zh": "50–200 米"},
    "200-": {"en": "200 m and more", "zh": "200 米以上"}, "none": {"en": "no grid", "zh": "不在网格内"},
    # doubts about the file
    "doubt-other-system": {
        "en": "Read as {system} the file fits better: {agreed_then} rows agree instead of {agreed}. "
              "Check it again with that system.",
        "zh": "按 {system} 读更合：一致的记录从 {agreed} 条变成 {agreed_then} 条。请改用该坐标系再核对。"},
    "doubt-axes-swapped": {"en": "In {rows} rows longitude and latitude are exchanged.",
                           "zh": "{rows} 条记录的经纬度对调了。"},
    "doubt-low-precision": {"en": "{rows} rows have coarse coordinates (steps of {step}).",
                            "zh": "{rows} 条记录的坐标很粗（以 {step} 为步长）。"},
    "doubt-outside": {"en": "{rows} rows lie outside every grid.", "zh": "{rows} 条记录不在任何网格内。"},
    "doubt-other-edition": {
        "en": "Edition {edition} fits better: {agreed_then} rows agree instead of {agreed}. "
              "The history was probably labelled by it.",
        "zh": "版本 {edition} 更合：一致的记录从 {agreed} 条变成 {agreed_then} 条。历史数据多半是按它标注的。"},
    "doubt-pile": {
        "en": "{rows} rows lie on one point ({lon:.6f}, {lat:.6f}); about {expected:.1f} are usual around there. "
              "{disagree} of them differ from the label.",
        "zh": "{rows} 条记录都在同一点（{lon:.6f}, {lat:.6f}），周围每点平均只有 {expected:.1f} 条；"
              "其中 {disagree} 条与标注不一致。"},
    # what is only hinted at in tables
    "outside-cell": {"en": "(no grid)", "zh": "（不在网格内）"},
    "unknown-cell": {"en": "(no such grid)", "zh": "（没有这个网格）"},
    "goes-along": {"en": "goes along with {column}", "zh": "随 {column} 而来"},
    "yes": {"en": "yes", "zh": "是"}, "no": {"en": "no", "zh": "否"},
    # the verdict
    "verdict-good": {"en": "You can switch: ", "zh": "可以放心切换："},
    "verdict-look": {"en": "Look at the reasons before you switch: ", "zh": "切换前先看原因："},
    "verdict-system": {"en": "First check the coordinate system: ", "zh": "先核对坐标系："},
    "verdict-edition": {"en": "The history follows another edition: ", "zh": "历史数据按的是另一版："},
    "verdict-labels": {"en": "First mend the labels: ", "zh": "先把标注对上："},
    "verdict-all": {"en": "all {usable} rows agree with our answer.", "zh": "{usable} 条记录与我们的答案全部一致。"},
    "verdict-share": {"en": "{share} of {usable} rows agree with our answer; {disagree} differ, {reasons}",
                      "zh": "{usable} 条记录中 {share} 与我们的答案一致；{disagree} 条不一致，{reasons}"},
    "verdict-part": {"en": "{rows} {reason}", "zh": "{reason} {rows} 条"},
    "verdict-flagged": {"en": "; our answer warned of {flagged} by itself",
                        "zh": "；其中 {flagged} 条我们的答案已自行提示"},
    "verdict-kind": {"en": "; they gather where {column} is {value} ({rate}, elsewhere {rest})",
                     "zh": "；集中在“{column}”为“{value}”的记录（不一致 {rate}，其余 {rest}）"},
}  # fmt: skip
COMMA, STOP = {"en": ", ", "zh": "、"}, {"en": ".", "zh": "。"}
EXPLAINED = ("border", "default-point", "older-edition", "renumbered", "swapped")
GOOD_SHARE, LEFT_SHARE, MANY = 0.95, 0.01, 0.05


def say(key: str, locale: str, **facts: object) -> str:
    """Fill in a sentence in a language, English where it has none."""
    forms = WORDS[key]
    return forms.get(locale, forms["en"]).format(**facts)


def percent(share: float) -> str:
    """Write a share so that almost all is never said to be all."""
    digits = 1 if 0.001 <= share <= 0.99 else 2
    text = f"{share * 100:.{digits}f}%"
    return "99.99%" if share < 1 and text == "100.00%" else text


def why(rows: dict[str, Any], at: int, locale: str) -> str:
    """Say why one row differs, with the evidence; nothing where it agrees."""
    reason = rows["reason"][at]
    if not reason:
        return ""
    metres = rows["label_m"][at]
    return say(
        f"why-{reason}", locale, evidence=rows["evidence"][at], label_m="–" if metres is None else metres
    )


def verdict(found: dict[str, Any], locale: str) -> str:
    """Say in one sentence what came out."""
    if found["disagree"] == 0:
        return say("verdict-good", locale) + say("verdict-all", locale, usable=f"{found['usable']:,}")
    parts = [
        say(
            "verdict-part",
            locale,
            reason=_inside(say(one["reason"], locale), locale),
            rows=f"{one['rows']:,}",
        )
        for one in sorted(found["reasons"], key=lambda one: -one["rows"])
    ]
    sentence = say(
        "verdict-share", locale, share=percent(found["share"]), usable=f"{found['usable']:,}",
        disagree=f"{found['disagree']:,}", reasons=COMMA.get(locale, ", ").join(parts),
    )  # fmt: skip
    if found["flagged"]:
        sentence += say("verdict-flagged", locale, flagged=f"{found['flagged']:,}")
    return (
        say(f"verdict-{judgement(found)}", locale)
        + sentence
        + _gathering(found, locale)
        + STOP.get(locale, ".")
    )


def judgement(found: dict[str, Any]) -> str:
    """Tell what to do: ``good``, ``look``, ``system``, ``edition`` or ``labels``."""
    rows = {one["reason"]: one["rows"] for one in found["reasons"]}
    if any(
        one["kind"] in ("other-system", "axes-swapped") and one["rows"] > MANY * found["usable"]
        for one in found["doubts"]
    ):
        return "system"
    if rows.get("unknown-label", 0) > MANY * found["usable"]:
        return "labels"
    if rows.get("older-edition", 0) > max(0.5 * found["disagree"], 0.01 * found["usable"]):
        return "edition"
    left = found["disagree"] - sum(rows.get(one, 0) for one in EXPLAINED)
    return "good" if found["share"] >= GOOD_SHARE and left <= LEFT_SHARE * found["usable"] else "look"


def _inside(text: str, locale: str) -> str:
    return text if locale == "zh" else text[:1].lower() + text[1:]


def _gathering(found: dict[str, Any], locale: str) -> str:
    for kind in found["kinds"]:
        value = next((one for one in kind["values"] if one["stands_out"]), None)
        rest = found["usable"] - value["rows"] if value else 0
        if value is not None and rest and kind["along"] is None:
            return say(
                "verdict-kind", locale, column=kind["column"], value=value["value"] or "–",
                rate=percent(value["disagree"] / value["rows"]),
                rest=percent((found["disagree"] - value["disagree"]) / rest),
            )  # fmt: skip
    return ""
