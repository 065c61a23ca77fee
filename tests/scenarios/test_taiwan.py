"""Three levels with real faults as one district: refused, waived, published; then each point has one face."""

import csv
import gzip
import io
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from sqlalchemy import create_engine, text

from tests.scenarios.installation import Installation
from tests.shared_data import shared

PLACE = "scale_taiwan_villages"
FIGURES = logging.getLogger("figures")
LAYERS = (
    ("subdistrict", "counties", "COUNTYCODE", "COUNTYNAME", None),
    ("community", "towns", "TOWNCODE", "TOWNNAME", "COUNTYCODE"),
    ("yard", "villages", "VILLCODE", "VILLNAME", "TOWNCODE"),
)
PENGHU = "10016"  # 90 islands
COUNT_FACES = text("""
    select p.n, count(f.id) as covering,
        count(f.id) filter (where st_relate(s.geom, p.geom) like '0%') as around
    from (
        select n, st_setsrid(st_makepoint(x, y), 4490) as geom
        from unnest(cast(:x as float8[]), cast(:y as float8[])) with ordinality as given (x, y, n)
    ) p
    left join (face f join shape s on s.district_id = f.district_id and s.id = f.shape_id)
        on s.geom && p.geom and st_relate(s.geom, p.geom) !~ '^FF.FF'
    group by p.n order by p.n
""")


def write_county(folder: Path, file: str, county: str | None) -> Path:
    """Cut a county out of a file of all, or take the file as it is."""
    path = shared(PLACE, f"{file}.geojson.gz")
    if county is None:
        return path
    features = json.loads(gzip.decompress(path.read_bytes()))["features"]
    kept = [one for one in features if one["properties"]["COUNTYCODE"] == county]
    made = folder / f"{file}.geojson"
    made.write_text(json.dumps({"type": "FeatureCollection", "features": kept}), encoding="utf-8")
    return made


def bring_all(service: Installation, folder: Path, county: str | None) -> dict[str, list[shapely.Geometry]]:
    """Import the three levels; gives the valid outlines of each."""
    outlines = {}
    for level, file, code, name, parent in LAYERS:
        path = write_county(folder, file, county)
        words = ["--plan", "tw", "--level", level, "--code-field", code, "--name-field", name, "--json"]
        words += ["--crs", "wgs84", "--base", "empty", *(["--parent-field", parent] if parent else [])]
        done = json.loads(service.told("import", path, *words))
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        shapes = [shapely.geometry.shape(one["geometry"]) for one in json.loads(raw)["features"]]
        assert done["features"] == len(shapes)
        outlines[level] = list(shapely.make_valid(shapes))
    return outlines


def points_on_land(shapes: list[shapely.Geometry], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Points inside outlines: at random in random ones, on vertices, and one in each."""
    boxes = shapely.bounds(shapes)[rng.integers(len(shapes), size=n * 3)]
    spots = rng.uniform(boxes[:, :2], boxes[:, 2:])
    tree = shapely.STRtree(shapes)
    inside = np.unique(tree.query(shapely.points(spots), predicate="intersects")[0])[:n]
    vertices = rng.choice(shapely.get_coordinates(shapes), n)
    own = shapely.get_coordinates(shapely.point_on_surface(shapes))
    return np.concatenate([spots[inside], vertices, own])


def assert_one_face_each(url: str, points: NDArray[np.float64], n_vertices: slice) -> None:
    """The database covers each point, and no point lies inside two faces."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    given = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
    with engine.connect() as connection:
        rows = connection.execute(COUNT_FACES, given).all()
    engine.dispose()
    covering = np.array([row.covering for row in rows])
    around = np.array([row.around for row in rows])
    assert (around <= 1).all()
    assert (np.where(around == 1, covering, 1) == 1).all()
    on_land = np.ones(len(points), dtype=bool)
    on_land[n_vertices] = False  # the lattice may have moved a rim vertex by half a millimetre
    assert (covering[on_land] >= 1).all(), points[on_land & (covering == 0)][:5]


@pytest.mark.parametrize("county", [PENGHU, pytest.param(None, marks=pytest.mark.long)])
def test_published_after_waivers_each_point_has_one_face(
    install: Any, tmp_path: Path, county: str | None
) -> None:
    service = install(f"taiwan_{county or 'all'}")
    outlines = bring_all(service, tmp_path, county)
    refused = service.run("publish", "tw")
    assert refused.returncode == 1
    assert "block publishing" in refused.stderr
    service.told("publish", "tw", "--waive", "all", status=1)  # nobody said why
    service.told("publish", "tw", "--waive", "all", "--reason", "the survey is as it is")
    rng = np.random.default_rng(4)
    land = [shape for shapes in outlines.values() for shape in shapes]
    points = points_on_land(land, rng, 2000)
    vertices = slice(len(points) - 2000 - len(land), len(points) - len(land))
    assert_one_face_each(service.environment["WANGGE_DATABASE_URL"], points, vertices)
    table = "lon,lat\n" + "".join(f"{x!r},{y!r}\n" for x, y in points.tolist())
    answered = service.told("assign", "-", "--lon", "lon", "--lat", "lat", "--crs", "wgs84", given=table)
    rows = list(csv.DictReader(io.StringIO(answered)))
    assert len(rows) == len(points)
    statuses = [row["grid_status"] for row in rows]
    counts = {one: statuses.count(one) for one in sorted(set(statuses))}
    FIGURES.info("%d points on land: %s", len(points), counts)
    assert set(statuses[: vertices.start]) | set(statuses[vertices.stop :]) <= {"inside", "border"}
    assert set(statuses[vertices]) <= {"inside", "border", "nearest"}
    assert all(row["grid_code"] for row in rows)
