"""A published city of six communities, and ways to send histories to it."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from service import audit, clock
from service.assignment import in_force
from service.assignment.in_force import IN_FORCE
from service.city import actions as city
from service.grids import publishing, queries
from service.grids.importing import Request, import_file
from service.labels import keeping, tasks
from service.people import actions as people
from service.people.permissions import Permission
from service.settings import Settings
from tests.service.labels.cities import squares
from tests.service.supervision.conftest import feature


def table_of(header: list[str], rows: list[list[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("WANGGE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def town(app, session, tmp_path, monkeypatch, data):
    """Publish 990101 with six communities of 0.01 degrees in two rows; gives the shapes by code."""
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    monkeypatch.setattr(in_force, "STALE_SECONDS", 600.0)  # nobody listens to the database here
    app.config["WANGGE"] = Settings(demo=False, data=data)
    city.add_district(session, code="990101", name="甲区", by=audit.SYSTEM, at=clock.now())
    town = "990101001"
    shapes = {town + code: shape for code, shape in squares(3, 2).items()}
    layers = {
        "subdistrict": [feature(town, "一街道", _box(116.0, 32.0, 116.03, 32.02), "990101")],
        "community": [
            feature(code, f"{'东南西北中外'[i]}社区", shape, town)
            for i, (code, shape) in enumerate(shapes.items())
        ],
    }
    for level, features in layers.items():
        path = tmp_path / f"{level}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        wanted = Request("P", level, path, "code", "name", "parent", district="990101", base="empty")
        import_file(session, wanted, by=audit.OPERATOR, at=clock.now())
    plan = queries.get_plan(session, "P", lock=True)
    publishing.waive(session, plan, ("all",), reason="test", by=audit.OPERATOR, at=clock.now())
    publishing.publish(session, plan, by=audit.OPERATOR, at=clock.now())
    session.flush()
    IN_FORCE.refresh()
    return shapes


def _box(*bounds):
    import shapely

    return shapely.box(*bounds)


@pytest.fixture
def history(town):
    """Make a file of rows labelled as their places are, and one that is not."""
    dice = np.random.default_rng(4)
    rows = []
    for number, (code, shape) in enumerate(town.items()):
        west, south, _, _ = shape.bounds
        for _ in range(20):
            lon, lat = west + dice.uniform(0.001, 0.009), south + dice.uniform(0.001, 0.009)
            rows.append([f"{lon:.7f}", f"{lat:.7f}", code, "电话" if number % 2 else "网页"])
    rows.append(["116.0050000", "32.0050000", list(town)[5], "电话"])
    rows.append(["", "", list(town)[5], "电话"])
    return table_of(["经度", "纬度", "责任网格", "来源"], rows)


@pytest.fixture
def bearer(session):
    """Give the headers of somebody who may check histories, of the city or of one district."""

    def headers(name="checker", district=None):
        key = people.create_token(
            session, name=name, scopes=(Permission.LABEL_AUDIT,), by=audit.SYSTEM, at=clock.now(),
            **({"district": district} if district else {}),
        )  # fmt: skip
        session.flush()
        return {"Authorization": f"Bearer {key}"}

    return headers


@pytest.fixture
def work(session):
    """Do what the job worker does with the waiting checks; gives how many."""

    def run():
        rows = session.execute(
            text(
                "select id, args from procrastinate_jobs where status = 'todo' and task_name = :name order by id"
            ),
            {"name": keeping.JOB},
        ).all()
        for row in rows:
            tasks.run_audit(**row.args)
            session.execute(
                text("update procrastinate_jobs set status = 'succeeded' where id = :id"), {"id": row.id}
            )
        return [row.args for row in rows]

    return run
