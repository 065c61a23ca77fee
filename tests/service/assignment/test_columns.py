"""The columns of many answers are those of single look-ups, row for row."""

import math
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import parse_crs
from service.assignment import answers, columns
from service.assignment.batch import Positions, answer_rows, fields, flat, read_row
from service.assignment.columns import answer_columns, answer_schema, compacted
from service.assignment.sureness import number_texts, rounded
from tests.service.assignment.maps_of_squares import LEVELS, NOW, STEP, in_force_with, question, two_districts

APART, OVERLAPPING = in_force_with(two_districts()), in_force_with(two_districts(overlap=0.5))


def rows_of(batch: Any) -> list[dict[str, Any]]:
    """The columns as `flat` gives them: the empty text where there is nothing."""
    return [
        {name: "" if value is None else value for name, value in row.items()} for row in batch.to_pylist()
    ]


def singly(in_force: Any, asked: Any, table: list[tuple[Any, Any, Any]], crs: Any) -> list[dict[str, Any]]:
    return [flat(answer_rows(in_force, asked, [read_row(*one)], crs)[0], LEVELS) for one in table]


def together(in_force: Any, asked: Any, table: list[tuple[Any, Any, Any]], crs: Any) -> Any:
    rows = [read_row(*one) for one in table]
    positions = Positions(
        np.array([(row.x, row.y) for row in rows]).reshape(-1, 2),
        np.array([row.accuracy_m for row in rows]),
        {place: row.error for place, row in enumerate(rows) if row.error},
    )
    return answer_columns(in_force, asked, LEVELS, positions, crs)


# On corners, edges and middles of the squares, a little beside them, beyond the rim, and far away.
PLACES = st.one_of(
    st.tuples(st.integers(-2, 20), st.integers(-2, 6)).map(
        lambda at: (116 + at[0] * STEP / 2, 32 + at[1] * STEP / 2)
    ),
    st.tuples(st.floats(115.9985, 116.0095), st.floats(31.9985, 32.0035)),
    st.sampled_from([(0.0, 0.0), (-179.9, 80.0), (32.0005, 116.0005), (116.1, 32.0), (math.nan, 1.0)]),
    st.sampled_from([("x", "1"), ("116.0005", " 32.0005 "), (None, 2.0), ("inf", "1"), (True, 1)]),
)
ACCURACIES = st.sampled_from([None, None, "", 0, 5, 15.5, 80, 900, -1, "x"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(PLACES, ACCURACIES), min_size=1, max_size=40),
    st.sampled_from([APART, OVERLAPPING, in_force_with([])]),
    st.sampled_from([None, "subdistrict", "community", "yard"]),
    st.sampled_from(["wgs84", "gcj02", "EPSG:4547"]),
)
def test_columns_are_those_of_single_look_ups(table: Any, in_force: Any, level: Any, crs: str) -> None:
    spots = [(x, y, accuracy) for (x, y), accuracy in table]
    declared, asked = parse_crs(crs), question(level)
    found = together(in_force, asked, spots, declared)
    found.validate(full=True)
    assert rows_of(found) == singly(in_force, asked, spots, declared)
    assert compacted(found).to_pylist() == found.to_pylist()


@pytest.mark.parametrize("in_force", [APART, OVERLAPPING])
def test_the_squares_know_every_status(in_force: Any) -> None:
    spots = [
        (x, y, 10)
        for x in np.arange(115.9995, 116.0095, STEP / 4)
        for y in np.arange(31.9999, 32.003, STEP / 4)
    ]
    found = together(
        in_force, question(), [*spots, (116.001, 32.0005, 5), (116.0, 33.0, 9)], parse_crs("wgs84")
    )
    assert set(found["grid_status"].to_pylist()) == {"inside", "border", "gap", "nearest", "outside"}
    assert {"99/1", "98/2", None} == set(found["edition"].to_pylist())
    assert tuple(found.schema.names) == fields(LEVELS)
    assert found.schema == answer_schema(LEVELS)


@given(st.lists(st.floats(0, 1e7) | st.integers(0, 10**9).map(lambda k: k / 16000)))
def test_numbers_are_rounded_and_written_as_python_does(values: list[float]) -> None:
    exact = [round(one, 3) for one in values]
    steps = rounded(np.array(values, dtype=float), 3)
    assert steps.tolist() == exact
    assert number_texts(steps).to_pylist() == [str(one) for one in exact]


class OneRuling:
    """A ruling that decides everywhere north of the first row of squares, also far outside."""

    def __init__(self, grid_id: UUID) -> None:
        self.one = SimpleNamespace(id=UUID(int=7), grid_id=grid_id, decided_on=date(2026, 1, 2))

    def __len__(self) -> int:
        return 1

    def at_point(self, scheme_id: int, lon: float, lat: float, *moments: Any) -> Any:
        return self.one if lat > 32.001 else None

    def at_points(self, scheme_id: int, points: Any, *moments: Any) -> dict[int, Any]:
        return dict.fromkeys(np.flatnonzero(points[:, 1] > 32.001).tolist(), self.one)


@pytest.mark.parametrize("known", [True, False])
def test_a_ruling_decides_in_columns_as_it_does_alone(known: bool, monkeypatch: Any) -> None:
    grid = APART.maps_at(1, NOW)[1].grids[3]
    rulings = OneRuling(grid.id if known else UUID(int=1))
    monkeypatch.setattr(answers, "RULINGS", rulings)
    monkeypatch.setattr(columns, "RULINGS", rulings)
    spots = [(116 + x * STEP / 2, 32 + y * STEP / 2, 20) for x in range(-1, 18) for y in range(-1, 6)]
    asked, crs = question(), parse_crs("wgs84")
    found = rows_of(together(APART, asked, [*spots, (116.0, 33.0, 9)], crs))
    assert found == singly(APART, asked, [*spots, (116.0, 33.0, 9)], crs)
    assert (found[-1]["grid_code"], found[-1]["edition"]) == ((grid.code, "98/2") if known else ("", ""))
