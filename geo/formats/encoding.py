"""Which encoding old files are in: what they say of themselves, and which reading gives plausible names.

A DBF may name its encoding in a .cpg beside it or in one byte of its header; both are often missing and
sometimes wrong. So every candidate decodes every text strictly, and the readings are weighed: names of places
in China are made of common characters, and a wrong reading is not.
"""

import codecs
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from geo.errors import EncodingNotDeclared, WrongEncoding

CANDIDATES = ("UTF-8", "GBK", "Big5")
# dBASE language driver ids; those that say "whatever Windows speaks here" say nothing.
LANGUAGE_BYTES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "shift_jis", 0x4D: "GBK", 0x4E: "cp949", 0x4F: "Big5",
    0x50: "cp874", 0x65: "cp866", 0x78: "Big5", 0x79: "cp949", 0x7A: "GBK", 0x7B: "cp932", 0x7C: "cp874",
    0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253",
}  # fmt: skip
# Python names of what .cpg files and people write.
ALIASES = {
    "65001": "UTF-8", "utf8": "UTF-8", "utf-8": "UTF-8", "gb2312": "GBK", "gbk": "GBK", "936": "GBK",
    "cp936": "GBK", "euc-cn": "GBK", "gb18030": "GB18030", "54936": "GB18030", "big5": "Big5", "950": "Big5",
    "cp950": "Big5", "88591": "latin-1", "8859-1": "latin-1", "iso-8859-1": "latin-1",
}  # fmt: skip
DECODERS = {"UTF-8": "utf-8", "GBK": "gbk", "GB18030": "gb18030", "Big5": "cp950"}
# Every byte means something in these, so that they decode anything: only plausibility can speak against them.
SINGLE_BYTE = re.compile(r"latin|iso-?8859|cp(125\d|437|850|866)", re.IGNORECASE)
SHOWN = 6
ENOUGH_LEAD = 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the texts of a file are encoded in.

    Attributes
    ----------
    encoding
        Name, or None where only a person can tell.
    source
        ``declared``, ``cpg``, ``language-byte``, ``file``, ``bytes``, ``ascii``, ``format``, ``unsure``.
    evidence
        The reasons, in a sentence.
    readings
        Candidate → how the first texts beyond ASCII would read, for those that decode everything.
    """

    encoding: str | None
    source: str
    evidence: str
    readings: dict[str, tuple[str, ...]] = field(default_factory=dict)


def known_encoding(text: str) -> str | None:
    """Give our name of an encoding that someone wrote, or None if Python does not know it."""
    cleaned = text.strip().strip("\x00").lower().replace("_", "-")
    cleaned = re.sub(r"^(ansi|oem|cp|windows|ms)[\s-]*(?=\d)", "", cleaned)
    if cleaned in ALIASES:
        return ALIASES[cleaned]
    for name in (cleaned, f"cp{cleaned}"):
        try:
            found = codecs.lookup(name)
        except (LookupError, ValueError):
            continue
        # Not the codecs that turn bytes into bytes, such as zip and hex.
        if found._is_text_encoding:
            return ALIASES.get(found.name, found.name)
    return None


def decode(raw: bytes, encoding: str, *, width: int | None = None) -> str:
    """Decode strictly.

    Parameters
    ----------
    raw
        The bytes.
    encoding
        From `known_encoding`.
    width
        Where given and `raw` fills it, a last character that the field was too short for is dropped.

    Returns
    -------
    text
        Never mojibake of undecodable bytes.

    Raises
    ------
    UnicodeDecodeError
        The bytes are not of this encoding.
    """
    codec = DECODERS.get(encoding, encoding)
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        if width is None or len(raw) < width or error.end < len(raw) or len(raw) - error.start > 3:
            raise
        return raw[: error.start].decode(codec)


def judge(
    texts: Iterable[tuple[bytes, int | None]],
    *,
    declared: str | None = None,
    claim: str | None = None,
    claimed_by: str = "The .cpg",
    language_byte: int = 0,
) -> Verdict:
    """Find the encoding of texts.

    Parameters
    ----------
    texts
        Bytes and, where they lie in a field of fixed width, that width.
    declared
        What a person says; it wins where it fits.
    claim, claimed_by
        What the file says of itself, and where.
    language_byte
        Byte 29 of the DBF header.

    Returns
    -------
    verdict
        With `encoding` None where the readings are about as good as each other.

    Raises
    ------
    WrongEncoding
        The declared encoding does not decode the texts, or reads nonsense where another reads well.
    """
    beyond_ascii = list(dict.fromkeys(pair for pair in texts if not pair[0].isascii()))
    readings = _candidate_readings(beyond_ascii)
    shown = {name: tuple(read[:SHOWN]) for name, read in readings.items()}
    if declared is not None:
        return _judge_declared(declared, beyond_ascii, readings, shown)
    if not beyond_ascii:
        return Verdict("UTF-8", "ascii", "All texts are plain ASCII, which reads alike in every encoding.")
    if claim is not None and (named := known_encoding(claim)):
        said = f"{claimed_by} says {claim.strip()[:20]}"
        source = "cpg" if claimed_by == "The .cpg" else "file"
        return _judge_claim(named, said, source, beyond_ascii, readings, shown)
    if named := LANGUAGE_BYTES.get(language_byte):
        claim = f"No .cpg; the DBF header's language byte {language_byte} says {named}"
        return _judge_claim(named, claim, "language-byte", beyond_ascii, readings, shown)
    return _judge_bytes("The file does not name its encoding", readings, shown)


def _candidate_readings(texts: list[tuple[bytes, int | None]]) -> dict[str, list[str]]:
    readings = {name: read for name in CANDIDATES if (read := _read_all(texts, name)) is not None}
    # Rare characters in the names of villages exist only in the larger set, which contains GBK.
    if "GBK" not in readings and (read := _read_all(texts, "GB18030")) is not None:
        readings["GB18030"] = read
    return readings


def _read_all(texts: list[tuple[bytes, int | None]], encoding: str) -> list[str] | None:
    try:
        return [decode(raw, encoding, width=width) for raw, width in texts]
    except UnicodeDecodeError:
        return None


def _judge_declared(
    declared: str,
    texts: list[tuple[bytes, int | None]],
    readings: dict[str, list[str]],
    shown: dict[str, tuple[str, ...]],
) -> Verdict:
    encoding = known_encoding(declared)
    if encoding is None:
        raise WrongEncoding(
            f"‘{declared[:40]}’ is no known text encoding; usual ones are UTF-8, GBK, GB18030 and Big5.",
            declared=declared[:40],
        )
    read = _read_all(texts, encoding)
    if read is None:
        raise WrongEncoding(
            f"The texts are not {encoding}: some bytes do not exist in it.{_hint(shown)}",
            declared=encoding,
            readings=shown,
        )
    better = _better_than(read, {k: v for k, v in readings.items() if k != encoding})
    if better:
        raise WrongEncoding(
            f"Read as {encoding} the texts make no sense (‘{read[0]}’), read as {better} they do "
            f"(‘{readings[better][0]}’). Declare {better}.",
            declared=encoding,
            readings=shown,
        )
    return Verdict(encoding, "declared", f"Declared as {encoding}; every text decodes.", shown)


def _judge_claim(
    named: str,
    claim: str,
    source: str,
    texts: list[tuple[bytes, int | None]],
    readings: dict[str, list[str]],
    shown: dict[str, tuple[str, ...]],
) -> Verdict:
    read = _read_all(texts, named)
    if read is None and named == "GBK" and "GB18030" in readings:
        named, read = "GB18030", readings["GB18030"]
    if read is None:
        return Verdict(None, "unsure", f"{claim}, but some texts are not {named}.{_hint(shown)}", shown)
    better = _better_than(read, {k: v for k, v in readings.items() if k != named})
    if better:
        detail = f"{claim}, but so read the texts make no sense (‘{read[0]}’); as {better} they do"
        return Verdict(None, "unsure", f"{detail} (‘{readings[better][0]}’).", shown)
    return Verdict(named, source, f"{claim}; all {len(texts)} texts decode: {_quote(read)}.", shown)


def _judge_bytes(claim: str, readings: dict[str, list[str]], shown: dict[str, tuple[str, ...]]) -> Verdict:
    if not readings:
        return Verdict(None, "unsure", f"{claim}, and the texts are none of {', '.join(CANDIDATES)}.", shown)
    ranked = sorted(readings, key=lambda name: plausibility(readings[name]), reverse=True)
    best = ranked[0]
    lead = plausibility(readings[best]) - (plausibility(readings[ranked[1]]) if len(ranked) > 1 else 0.0)
    if lead < ENOUGH_LEAD or plausibility(readings[best]) < 0.5:
        return Verdict(None, "unsure", f"{claim}, and the texts fit more than one.{_hint(shown)}", shown)
    others = [name for name in CANDIDATES if name != best]
    return Verdict(
        best, "bytes", f"{claim}; read as {best} the texts are plausible ({_quote(readings[best])}), as "
        f"{' or '.join(others)} they are not.", shown,
    )  # fmt: skip


def _better_than(read: list[str], others: dict[str, list[str]]) -> str | None:
    ours = plausibility(read)
    for name in sorted(others, key=lambda name: plausibility(others[name]), reverse=True):
        if plausibility(others[name]) >= max(0.6, ours + ENOUGH_LEAD):
            return name
    return None


def _quote(read: list[str]) -> str:
    return ", ".join(f"‘{text}’" for text in read[:3])


def _hint(shown: dict[str, tuple[str, ...]]) -> str:
    if not shown:
        return " None of the usual encodings decodes all of them."
    options = "; ".join(f"as {name}: {_quote(list(read))}" for name, read in shown.items())
    return f" They would read {options}."


def text_of(data: bytes, name: str, *, declared: str | None, claim: str | None = None) -> tuple[str, Verdict]:
    """Decode a file of a format that is UTF-8 by its standard, and often is not.

    Parameters
    ----------
    data
        The whole file.
    name
        Of the format, for the evidence.
    declared
        What a person says.
    claim
        What the file itself says (an XML declaration).

    Returns
    -------
    text, verdict
        The text without a byte order mark.

    Raises
    ------
    WrongEncoding, EncodingNotDeclared
        As `judge` and `require`.
    """
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        try:
            return data.decode("utf-16"), Verdict("UTF-16", "format", "The byte order mark says UTF-16.")
        except UnicodeDecodeError as error:
            raise WrongEncoding("The byte order mark says UTF-16, but the text is not.") from error
    data = data.removeprefix(codecs.BOM_UTF8)
    if declared is None and (claim is None or known_encoding(claim) in (None, "UTF-8")):
        try:
            return data.decode("utf-8"), Verdict("UTF-8", "format", f"{name} is UTF-8 by its standard.")
        except UnicodeDecodeError:
            claim = None
    # No trail byte of GBK or Big5 is one of these.
    pieces = [(piece, None) for piece in re.split(rb'["<>\r\n]', data) if not piece.isascii()]
    verdict = judge(pieces, declared=declared, claim=claim, claimed_by=f"The {name} itself")
    return decode(data, require(verdict)), verdict


def require(verdict: Verdict) -> str:
    """Give the encoding of a verdict.

    Raises
    ------
    EncodingNotDeclared
        The verdict is unsure; the message shows the readings and names the mend.
    """
    if verdict.encoding is None:
        mend = "Declare the encoding: --encoding GBK, or choose it in the form."
        if not verdict.readings:
            mend = "Declare it (--encoding) if you know it; else a text is damaged: export the file again."
        raise EncodingNotDeclared(f"{verdict.evidence} {mend}", readings=verdict.readings)
    return verdict.encoding


@functools.cache
def _common_characters() -> frozenset[str]:
    # GB 2312 level 1 and Big5 level 1: the characters of everyday writing, simplified and traditional.
    simplified = (bytes((row, column)) for row in range(0xB0, 0xD8) for column in range(0xA1, 0xFF))
    columns = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    traditional = (bytes((row, column)) for row in range(0xA4, 0xC7) for column in columns)
    common = {raw.decode("gb2312", "ignore") for raw in simplified}
    common.update(raw.decode("big5", "ignore") for raw in traditional)
    return frozenset(common - {""}) | frozenset("()、。·-—〇0123456789")


# Characters that end or stand in the names of places; they weigh threefold.
PLACE_CHARACTERS = frozenset(
    "省市县县區区州旗镇鎮乡鄉街道村里社居委会會民网網格片組组号號院园苑庄莊屯营路巷弄栋棟东西南北中新"
)


def plausibility(texts: list[str]) -> float:
    """Say how much texts look like names.

    Parameters
    ----------
    texts
        Decoded; ASCII in them does not count.

    Returns
    -------
    share
        0 to 1: the weighted share of their characters beyond ASCII that are common Chinese characters, or
        accented letters inside a Latin word. 1 for no such characters.
    """
    common = _common_characters()
    good = total = 0.0
    for text in texts[:5000]:
        for index, character in enumerate(text):
            if character < "\x80":
                continue
            beside = text[index - 1 : index] + text[index + 1 : index + 2]
            in_latin_word = any("a" <= neighbour <= "z" for neighbour in beside)
            weight = 3.0 if character in PLACE_CHARACTERS else 1.0
            total += weight
            if "À" <= character <= "ɏ":
                good += weight * any(neighbour.isascii() and neighbour.isalpha() for neighbour in beside)
            elif character in common and not in_latin_word:
                good += weight
    return good / total if total else 1.0
