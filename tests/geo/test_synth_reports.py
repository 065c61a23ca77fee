"""Reports on the fictional city: as many as asked, with the planted patterns really in them."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import prcoords
import pytest
import shapely

from geo.synth import CATEGORIES, make_city, make_reports

UNTIL = datetime(2026, 5, 1, 10, 30, tzinfo=UTC)
COUNT, WEEKS = 6000, 12
DAY = np.timedelta64(86_400, "s")


@pytest.fixture(scope="module")
def city():
    return make_city(yards=300, buildings=False)


@pytest.fixture(scope="module")
def reports(city):
    return make_reports(city, COUNT, weeks=WEEKS, until=UNTIL)


def metres(lon_a, lat_a, lon_b, lat_b):
    """Haversine, on a sphere: good enough to tell tens of metres."""
    a, b = np.radians(lat_a), np.radians(lat_b)
    h = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lon_a - lon_b) / 2) ** 2
    return 2 * 6_371_000 * np.arcsin(np.sqrt(h))


def city_hours(reports):
    """Hour of the day in UTC+8."""
    return (reports.at + np.timedelta64(8, "h")).astype("datetime64[s]").astype(int) % 86_400 / 3600


@pytest.mark.parametrize("count", [100, 777, COUNT])
def test_exactly_as_many_as_asked_in_the_order_of_time(city, count):
    made = make_reports(city, count, until=UNTIL)
    columns = (made.at, made.x, made.y, made.crs, made.accuracy_m, made.category, made.text, made.source)
    assert [len(column) for column in columns] == [count] * len(columns)
    assert (np.diff(made.at) >= np.timedelta64(0)).all()
    assert all(made.text)


def test_they_fill_the_whole_days_before_the_end(reports):
    end = np.datetime64("2026-04-30T16:00:00")  # the midnight in UTC+8
    start = end - WEEKS * 7 * DAY
    assert start <= reports.at[0] < start + DAY
    assert end - DAY <= reports.at[-1] < end


def test_all_categories_occur_and_no_others(reports):
    assert set(reports.category) == {category.code for category in CATEGORIES}


def test_recurrences_come_after_the_closure_before_them(reports):
    mine = np.flatnonzero(reports.origin == "recurrence")
    order = mine[np.lexsort((reports.occurrence[mine], reports.place[mine]))]
    same = reports.place[order][1:] == reports.place[order][:-1]
    earlier, later = order[:-1][same], order[1:][same]
    assert len(later) > 100
    assert (reports.occurrence[later] == reports.occurrence[earlier] + 1).all()
    assert (reports.category[later] == reports.category[earlier]).all()
    assert (reports.at[later] >= reports.closed_at[earlier]).all()
    apart = metres(*(v[k] for k in (earlier, later) for v in (reports.true_lon, reports.true_lat)))
    assert apart.max() < 40


def test_duplicates_come_before_the_closure(reports):
    mine = reports.origin == "duplicate"
    assert mine.sum() == round(0.03 * COUNT)
    assert (reports.at[mine] <= reports.closed_at[mine]).all()


def test_reports_from_outside_lie_in_no_district_and_the_others_in_one(city, reports):
    districts = shapely.union_all([d.outline for d in city.districts])
    shapely.prepare(districts)
    inside = shapely.intersects_xy(districts, reports.true_lon, reports.true_lat)
    outside = reports.origin == "outside"
    assert outside.sum() == round(0.01 * COUNT)
    assert not inside[outside].any()
    assert inside[~outside].mean() > 0.99


def test_a_share_is_declared_and_really_shifted_to_gcj02(reports):
    shifted = np.flatnonzero(reports.crs == "gcj02")
    assert 0.06 < len(shifted) / COUNT < 0.10
    good = shifted[(reports.accuracy_m[shifted] < 15)]
    back = np.array([prcoords.gcj_wgs_bored((reports.y[k], reports.x[k])) for k in good.tolist()])
    off = metres(back[:, 1], back[:, 0], reports.true_lon[good], reports.true_lat[good])
    unshifted = metres(reports.x[good], reports.y[good], reports.true_lon[good], reports.true_lat[good])
    assert np.quantile(off, 0.95) < 25
    assert unshifted.min() > 200


def test_poor_accuracy_is_told_and_true(reports):
    poor = (reports.accuracy_m > 70) & (reports.crs == "wgs84") & (reports.origin != "outside")
    fine = (reports.accuracy_m < 15) & (reports.crs == "wgs84") & (reports.origin != "outside")
    assert 0.02 < poor.mean() < 0.04
    off = metres(reports.x, reports.y, reports.true_lon, reports.true_lat)
    assert np.median(off[poor]) > 8 * np.median(off[fine])


def test_a_pile_lies_on_one_point_without_accuracy(reports):
    pile = reports.origin == "default"
    assert pile.sum() == round(0.012 * COUNT)
    assert len(set(zip(reports.x[pile].tolist(), reports.y[pile].tolist(), strict=True))) == 1
    assert np.isnan(reports.accuracy_m[pile]).all()
    assert not np.isnan(reports.accuracy_m[~pile]).any()


def test_hot_areas_are_hot_and_keep_to_their_stories(reports):
    first_day = (reports.at[0] + np.timedelta64(8, "h")).astype("datetime64[D]")
    day = ((reports.at + np.timedelta64(8, "h")).astype("datetime64[D]") - first_day).astype(int)
    assert {area.story for area in reports.hot_areas} == {"persistent", "new", "fading", "night"}
    for k, area in enumerate(reports.hot_areas):
        mine = reports.hot == k
        assert mine.sum() == area.reports
        assert (day[mine] >= area.first_day).all()
        assert (day[mine] < area.last_day).all()
        away = metres(area.lon, area.lat, reports.true_lon[mine], reports.true_lat[mine])
        assert np.mean(away < 2 * area.radius_m) > 0.95
    night = np.flatnonzero([area.story == "night" for area in reports.hot_areas])
    assert np.mean(city_hours(reports)[np.isin(reports.hot, night)] > 17) > 0.95


def test_markets_sell_in_the_morning_and_evening_and_offices_rest_at_weekends(reports):
    background = reports.origin == "background"
    hour = city_hours(reports)
    vending = hour[background & (reports.category == "street_vending")]
    assert np.mean((vending > 5) & (vending < 9.5)) + np.mean((vending > 15) & (vending < 21)) > 0.75
    weekday = ((reports.at + np.timedelta64(8, "h")).astype("datetime64[D]").astype(int) + 3) % 7
    adverts = weekday[background & (reports.category == "advert")]
    assert np.mean(adverts >= 5) / 2 < 0.85 * np.mean(adverts < 5) / 5


def test_the_seed_decides(city, reports):
    again = make_reports(city, COUNT, weeks=WEEKS, until=UNTIL)
    other = make_reports(city, COUNT, weeks=WEEKS, until=UNTIL, seed=8)
    assert np.array_equal(again.x, reports.x)
    assert again.text.tolist() == reports.text.tolist()
    assert not np.array_equal(other.x, reports.x)


def test_the_time_zone_of_the_end_does_not_matter(city, reports):
    local = UNTIL.astimezone(timezone(timedelta(hours=-5)))
    assert np.array_equal(make_reports(city, COUNT, weeks=WEEKS, until=local).at, reports.at)


def test_too_little_and_no_time_zone_are_refused(city):
    with pytest.raises(ValueError, match="at least 100"):
        make_reports(city, 99, until=UNTIL)
    with pytest.raises(ValueError, match="3 weeks"):
        make_reports(city, 100, weeks=2, until=UNTIL)
    with pytest.raises(ValueError, match="time zone"):
        make_reports(city, 100, until=UNTIL.replace(tzinfo=None))
