"""A backup comes back whole into a new installation, and into no other; the doctor sees what is ill."""

import io
import json
import os
import tarfile

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from service import clock, db, migrate
from service.cli import main
from service.errors import Conflict, Invalid
from service.settings import Settings
from service.upkeep import backup, doctor
from tests.conftest import make_database


@pytest.fixture
def source(cluster, tmp_path):
    """Give a database with a city, and a data folder with a file."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    url = make_database(cluster, f"backup_{worker}")
    migrate.upgrade(url)
    run(url, "insert into district (code, name, platform, phone) values ('1', '城东', '', '')")
    data = tmp_path / "data"
    (data / "demo").mkdir(parents=True)
    (data / "demo" / "accounts.json").write_text("{}")
    (data / "postgres").mkdir()
    (data / "postgres" / "PG_VERSION").write_text("15")
    (data / "indexes").mkdir()
    (data / "indexes" / "x.index").write_text("made again")
    (data / "label-audits" / "x").mkdir(parents=True)
    (data / "label-audits" / "x" / "table").write_text("gone after a day")
    return url, data


def run(url, statement):
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        done = connection.execute(text(statement))
        rows = done.all() if done.returns_rows else []
    engine.dispose()
    return rows


def test_a_backup_comes_back_whole(cluster, source, tmp_path):
    url, data = source
    target = tmp_path / "backup.tar"
    backup.write(url, data, target, at=clock.now())
    with tarfile.open(target) as tar:
        assert "files/demo/accounts.json" in tar.getnames()
        assert not any(
            part in name for name in tar.getnames() for part in ("postgres", "indexes", "label-audits")
        )

    empty = make_database(cluster, f"restore_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    there = tmp_path / "there"
    there.mkdir()
    about = backup.read(empty, there, target)
    assert about["schema"] == migrate.wanted_revision()
    assert run(empty, "select code, name from district") == [("1", "城东")]
    assert (there / "demo" / "accounts.json").read_text() == "{}"


def test_nothing_is_restored_over_an_installation_in_use(source, tmp_path):
    url, data = source
    target = tmp_path / "backup.tar"
    backup.write(url, data, target, at=clock.now())
    run(url, "update district set name = 'newer'")
    with pytest.raises(Conflict, match="in use"):
        backup.read(url, data, target)
    assert run(url, "select name from district") == [("newer",)]


@pytest.mark.parametrize("damage", ["text", "cut", "no-about"])
def test_a_damaged_backup_is_refused(cluster, source, tmp_path, damage):
    url, data = source
    target = tmp_path / "backup.tar"
    backup.write(url, data, target, at=clock.now())
    whole = target.read_bytes()
    if damage == "text":
        target.write_text("not a tar")
    elif damage == "cut":
        target.write_bytes(whole[: len(whole) // 2])
    else:
        with tarfile.open(target, "w") as tar:
            tar.addfile(tarfile.TarInfo("database.dump"), io.BytesIO())
    empty = make_database(cluster, f"restore_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    with pytest.raises((Invalid, Conflict)):
        backup.read(empty, data, target)
    assert migrate.current_revision(empty) is None


@pytest.mark.parametrize("name", ["../outside", "/outside", "link"])
def test_a_backup_that_reaches_out_of_its_folder_is_refused(cluster, source, tmp_path, name):
    _, data = source
    target = tmp_path / "backup.tar"
    with tarfile.open(target, "w") as tar:
        one = tarfile.TarInfo(name)
        if name == "link":
            one.type, one.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(one, io.BytesIO())
    empty = make_database(cluster, f"restore_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    with pytest.raises(Invalid, match="it holds"):
        backup.read(empty, data, target)
    assert not (tmp_path / "outside").exists()


def test_the_doctor_calls_a_sound_installation_well(session, tmp_path):
    answers = list(doctor.examine(session, Settings(data=tmp_path)))
    assert [one for one in answers if not one.is_well] == []
    assert len(answers) >= 6


def test_the_doctor_sees_an_old_schema_and_asks_no_further(session, tmp_path):
    session.execute(text("update alembic_version set version_num = '0001_city'"))
    answers = list(doctor.examine(session, Settings(data=tmp_path)))
    assert [one.question for one in answers if not one.is_well] == ["the schema is the newest"]


def test_the_doctor_reads_the_indexes_through(session, tmp_path, monkeypatch):
    from service import audit
    from service.assignment import building, saved
    from service.grids import publishing, queries
    from tests.service.grids import maps

    monkeypatch.setenv("WANGGE_DATA", str(tmp_path))
    assert "0 well, 0 missing, 0 damaged" in examined(session, tmp_path, "indexes").found
    path = maps.write(tmp_path / "map.geojson", [("000000001", "甲", maps.box(116.0, 116.001))])
    maps.bring(session, path, plan="p", crs="wgs84")
    publishing.publish(session, queries.get_plan(session, "p"), by=audit.OPERATOR, at=clock.now())
    session.flush()
    [index] = (saved.path_of(one) for one in building.needed(session))
    assert examined(session, tmp_path, "indexes").found.startswith("1 well, 0 missing, 0 damaged, 0.")
    whole = bytearray(index.read_bytes())
    whole[-200] ^= 1
    index.unlink()
    assert not examined(session, tmp_path, "indexes").is_well
    index.write_bytes(whole)
    assert "1 damaged" in examined(session, tmp_path, "indexes").found


def examined(session, folder, word):
    """Give the one answer whose question has the word."""
    [one] = (one for one in doctor.examine(session, Settings(data=folder)) if word in one.question)
    return one


def test_the_doctor_sees_a_failed_job(session, tmp_path):
    session.execute(
        text("insert into procrastinate_jobs (queue_name, task_name, status) values ('d', 't', 'failed')")
    )
    ill = [one for one in doctor.examine(session, Settings(data=tmp_path)) if not one.is_well]
    assert [one.found for one in ill] == ["1 failed"]


def test_the_doctor_command_says_it_in_json(url, monkeypatch):
    monkeypatch.setenv("WANGGE_DATABASE_URL", url)
    monkeypatch.setenv("WANGGE_DATA", "/tmp")
    bind = db.Session.kw.get("bind")
    done = CliRunner().invoke(main, ["doctor", "--json"])
    db.Session.configure(bind=bind)
    assert done.exit_code == 0, done.output
    assert all(one["is_well"] for one in json.loads(done.output))
