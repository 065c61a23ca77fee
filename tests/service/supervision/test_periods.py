"""Periods are half-open, in the city's time zone, and compare with the one of the same length before."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service.errors import Invalid
from service.supervision.periods import window

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def given(days=7, from_on=None, to_on=None, zone="Asia/Shanghai"):
    return window(days=days, from_on=from_on, to_on=to_on, now=NOW, time_zone=zone)


def test_the_last_days_end_now():
    one = given(28)
    assert (one.start, one.end, one.weeks) == (NOW - timedelta(days=28), NOW, 4.0)
    assert (one.previous.end, one.previous.weeks) == (one.start, 4.0)


def test_days_begin_at_midnight_of_the_city_and_the_last_is_excluded():
    one = given(from_on=date(2026, 3, 9), to_on=date(2026, 3, 16))
    assert one.start == datetime(2026, 3, 8, 16, tzinfo=UTC)
    assert one.end == datetime(2026, 3, 15, 16, tzinfo=UTC)
    assert one.previous.start == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_a_week_with_a_change_of_clocks_has_its_true_length():
    one = given(from_on=date(2026, 3, 8), to_on=date(2026, 3, 9), zone="America/New_York")
    assert one.end - one.start == timedelta(hours=23)


def test_one_end_is_enough():
    assert given(7, from_on=date(2026, 3, 9)) == given(from_on=date(2026, 3, 9), to_on=date(2026, 3, 16))
    assert given(7, to_on=date(2026, 3, 16)) == given(from_on=date(2026, 3, 9), to_on=date(2026, 3, 16))


@pytest.mark.parametrize(
    ("from_on", "to_on"),
    [
        (date(2026, 3, 9), date(2026, 3, 9)),
        (date(2026, 3, 9), date(2026, 3, 1)),
        (date(1900, 1, 1), None),
        (None, date(9999, 12, 31)),
    ],
)
def test_empty_and_absurd_periods_are_refused(from_on, to_on):
    with pytest.raises(Invalid) as refused:
        given(from_on=from_on, to_on=to_on)
    assert refused.value.members["errors"][0]["pointer"] in ("/from", "/to")
