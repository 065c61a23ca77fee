"""Rosters from spreadsheets: successions, corrections, row errors, all or nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, clock
from service.city import queries as city
from service.errors import Invalid
from service.grids import posts, publishing, queries
from service.grids.models import FaceCount, Post
from tests.service.grids import maps

HEADER = ("编码", "网格长", "电话", "户数", "人口")


@pytest.fixture
def published(session: Session, tmp_path: Path) -> None:
    done = maps.bring(session, maps.communities(tmp_path))
    leaderless = [one for one in done.findings if one.rule == "missing-leader"]
    assert [one.grids for one in leaderless] == [[maps.WEST, maps.EAST]]
    publishing.publish(session, queries.get_plan(session, "P"), by=audit.OPERATOR, at=clock.now())


def roster(session: Session, path: Path, *rows: tuple[Any, ...], days: int = 0) -> int:
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.active.append(row)
    book.save(path)
    district = city.the_district(session, None)
    at = clock.now() + timedelta(days=days)
    return posts.import_roster(session, path, district=district, by=audit.OPERATOR, at=at)


def test_leaders_follow_each_other(session: Session, tmp_path: Path, published: None) -> None:
    file = tmp_path / "r.xlsx"
    assert (
        roster(session, file, (maps.WEST, "甲", 13800000000, 10, 30), (int(maps.EAST), "乙", "1", 5, 9)) == 2
    )
    roster(session, file, (maps.WEST, "丙", "2", 11, 31), days=3)
    held = session.scalars(select(Post).order_by(Post.holder)).all()
    assert {one.holder: (one.phone, one.to_on is None) for one in held} == {
        "甲": ("13800000000", False),
        "乙": ("1", True),
        "丙": ("2", True),
    }
    counts = session.scalars(select(FaceCount).order_by(FaceCount.counted_on, FaceCount.people)).all()
    assert [(one.households, one.people) for one in counts] == [(5, 9), (10, 30), (11, 31)]


def test_a_correction_on_the_same_day_leaves_one_leader(
    session: Session, tmp_path: Path, published: None
) -> None:
    for name in ("甲", "甲", "乙"):
        roster(session, tmp_path / "r.xlsx", (maps.WEST, name, None, None, None))
    assert [one.holder for one in session.scalars(select(Post))] == ["乙"]


def test_every_wrong_row_is_named_and_nothing_is_taken(
    session: Session, tmp_path: Path, published: None
) -> None:
    rows = [
        (maps.WEST, "甲", "1", 1, 1),
        ("999", "乙", "1", 1, 1),
        (maps.EAST, "丙", "1", "many", 1),
        (None, "丁", "1", 1, 1),
        (maps.WEST, "戊", "1", 1, 1),
        (maps.EAST, "己", "1", 1.5, -1),
    ]
    with pytest.raises(Invalid) as refused:
        roster(session, tmp_path / "r.xlsx", *rows)
    assert [one["row"] for one in refused.value.members["errors"]] == [3, 4, 5, 6, 7]
    assert session.scalars(select(Post)).all() == []


def test_a_file_that_is_no_workbook_is_refused(session: Session, tmp_path: Path, published: None) -> None:
    path = tmp_path / "r.xlsx"
    path.write_bytes(b"not a workbook")
    with pytest.raises(Invalid, match="not an XLSX"):
        posts.import_roster(
            session, path, district=city.the_district(session, None), by=audit.OPERATOR, at=clock.now()
        )
