"""New York's own labels against the community districts, counted by geopandas and pandas."""

import json
from dataclasses import replace
from functools import cache

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from service.labels import guesses
from service.labels.auditing import audit
from service.labels.positions import Choices
from service.labels.summary import rows, summary
from service.labels.table import read_table
from service.labels.wording import verdict
from tests.service.labels.cities import InMemory, edition
from tests.shared_data import shared

CHOICES = Choices("lon", "lat", "borocd", "wgs84")
METRES = 32118  # EPSG: New York Long Island, metres


@cache
def boards():
    listed = json.loads(shared("nyc_311_animal", "nyc_community_districts.geojson").read_text())["features"]
    return {str(one["properties"]["BoroCD"]): shapely.geometry.shape(one["geometry"]) for one in listed}


@cache
def counted() -> pd.DataFrame:
    """Give the reports with labels: the district by a spatial join, metres to its border by projection."""
    frame = pd.read_csv(shared("nyc_311_animal", "nyc_311.csv.gz"), dtype=str)
    frame = frame[frame["lon"].notna() & frame["borocd"].notna()]
    points = geopandas.GeoSeries.from_xy(frame["lon"].astype(float), frame["lat"].astype(float), crs=4326)
    ground = geopandas.GeoDataFrame(
        {"code": sorted(boards())}, geometry=[boards()[one] for one in sorted(boards())], crs=4326
    )
    joined = geopandas.sjoin(
        geopandas.GeoDataFrame(frame, geometry=points.to_numpy(), crs=4326), ground, predicate="intersects"
    )
    frame["ours"] = joined.groupby(level=0)["code"].min()
    outlines = ground.to_crs(METRES).set_index("code").boundary
    at = points.to_crs(METRES)
    known = frame["ours"].notna()
    frame.loc[known, "metres"] = at[known].distance(
        geopandas.GeoSeries(
            outlines[frame.loc[known, "ours"]].to_numpy(), index=frame.index[known], crs=METRES
        )
    )
    return frame


@cache
def checked(label: str):
    names = {code: code for code in boards()}
    table = read_table(shared("nyc_311_animal", "nyc_311.csv.gz"))
    against = InMemory(edition(boards(), names=names))
    found = audit(table, replace(CHOICES, label=label), against, tolerance_m=0, time_zone="America/New_York")
    return found, summary(found, table, "nyc.csv.gz"), rows(found, table), table


def test_the_columns_are_guessed():
    table = checked("borocd")[3]
    assert guesses.of_table(table, set(boards()), set(boards())) == {
        "lon": "lon", "lat": "lat", "label": "borocd", "time": "opened",
    }  # fmt: skip


def test_counts_are_those_of_a_spatial_join():
    found, figures, known, _ = checked("borocd")
    frame = counted()
    assert figures["usable"] == len(frame)
    assert figures["agree"] == (frame["ours"] == frame["borocd"]).sum()
    assert known["code"] == frame["ours"].fillna("").tolist()
    pairs = frame[frame["ours"] != frame["borocd"]].fillna({"ours": ""}).groupby(["borocd", "ours"]).size()
    assert {
        (one["label"], one["ours"]["code"] if one["ours"] else ""): one["rows"] for one in figures["matrix"]
    } == pairs.to_dict()
    metres = np.array([np.nan if one is None else one for one in known["border_m"]])
    there = frame["ours"].notna().to_numpy()
    apart = np.abs(metres - frame["metres"].to_numpy())[there]
    # A long edge is straight in degrees here and straight in the projection there: some decimetres at most.
    assert (apart < 0.3 + 0.005 * metres[there]).all()
    ends = np.array([5, 10, 20, 50, 200])
    sure = there & (np.abs(frame["metres"].to_numpy()[:, None] - ends) > 0.3 + 0.005 * ends).all(axis=1)
    assert sure.sum() > 5650
    expected = np.array(["0-5", "5-10", "10-20", "20-50", "50-200", "200-"])[
        np.searchsorted(ends, frame["metres"])
    ]
    assert (np.array(known["band"])[sure] == expected[sure]).all()
    assert found.level == "community"


def test_every_disagreement_near_a_border_was_flagged_by_our_own_answer():
    _, figures, known, _ = checked("borocd")
    frame = counted()
    wrong = (frame["ours"] != frame["borocd"]).to_numpy()
    near = wrong & (frame["metres"] <= 10).to_numpy()
    assert near.sum() == 53
    assert np.array(known["flagged"])[near].all()
    assert figures["near"] == {"within_m": 10.0, "disagree": 53, "flagged": 53}
    assert {one["reason"]: one["rows"] for one in figures["reasons"]} == {
        "border": 53,
        "outside": 1,
        "unexplained": 2,
    }


@pytest.mark.parametrize("label", ["borocd", "community_board_raw"])
def test_intersections_are_found_without_being_named(label):
    _, figures, _, _ = checked(label)
    frame = counted()
    best, *others = figures["kinds"]
    assert (best["column"], best["values"][0]["value"], best["values"][0]["stands_out"]) == (
        "address_type",
        "INTERSECTION",
        True,
    )
    assert {one["along"] for one in others} <= {"address_type"}
    wrong = frame[frame["ours"] != frame["borocd"]]
    assert best["values"][0]["disagree"] == (wrong["address_type"] == "INTERSECTION").sum()
    assert best["values"][0]["rows"] == (frame["address_type"] == "INTERSECTION").sum()
    assert "INTERSECTION" in verdict(figures, "zh")


def test_the_spelling_of_the_boards_is_read_by_itself():
    found, figures, known, table = checked("community_board_raw")
    assert figures["as_written"] == 0
    truth = {
        table.columns["community_board_raw"][row]: table.columns["borocd"][row] for row in range(len(table))
    }
    read = {
        one.label: found.register.grids[one.grid].code for one in found.meanings.values() if one.grid >= 0
    }
    assert read == {label: code for label, code in truth.items() if label in found.meanings and code}
    assert {one["label"] for one in figures["labels"]["unknown"]} == {
        label for label in found.meanings if "Unspecified" in label
    }
    assert figures["agree"] == checked("borocd")[1]["agree"]
    assert known["label_code"].count("") == 2


def test_coordinates_of_another_system_and_axes_exchanged_are_not_suspected():
    _, figures, _, _ = checked("borocd")
    assert figures["doubts"] == figures["piles"] == figures["other_editions"] == []
