"""Files that mean harm, by command and over HTTP: a sentence, nothing half-written, bounded time and memory."""

import io
import json
import os
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import create_engine, text

from tests.geo.map_files import shapefile_parts, write, zipped
from tests.scenarios.installation import Installation, account_runs_python

OPTIONS = {"level": "community", "code_field": "code", "name_field": "name"}
SECONDS = 60
MEGABYTES = 1500
SCOPES = ("plan_read", "plan_edit")


def collection(coordinates: str, kind: str = "Polygon") -> str:
    geometry = f'{{"type": "{kind}", "coordinates": {coordinates}}}'
    feature = f'{{"type": "Feature", "properties": {{"code": "A", "name": "甲"}}, "geometry": {geometry}}}'
    return f'{{"type": "FeatureCollection", "features": [{feature}]}}'


def million(folder: Path) -> Path:
    """One outline of a million corners that crosses itself everywhere."""
    spots = np.random.default_rng(0).uniform([116, 32], [116.1, 32.1], (1_000_000, 2)).round(6).tolist()
    return put(folder / "million.geojson", collection(json.dumps([[*spots, spots[0]]])))


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def not_a_number(folder: Path) -> Path:
    ring = "[[[116, 32], [116.1, 32], [NaN, 32.1], [116, 32]]]"
    return put(folder / "nan.geojson", collection(ring))


def infinite(folder: Path) -> Path:
    return put(
        folder / "infinite.geojson", collection("[[[116, 32], [1e999, 32], [116.1, 32.1], [116, 32]]]")
    )


def nan_in_shapefile(folder: Path) -> Path:
    """A Shapefile whose first corner was overwritten by NaN."""
    parts = shapefile_parts(folder / "parts")
    shp = bytearray(parts["layer.shp"])
    first = 100 + 8 + 4 + 32 + 4 + 4 + 4
    shp[first : first + 8] = struct.pack("<d", float("nan"))
    parts["layer.shp"] = bytes(shp)
    return zipped(folder / "nan.zip", parts)


def swapped_axes(folder: Path) -> Path:
    """Latitude first, declared as degrees: 116 degrees north is nowhere."""
    return put(folder / "swapped.geojson", collection("[[[32, 116], [32, 116.1], [32.1, 116.1], [32, 116]]]"))


def metres_as_degrees(folder: Path) -> Path:
    ring = "[[[500000, 3500000], [500100, 3500000], [500100, 3500100], [500000, 3500000]]]"
    return put(folder / "metres.geojson", collection(ring))


def points(folder: Path) -> Path:
    return put(folder / "points.geojson", collection("[116, 32]", "Point"))


def document(folder: Path) -> Path:
    return put(folder / "map.zip", b"%PDF-1.7\n" + os.urandom(2000))


def picture_in_archive(folder: Path) -> Path:
    return zipped(folder / "pictures.zip", {"a.png": b"\x89PNG\r\n\x1a\n" + os.urandom(100)})


def other_json(folder: Path) -> Path:
    return put(folder / "other.geojson", '{"hello": [1, 2, 3]}')


def deep_json(folder: Path) -> Path:
    return put(folder / "deep.geojson", "[" * 200_000)


