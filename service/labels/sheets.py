"""A check as a workbook or a table: summary, bands, kinds, pairs, labels, and every row with answer and reason."""

from collections.abc import Iterator
from typing import Any

from service.labels import wording
from service.labels.table import Table
from service.labels.wording import percent, say
from service.tables import Sheet, as_csv, workbook

TITLES = {
    "summary": {"en": "summary", "zh": "汇总"}, "bands": {"en": "bands", "zh": "距边界"},
    "kinds": {"en": "kinds", "zh": "类别"}, "matrix": {"en": "matrix", "zh": "标注与答案"},
    "labels": {"en": "labels", "zh": "标注对照"}, "rows": {"en": "rows", "zh": "逐行"},
    "reasons": {"en": "reasons", "zh": "原因"},
}  # fmt: skip
HEADS = {
    "what": {"en": "what", "zh": "项目"}, "figure": {"en": "figure", "zh": "数值"},
    "band": {"en": "distance to the border", "zh": "距边界"}, "rows": {"en": "rows", "zh": "记录"},
    "disagree": {"en": "differ", "zh": "不一致"}, "share": {"en": "share that differs", "zh": "不一致比例"},
    "low": {"en": "95 % from", "zh": "95% 区间起"}, "high": {"en": "to", "zh": "止"},
    "flagged": {"en": "warned of by our answer", "zh": "答案已提示"}, "column": {"en": "column", "zh": "列"},
    "value": {"en": "value", "zh": "取值"}, "stands": {"en": "stands out", "zh": "明显偏高"},
    "along": {"en": "goes along with", "zh": "随同的列"}, "label": {"en": "label", "zh": "标注"},
    "label_code": {"en": "grid of the label", "zh": "标注的网格"}, "label_name": {"en": "its name", "zh": "其名称"},
    "ours": {"en": "our grid", "zh": "我们的网格"}, "ours_name": {"en": "its name", "zh": "其名称"},
    "how": {"en": "how it was read", "zh": "如何认出"}, "lies": {"en": "rows in that grid", "zh": "在该网格内的比例"},
    "line": {"en": "line", "zh": "文件行号"}, "agree": {"en": "agrees", "zh": "一致"},
    "reason": {"en": "reason", "zh": "原因"}, "why": {"en": "evidence", "zh": "依据"},
    "border_m": {"en": "metres to our border", "zh": "距我方边界（米）"},
    "label_m": {"en": "metres to the label's grid", "zh": "距标注网格（米）"},
    "edition": {"en": "edition", "zh": "版本"}, "status": {"en": "status", "zh": "状态"},
}  # fmt: skip
STATUSES = {
    "inside": {"en": "inside", "zh": "界内"}, "border": {"en": "on the border", "zh": "边界上"},
    "nearest": {"en": "nearest", "zh": "最近"}, "gap": {"en": "gap", "zh": "不划入区域"},
    "outside": {"en": "outside", "zh": "界外"},
}  # fmt: skip
ROW_HEADS = (
    "line", "label", "agree", "ours", "ours_name", "label_code", "label_name", "status", "border_m", "label_m", "band",
    "reason", "why", "flagged", "edition",
)  # fmt: skip


def title(key: str, locale: str) -> str:
    """Name a part of the report."""
    return _in(TITLES, key, locale)


def status_name(key: str, locale: str) -> str:
    """Name a status of an answer."""
    return _in(STATUSES, key, locale)


def _in(words: dict[str, dict[str, str]], key: str, locale: str) -> str:
    forms = words[key]
    return forms.get(locale, forms["en"])


def _heads(locale: str, *names: str) -> list[str]:
    return [_in(HEADS, name, locale) for name in names]


def book(
    found: dict[str, Any], rows: dict[str, Any], table: Table, locale: str, most_rows: int | None = None
) -> bytes:
    """Write the whole check as a workbook; of more than `most_rows` rows only those that differ or can't be checked."""
    is_short = most_rows is not None and len(table) > most_rows
    facts = [*_facts(found, locale), *_shortened(locale)] if is_short else _facts(found, locale)
    names = [*_heads(locale, *ROW_HEADS), *table.names]
    sheets = [
        Sheet(_in(TITLES, "summary", locale), _heads(locale, "what", "figure"), facts, (34, 80)),
        Sheet(
            _in(TITLES, "bands", locale),
            _heads(locale, "band", "rows", "disagree", "share", "low", "high", "flagged"),
            _bands(found, locale), (22, 12, 12, 14, 14, 14, 20),
        ),
        Sheet(
            _in(TITLES, "kinds", locale),
            _heads(locale, "column", "value", "rows", "disagree", "share", "low", "high", "stands", "along"),
            _kinds(found, locale), (22, 30, 12, 12, 14, 14, 14, 12, 20),
        ),
        Sheet(
            _in(TITLES, "matrix", locale),
            _heads(locale, "label", "label_code", "label_name", "ours", "ours_name", "rows"),
            _matrix(found, locale), (24, 18, 24, 18, 24, 10),
        ),
        Sheet(
            _in(TITLES, "labels", locale),
            _heads(locale, "label", "label_code", "label_name", "how", "rows", "lies"),
            _labels(found, locale), (24, 18, 24, 20, 10, 18),
        ),
        Sheet(
            _in(TITLES, "rows", locale), names, lines(rows, table, locale, only_differing=is_short),
            (8, 18, 8, 16, 22, 16, 22),
        ),
    ]  # fmt: skip
    return workbook(sheets)


