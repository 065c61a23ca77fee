"""Addresses as people write them: the same meaning is the same reading, another meaning is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.addresses import Regions, clean, digits, distance, match, read, rules

ZH, PLAIN = rules("zh"), rules("plain")
REGIONS = Regions(["江宁区", "秣陵街道", "文昌社区", "张庄村"], ZH)
LEFT_OUT = ZH.may_be_left_out


def chinese(number: int) -> str:
    """Write 1 … 9999 in Chinese characters, by the rules of the language."""
    text, gap = "", False
    for place, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure = number // place % 10
        if figure:
            text += ("零" if gap and text else "") + "零一二三四五六七八九"[figure] + word
        gap = figure == 0
    return text.removeprefix("一") if 10 <= number < 20 else text


def fits(asked: str, name: str, address: str = "", regions: tuple[str, ...] = (), how=ZH):
    known = Regions(regions, how)
    keys = [one for text in (name, address) if text for one in read(text, how, known)]
    ways = read(asked, how, known)
    return max(
        (match(one, keys, frozenset(regions), how.may_be_left_out) for one in ways), key=lambda one: one.score
    )


@given(st.integers(1, 9999))
def test_numbers_in_chinese_are_numbers(number):
    assert digits(f"文昌路{chinese(number)}号") == f"文昌路{number}号"


@pytest.mark.parametrize(
    ("written", "digit"),
    [("二〇一", "201"), ("廿三", "23"), ("三十", "30"), ("五一路", "51路"), ("一百零五", "105"), ("两千", "2000"),
     ("百花路", "百花路"), ("千山", "千山"), ("两江", "两江")],
)  # fmt: skip
def test_numbers_are_read_as_people_read_them(written, digit):
    assert digits(written) == digit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("文昌路１２３号", "文昌路123号"),
        ("文昌路一百二十三号", "文昌路123号"),
        ("锦绣花园3栋2单元501室", "锦绣花园三幢二单元501"),
        ("锦绣花园3号楼", "锦绣花园3座"),
        ("锦绣花园3-2-501", "锦绣花园3栋2单元501室"),
        ("张庄村村民委员会", "张庄村"),
        ("张庄村委会", "张庄村"),
        ("文昌社区居委会", "文昌社区居民委员会"),
        ("建设路与和平街交叉口", "和平街建设路路口"),
        ("建设路 与 和平路 交叉口", "和平路、建设路交口"),
        ("廣場東路3號", "广场东路3号"),
        (" 文昌路 123 号 ", "文昌路123号"),
        ("王村村委会", "王村"),
        ("第3小区", "第三小区"),
        ("西五楼村", "西五楼村村委会"),
        ("锦绣花园A座3楼", "锦绣花园a座三楼"),
    ],
)
def test_the_same_place_written_in_two_ways(one, other):
    assert fits(one, other).is_exact
    assert fits(other, one).is_exact


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("文昌路123号", "文昌路121号"),
        ("文昌路123号", "文昌路"),
        ("文昌路", "文昌路123号"),
        ("文昌街123号", "文昌路123号"),
        ("文昌小区", "文昌社区"),
        ("建设二路12号", "建设三路12号"),
        ("锦绣花园对面", "锦绣花园"),
        ("锦绣花园3栋", "锦绣花园2栋"),
        ("文昌路123弄", "文昌路123号"),
        ("文倡社区", "文昌社区"),
        ("西五楼村", "西楼村"),
    ],
)
def test_another_place_is_never_taken_for_it(asked, listed):
    found = fits(asked, listed)
    assert not found.is_exact
    assert found.score < 1


def test_what_is_left_out_or_finer_than_the_list_is_said():
    assert fits("文昌", "文昌社区").is_exact
    found = fits("锦绣花园3栋2单元501室", "锦绣花园3栋")
    assert found.is_exact
    assert [(one.kind, one.value) for one in found.unmatched] == [("unit", "2"), ("room", "501")]
    assert found.numbers == 1


def test_regions_are_taken_off_the_beginning_and_must_fit():
    [way] = read("江宁区秣陵街道文昌社区锦绣花园", ZH, REGIONS)
    assert [sorted(one) for one in way.regions] == [["江宁区"], ["秣陵街道"], ["文昌社区"]]
    assert [part.stem for part in way.parts] == ["锦绣花园"]
    assert fits("江宁区锦绣花园", "锦绣花园", regions=("江宁区", "秣陵街道")).is_exact
    known = Regions(["江宁区", "鼓楼区"], ZH)
    [asked] = read("鼓楼区锦绣花园", ZH, known)
    found = match(asked, read("锦绣花园", ZH), frozenset({"江宁区"}), LEFT_OUT)
    assert not found.is_exact
    assert found.score < 0.8


def test_a_region_may_be_part_of_a_name():
    assert [part.stem for way in read("秣陵路12号", ZH, REGIONS) for part in way.parts] == ["秣陵路"]
    assert [part.stem for way in read("张庄村3组", ZH, REGIONS) for part in way.parts] == ["张庄村"]
    assert [part.stem for way in read("文昌社区", ZH, REGIONS) for part in way.parts] == ["文昌社区"]
    ways = read("秣陵文昌社区", ZH, REGIONS)
    assert [[part.stem for part in way.parts] for way in ways] == [["文昌社区"], ["秣陵文昌社区"]]


def test_an_address_and_a_name_together():
    assert fits("文昌路123号锦绣花园3栋", "锦绣花园", "文昌路123号").is_exact
    assert not fits("文昌路125号锦绣花园", "锦绣花园", "文昌路123号").is_exact


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12 Main St.", "Main Street 12"),
        ("Café de la Paix", "CAFE DE LA PAIX"),
        ("5th Ave & 42nd St", "5th Avenue / 42nd Street"),
        ("12 Main St, Apt 5", "12 Main Street"),
    ],
)
def test_addresses_in_words(one, other):
    assert fits(one, other, how=PLAIN).is_exact
    assert not fits("14 Main St", "12 Main Street", how=PLAIN).is_exact
    assert not fits("12 Main Rd", "12 Main Street", how=PLAIN).is_exact


@given(st.text(max_size=40))
def test_any_text_can_be_read(text):
    for how in (ZH, PLAIN):
        written = clean(text, how)
        assert clean(written, how) == written
        for one in read(text, how, REGIONS):
            assert one.parts
            assert all(part.stem and part.core for part in one.parts)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_distance_counts_single_mistakes(a, b):
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, b) == distance(b, a)
    assert abs(len(a) - len(b)) <= distance(a, b) <= max(len(a), len(b))
    assert all(distance(a, a[:i] + "x" + a[i:]) == 1 for i in range(len(a) + 1))
    assert all(distance(a, a[:i] + a[i + 1 :]) == 1 for i in range(len(a)))
    assert all(distance(a, a[:i] + a[i + 1] + a[i] + a[i + 2 :]) <= 1 for i in range(len(a) - 1))