def cut_geojson(folder: Path) -> Path:
    whole = collection("[[[116, 32], [116.1, 32], [116.1, 32.1], [116, 32]]]")
    return put(folder / "cut.geojson", whole[: len(whole) * 2 // 3])


def cut_archive(folder: Path) -> Path:
    whole = zipped(folder / "whole.zip", shapefile_parts(folder / "parts")).read_bytes()
    return put(folder / "cut.zip", whole[: len(whole) // 2])


def cut_shapefile(folder: Path) -> Path:
    parts = shapefile_parts(folder / "parts")
    parts["layer.shp"] = parts["layer.shp"][:200]
    return zipped(folder / "cutshp.zip", parts)


def cut_database(folder: Path) -> Path:
    whole = write(folder / "whole.gpkg", driver="GPKG").read_bytes()
    return put(folder / "cut.gpkg", whole[: len(whole) // 2])


def bomb(folder: Path) -> Path:
    """A quarter of a gigabyte of blanks in a megabyte."""
    path = folder / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.geojson", "w", force_zip64=True) as inside,
    ):
        for _ in range(256):
            inside.write(b" " * (1 << 20))
    return path


def archive_of_archives(folder: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.geojson", "{}")
    return zipped(folder / "nested.zip", {"inner.zip": inner.getvalue()})


def laughs(folder: Path) -> Path:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY l0 "ha">{entities}]><kml><name>&l9;</name></kml>'
    return put(folder / "laughs.kml", body)


def escape(folder: Path) -> Path:
    return zipped(folder / "escape.zip", {"../../etc/a.geojson": b"{}"})


def empty(folder: Path) -> Path:
    return put(folder / "empty.geojson", b"")


HOSTILE: list[Callable[[Path], Path]] = [
    pytest.param(million, marks=pytest.mark.long),  # most of a minute
    not_a_number,
    infinite,
    nan_in_shapefile,
    swapped_axes,
    metres_as_degrees,
    points,
    document,
    picture_in_archive,
    other_json,
    deep_json,
    cut_geojson,
    cut_archive,
    cut_shapefile,
    cut_database,
    bomb,
    archive_of_archives,
    laughs,
    escape,
    empty,
]


@pytest.fixture(scope="module")
def service(install: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, str]:
    """A service with a map in force and an open plan, and a planner's token."""
    one = install("hostile")
    folder = tmp_path_factory.mktemp("good")
    good = write(folder / "good.geojson", driver="GeoJSON", crs="EPSG:4326")
    fields = ("--code-field", "code", "--name-field", "name", "--level", "community")
    one.told("import", good, "--plan", "first", *fields)
    one.told("publish", "first")
    one.told("import", good, "--plan", "open", *fields)
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    key = one.told("token", "create", "planner", *scopes).strip()
    one.start()
    return one, key


def counts(service: Installation) -> dict[str, int]:
    """Rows of every table of ours, and files kept."""
    engine = create_engine(
        service.environment["WANGGE_DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    )
    with engine.connect() as connection:
        tables = connection.scalars(
            text("select tablename from pg_tables where schemaname = 'public' order by 1")
        ).all()
        # What a token asked is in the log whatever came of it.
        others = ("procrastinate", "spatial", "api_request", "api_usage")
        ours = [one for one in tables if not one.startswith(others)]
        found = {one: connection.scalar(text(f'select count(*) from "{one}"')) for one in ours}
    engine.dispose()
    return found | {"files": sum(1 for one in service.folder.glob("uploads/**/*") if one.is_file())}


def versions(service: Installation, key: str) -> Any:
    status, body = service.ask("GET", "/api/v1/plans/open", Authorization=f"Bearer {key}")
    assert status == 200
    return json.loads(body)["version"]


def by_command(service: Installation, path: Path) -> str:
    """Import by command; gives the sentence of the refusal."""
    fields = ("--code-field", "code", "--name-field", "name", "--level", "community")
    done = service.run("import", path, "--plan", "open", "--crs", "wgs84", *fields, seconds=SECONDS * 4)
    assert done.returncode == 1, (done.stdout[-500:], done.stderr[-2000:])
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def over_http(service: Installation, key: str, path: Path) -> str:
    """Upload, and import where the upload was taken; gives the sentence of the refusal."""
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
    body = head.encode() + path.read_bytes() + b"\r\n--edge--\r\n"
    headers = {"Authorization": f"Bearer {key}", "Accept_Language": "en"}
    form = {"Content_Type": "multipart/form-data; boundary=edge", **headers}
    status, answer = service.ask("POST", "/api/v1/plans/open/imports", body, **form)
    if status != 201:
        assert 400 <= status < 500, (status, answer)
        return json.loads(answer)["detail"]
    address = f"/api/v1/plans/open/imports/{json.loads(answer)['id']}"
    kept = counts(service)
    wanted = json.dumps({**OPTIONS, "crs": "wgs84"})
    status, answer = service.ask("POST", address, wanted, Content_Type="application/json", **headers)
    assert 400 <= status < 500, (status, answer[:2000])
    assert counts(service) == kept
    assert service.ask("DELETE", address, **headers)[0] == 204
    return json.loads(answer)["detail"]


@pytest.mark.parametrize("make", HOSTILE, ids=lambda one: one.__name__)
def test_refused_with_a_sentence_and_nothing_written(
    service: tuple[Installation, str], tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    installation, key = service
    if make is nan_in_shapefile and not account_runs_python():
        pytest.skip("the service account may not run this Python, so the reader of Shapefiles can't start")
    path = make(tmp_path)
    before, version = counts(installation), versions(installation, key)
    begun = time.monotonic()
    told = [by_command(installation, path), over_http(installation, key, path)]
    assert time.monotonic() - begun < SECONDS * 2
    for sentence in told:
        assert 20 < len(sentence) < 600, sentence
        assert not {"numpy", "shapely", "GDAL", "Errno", str(tmp_path)} & set(sentence.split()), sentence
    after = counts(installation)
    if "plan_import" in after:  # a deleted upload may stay as a row that tells so
        before["plan_import"] = after["plan_import"]
    assert after == before
    assert versions(installation, key) == version
    assert installation.ask("GET", "/readyz")[0] == 200


def test_memory_stayed_bounded(service: tuple[Installation, str]) -> None:
    """Runs last: the largest process of all those commands, and the web workers as they are."""
    installation, _ = service
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 < MEGABYTES
    for status in Path("/proc").glob("[0-9]*/status"):
        if "granian" in (status.parent / "cmdline").read_text(errors="replace"):
            environment = (status.parent / "environ").read_text(errors="replace")
            if str(installation.folder) in environment:
                peak = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
                assert int(peak.split()[1]) / 1024 < MEGABYTES, peak


@pytest.mark.long
def test_an_honest_outline_of_a_million_corners(service: tuple[Installation, str], tmp_path: Path) -> None:
    installation, _ = service
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    ring = [118.9, 32.1] + 0.05 * np.column_stack([np.cos(angle), np.sin(angle)])
    shape = shapely.Polygon(ring)
    path = put(
        tmp_path / "circle.geojson", collection(json.dumps(shapely.geometry.mapping(shape)["coordinates"]))
    )
    fields = ("--code-field", "code", "--name-field", "name", "--level", "community")
    begun = time.monotonic()
    installation.told("import", path, "--plan", "round", "--dry-run", "--crs", "wgs84", *fields)
    assert time.monotonic() - begun < SECONDS * 2
