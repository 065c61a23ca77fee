"""Numbers written in Chinese characters, as digits: 一百二十三 → 123, 二〇一 → 201, 廿三 → 23, 五一路 → 51路."""

import re

_DIGITS = {char: number for number, char in enumerate("零一二三四五六七八九")}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_OTHERS = str.maketrans(
    {"廿": "二十", "卅": "三十", "〇": "零", "○": "零", "壹": "一", "贰": "二", "叁": "三"}
)
_RUN = re.compile("[零一二三四五六七八九十百千]+")
# 两 is a number before a place or a counted thing only: 两江 is a name.
_TWO = re.compile("两(?=[百千号栋幢座单])")
_POSITIONAL = re.compile(
    "(?:([一二三四五六七八九]?)千)?零?(?:([一二三四五六七八九])百)?零?(?:([一二三四五六七八九]?)十)?零?([一二三四五六七八九]?)"
)


def digits(text: str) -> str:
    """Write every number in Chinese characters with digits.

    Parameters
    ----------
    text
        Any text; other characters stay.

    Returns
    -------
    text
        With 100 for 一百 and 51 for 五一. Characters that only look like a number of more than one place, as in
        百花 or 千山, stay: they need a digit before them.
    """
    return _RUN.sub(_value, _TWO.sub("二", text.translate(_OTHERS)))


def _value(found: re.Match[str]) -> str:
    run = found.group()
    if not any(place in run for place in _PLACES):
        return "".join(str(_DIGITS[char]) for char in run)
    whole = _POSITIONAL.fullmatch(run)
    if whole is None or run[0] in "百千":
        return "".join(str(_DIGITS[char]) if char in _DIGITS else char for char in run)
    thousands, hundreds, tens, ones = whole.groups()
    value = sum(
        place * (_DIGITS[given] if given else 1)
        for given, place in ((thousands, 1000), (hundreds, 100), (tens, 10))
        if given is not None
    )
    return str(value + (_DIGITS[ones] if ones else 0))