def csv_of(rows: dict[str, Any], table: Table, locale: str) -> bytes:
    """Write every row with our answer and the reason before its own columns, as CSV."""
    return as_csv([*_heads(locale, *ROW_HEADS), *table.names], lines(rows, table, locale))


def _facts(found: dict[str, Any], locale: str) -> Iterator[tuple[str, Any]]:
    zh = locale == "zh"
    yield ("结论" if zh else "verdict"), wording.verdict(found, locale)
    yield ("文件" if zh else "file"), found["file"]["name"]
    yield ("记录" if zh else "rows"), found["file"]["rows"]
    yield ("可核对" if zh else "rows that can be checked"), found["usable"]
    for one in found["unusable"]:
        yield f"— {say(one['reason'], locale)}", one["rows"]
    yield ("一致" if zh else "agree"), found["agree"]
    yield ("一致比例" if zh else "share that agrees"), round(found["share"], 6)
    yield ("其中标注一字不差" if zh else "of these letter for letter"), found["as_written"]
    yield ("不一致" if zh else "differ"), found["disagree"]
    for one in found["reasons"]:
        yield f"— {say(one['reason'], locale)}", one["rows"]
    yield ("其中答案已自行提示" if zh else "of these warned of by our answer"), found["flagged"]
    yield ("层级" if zh else "level"), found["level"]
    for name, value in found["choices"].items():
        if value:
            yield name, ", ".join(value) if isinstance(value, (list, tuple)) else value
    for one in found["editions"]:
        yield ("版本" if zh else "edition"), f"{one['district']}/{one['number']} {one['name']}"
    for sentence in doubts(found, locale):
        yield ("提示" if zh else "note"), sentence


def doubts(found: dict[str, Any], locale: str) -> list[str]:
    """Say what was doubted about the whole file."""
    return [
        *(say("doubt-pile", locale, **one) for one in found["piles"] if one["disagree"]),
        *(say(f"doubt-{one['kind']}", locale, **one) for one in (*found["doubts"], *found["other_editions"])),
    ]


def _bands(found: dict[str, Any], locale: str) -> Iterator[list[Any]]:
    for one in found["bands"]:
        share = one["disagree"] / one["rows"] if one["rows"] else None
        yield [
            say(one["band"], locale),
            one["rows"],
            one["disagree"],
            share,
            one["low"],
            one["high"],
            one["flagged"],
        ]


def _kinds(found: dict[str, Any], locale: str) -> Iterator[list[Any]]:
    for kind in found["kinds"]:
        for one in kind["values"]:
            stands = say("yes" if one["stands_out"] else "no", locale)
            figures = [one["rows"], one["disagree"], one["disagree"] / one["rows"], one["low"], one["high"]]
            yield [kind["column"], one["value"], *figures, stands, kind["along"] or ""]


def _matrix(found: dict[str, Any], locale: str) -> Iterator[list[Any]]:
    for one in found["matrix"]:
        label = one["label_grid"] or {"code": "", "name": say("unknown-cell", locale)}
        ours = one["ours"] or {"code": "", "name": say("outside-cell", locale)}
        yield [one["label"], label["code"], label["name"], ours["code"], ours["name"], one["rows"]]


def _labels(found: dict[str, Any], locale: str) -> Iterator[list[Any]]:
    for one in found["labels"]["mapping"]:
        grid = one["grid"]
        yield [
            one["label"],
            grid["code"],
            grid["name"],
            say(one["how"], locale),
            one["rows"],
            percent(one["share"]),
        ]
    for key in ("renumbered", "unknown"):
        for one in found["labels"][key]:
            grid = one["mostly"] or {"code": "", "name": ""}
            how = say("renumbered" if key == "renumbered" else "unknown-label", locale)
            yield [one["label"], grid["code"], grid["name"], how, one["rows"], ""]


def _shortened(locale: str) -> Iterator[tuple[str, str]]:
    if locale == "zh":
        yield "逐行", "记录太多：此表只列不一致和无法核对的，全部记录见 CSV。"
    else:
        yield (
            "rows",
            "Too many: the sheet lists those that differ or can't be checked; all of them are in the CSV.",
        )


def lines(
    rows: dict[str, Any], table: Table, locale: str, *, only_differing: bool = False
) -> Iterator[list[Any]]:
    """Give the rows of the file in their order: our answer and reason, then their own columns."""
    at = {row: place for place, row in enumerate(rows["row"])}
    why = {row: reason for reason, many in rows["unusable"].items() for row, _ in many}
    for row in range(len(table)):
        if only_differing and row in at and rows["agree"][at[row]]:
            continue
        own = [table.columns[name][row] for name in table.names]
        if row in at:
            yield [*line(rows, at[row], locale), *own]
        else:
            reason = say(why[row], locale) if row in why else ""
            yield [table.lines[row], *[""] * (len(ROW_HEADS) - 5), reason, "", "", "", *own]


def line(rows: dict[str, Any], at: int, locale: str) -> list[Any]:
    """Give one row's answer and reason as the cells of `ROW_HEADS`."""
    reason = rows["reason"][at]
    return [
        rows["line"][at], rows["label"][at], say("yes" if rows["agree"][at] else "no", locale),
        rows["code"][at], rows["name"][at], rows["label_code"][at], rows["label_name"][at],
        _in(STATUSES, rows["status"][at], locale), rows["border_m"][at], rows["label_m"][at],
        say(rows["band"][at], locale), say(reason, locale) if reason else "", wording.why(rows, at, locale),
        say("yes", locale) if rows["flagged"][at] else "", rows["edition"][at],
    ]  # fmt: skip
