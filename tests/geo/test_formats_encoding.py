"""The encoding of old files: told right, asked for, never guessed wrong."""

import csv
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import EncodingNotDeclared, WrongEncoding
from geo.formats.encoding import decode, judge, known_encoding, plausibility, require, text_of
from tests.shared_data import shared

DISTRICTS = ["宝山区", "杨浦区", "闵行区", "普陀区", "松江区"]
TAIPEI = ["林園區", "旗津區", "中門里", "港埔里", "東汕里"]


def raw(texts, codec):
    return [(text.encode(codec), None) for text in texts]


@pytest.mark.parametrize(
    ("texts", "codec", "expected"),
    [
        (DISTRICTS, "gbk", "GBK"),
        (DISTRICTS, "utf-8", "UTF-8"),
        (TAIPEI, "cp950", "Big5"),
        (TAIPEI, "utf-8", "UTF-8"),
    ],
)
def test_bytes_alone_tell(texts, codec, expected):
    verdict = judge(raw(texts, codec))
    assert (verdict.encoding, verdict.source) == (expected, "bytes")
    assert verdict.readings[expected][:5] == tuple(texts)
    assert expected in verdict.evidence
    assert texts[0] in verdict.evidence


def test_a_character_outside_gbk_is_gb18030():
    assert judge(raw([*DISTRICTS, "𠀀村"], "gb18030")).encoding == "GB18030"


def test_ascii_needs_no_answer():
    verdict = judge(raw(["Manhattan", ""], "ascii"))
    assert (verdict.encoding, verdict.source, verdict.readings) == ("UTF-8", "ascii", {})


def test_the_language_byte_is_believed_where_it_fits():
    verdict = judge(raw(DISTRICTS[:1], "gbk"), language_byte=77)
    assert (verdict.encoding, verdict.source) == ("GBK", "language-byte")
    assert "language byte 77 says GBK" in verdict.evidence


def test_a_cpg_is_believed_where_it_fits():
    assert judge(raw(["Zürich"], "latin-1"), claim="ISO-8859-1").encoding == "latin-1"
    assert judge(raw(DISTRICTS, "gbk"), claim="ANSI 936").encoding == "GBK"
    assert judge(raw(DISTRICTS, "utf-8"), claim="65001\x00").encoding == "UTF-8"


@pytest.mark.parametrize(
    ("codec", "claim"), [("gbk", "UTF-8"), ("utf-8", "GBK"), ("gbk", "ISO-8859-1"), ("utf-8", "cp1252")]
)
def test_a_wrong_cpg_becomes_a_question_with_the_readings(codec, claim):
    verdict = judge(raw([*DISTRICTS, "静安区", "徐汇区"], codec), claim=claim)
    assert (verdict.encoding, verdict.source) == (None, "unsure")
    with pytest.raises(EncodingNotDeclared, match="Declare the encoding: --encoding") as asked:
        require(verdict)
    right = "GBK" if codec == "gbk" else "UTF-8"
    assert asked.value.members["readings"][right][0] == "宝山区"


@pytest.mark.parametrize(("codec", "declared"), [("gbk", "UTF-8"), ("utf-8", "GBK"), ("utf-8", "latin-1")])
def test_a_wrong_declaration_is_an_error_not_mojibake(codec, declared):
    with pytest.raises(WrongEncoding, match="宝山区"):
        judge(raw(DISTRICTS, codec), declared=declared)


def test_a_right_declaration_wins_over_the_file():
    verdict = judge(raw(DISTRICTS, "gbk"), declared="gb2312", claim="UTF-8")
    assert (verdict.encoding, verdict.source) == ("GBK", "declared")


@pytest.mark.parametrize("name", ["klingon", "", "hex", "zip", "\x00", "rot13"])
def test_an_unknown_name_is_refused(name):
    assert known_encoding(name) is None
    with pytest.raises(WrongEncoding, match="no known text encoding"):
        judge(raw(DISTRICTS, "gbk"), declared=name)


def test_names_that_fit_two_encodings_are_asked_for():
    # 'ひ⑹' and '普⑹' share bytes; nothing but a person can tell two rare characters apart.
    verdict = judge([("蓖俴".encode("cp950"), None)])
    assert verdict.encoding is None
    assert {"GBK", "Big5"} <= set(verdict.readings)


def test_garbage_is_asked_for():
    assert judge([(b"\xff\xfe\xff\xfe\x81", None)]).encoding is None


def test_a_text_cut_inside_a_character_is_still_read():
    whole = "江宁区东山街道办事处".encode()
    assert decode(whole[:20], "UTF-8", width=20) == "江宁区东山街"
    assert judge([(whole[:20], 20)]).encoding == "UTF-8"
    with pytest.raises(UnicodeDecodeError):
        decode(whole[:20], "UTF-8", width=30)
    with pytest.raises(UnicodeDecodeError):
        decode(whole[:4] + b"a" + whole[5:20], "UTF-8", width=20)


def test_latin_names_are_not_taken_for_chinese():
    assert judge(raw(["Zürich", "Café", "Müller", "Ålesund"], "utf-8")).encoding == "UTF-8"
    assert plausibility(["Zürich"]) == 1
    assert plausibility(["Z眉rich"]) == 0


def test_real_names_are_never_read_wrong():
    with shared("cn_admin_codes_2023", "streets.csv").open(encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    generator = random.Random(20260101)
    asked = 0
    for _ in range(300):
        drawn = generator.sample(names, generator.choice([1, 3, 10, 30]))
        for codec in ("utf-8", "gb18030"):
            verdict = judge([(name.encode(codec), None) for name in drawn])
            right = {"utf-8": {"UTF-8"}, "gb18030": {"GBK", "GB18030"}}[codec]
            assert verdict.encoding is None or verdict.encoding in right, drawn
            asked += verdict.encoding is None and len(drawn) >= 10
    assert asked == 0


@given(st.lists(st.tuples(st.binary(max_size=12), st.none() | st.integers(1, 12)), max_size=6))
def test_any_bytes_get_a_verdict_that_holds(texts):
    verdict = judge(texts)
    if verdict.encoding is not None:
        for piece, width in texts:
            decode(piece, verdict.encoding, width=width)


def test_utf16_and_byte_order_marks():
    assert text_of("网格".encode("utf-16"), "KML", declared=None)[0] == "网格"
    assert text_of("网格".encode("utf-8-sig"), "KML", declared=None)[0] == "网格"
    with pytest.raises(WrongEncoding):
        text_of(b"\xff\xfea", "KML", declared=None)
