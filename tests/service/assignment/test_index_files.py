"""The index of an edition as a file: made once, never answered from where damaged, refused where there is no room."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import func, select, text

from geo.errors import IndexNotSaved
from service import audit, clock
from service.assignment import building, in_force, maps, saved, tasks
from service.assignment.in_force import InForce
from service.errors import NotReady
from service.grids import publishing, queries, readiness
from service.grids.importing import Request, import_file
from service.grids.models import Edition
from tests.scenarios.installation import ROOT, write_map

POINT = (116.0005, 32.0005)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WANGGE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "indexes"


def import_squares(session: Any, folder: Path, plan: str = "p") -> Any:
    shapes = [
        (
            {"code": f"99010100{n}", "name": f"街道{n}"},
            shapely.box(116 + n / 1000, 32, 116.001 + n / 1000, 32.001),
        )
        for n in (0, 1)
    ]
    path = write_map(folder / f"{plan}.geojson", shapes)
    wanted = Request(
        plan=plan, level="subdistrict", path=path, code_field="code", name_field="name", base="empty"
    )
    import_file(session, wanted, by=audit.OPERATOR, at=clock.now())
    return queries.get_plan(session, plan, lock=True)


def publish(session: Any, plan: Any) -> Edition:
    made = publishing.publish(session, plan, by=audit.OPERATOR, at=clock.now())
    session.flush()
    return made[0]


@pytest.fixture
def published(session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edition:
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    return publish(session, import_squares(session, tmp_path))


def fresh() -> InForce:
    """What another process has that starts now."""
    one = InForce()
    one.refresh()
    return one


def found(one: InForce) -> str:
    [only] = one.maps_at(one.scheme_id(None), one.now())
    return only.grids[int(only.locator.owners[only.locator.locate(*POINT)])].code


def index(folder: Path) -> Path:
    [path] = folder.glob("*.index")
    return path


@pytest.fixture
def nobody_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(maps, "read", refuse)


def test_publishing_saves_the_index_and_others_attach_it(
    published: Edition, own_folder: Path, nobody_builds: None
) -> None:
    assert found(fresh()) == "990101000"
    assert (own_folder.stat().st_mode & 0o777, index(own_folder).stat().st_uid) == (
        0o700,
        own_folder.parent.stat().st_uid,
    )
    assert [one.name for one in own_folder.iterdir() if not one.name.endswith((".index", ".lock"))] == []


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "head", "missing"])
def test_a_damaged_index_is_made_anew_and_never_answered_from(
    published: Edition, own_folder: Path, damage: str
) -> None:
    path = index(own_folder)
    whole = path.read_bytes()
    path.unlink()  # never in place: others have it mapped
    harm = {"cut": whole[:-100], "empty": b"", "foreign": b"x" * 5000, "head": whole[:30] + b"?" + whole[31:]}
    if damage in harm:
        path.write_bytes(harm[damage])
    assert found(fresh()) == "990101000"
    assert len(index(own_folder).read_bytes()) == len(whole)


def test_damage_inside_is_found_in_the_background_and_no_process_goes_on_with_it(
    published: Edition, own_folder: Path
) -> None:
    one, path = fresh(), index(own_folder)
    key = one.maps_at(1, one.now())[0].key
    whole = bytearray(path.read_bytes())
    whole[-200] ^= 1
    path.unlink()
    path.write_bytes(whole)
    one._look_after(key)
    assert one.not_loaded() == []  # size and head are well: it was attached anew
    tasks.check(saved.content_of(key))
    assert not path.exists()
    one._started = True  # a web process: it waits for the job
    one._asked[in_force.place_of(key)] = in_force.time.monotonic() + 60
    one._look_after(key)
    assert one.not_loaded() == [key]
    tasks.verify_indexes.func(0)
    assert path.exists()
    one._look_after(key)
    assert one.not_loaded() == []
    assert found(one) == "990101000"


@contextmanager
def no_room() -> Iterator[None]:
    """The system refuses to write more than 4 kB into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_where_there_is_no_room_publishing_refuses_and_leaves_nothing(
    session: Any, tmp_path: Path, own_folder: Path
) -> None:
    plan = import_squares(session, tmp_path)
    before = session.scalar(select(func.count()).select_from(Edition))
    attempt = session.begin_nested()
    with no_room(), pytest.raises(IndexNotSaved, match="Make room"):
        publish(session, plan)
    attempt.rollback()
    assert session.scalar(select(func.count()).select_from(Edition)) == before
    assert [one.name for one in own_folder.iterdir()] == [saved.TURN]
    assert publish(session, plan).number > 0  # with room again


def test_where_there_is_no_room_the_service_goes_on_from_memory(published: Edition, own_folder: Path) -> None:
    index(own_folder).unlink()
    with no_room():
        one = fresh()
        assert found(one) == "990101000"
    assert list(own_folder.glob("*.index")) == []
    key = one.maps_at(1, one.now())[0].key
    building.make(building_session(), saved.content_of(key))
    one._look_after(key)
    assert one._kept.peek(in_force.place_of(key)).inode == saved.inode_of(index(own_folder))


def building_session() -> Any:
    from service.db import Session

    return Session()


HOLD = """
import sys, time
from service.assignment import saved
with saved.turn():
    (saved.folder() / sys.argv[1]).write_bytes(b"half")
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_builder_holds_nobody_up(published: Edition, own_folder: Path) -> None:
    path = index(own_folder)
    path.unlink()
    half = f".{path.name}.new.0123.part"
    command = [sys.executable, "-c", HOLD, half]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == b"held\n"
        assert saved.is_somebody_building()
        builder.send_signal(signal.SIGKILL)
    assert not saved.is_somebody_building()
    assert found(fresh()) == "990101000"
    assert path.exists()
    assert not (own_folder / half).exists()


def test_who_waited_for_the_builder_builds_no_second_time(
    published: Edition, own_folder: Path, nobody_builds: None
) -> None:
    path = index(own_folder)
    aside = path.rename(own_folder / "kept")
    content = saved.Content(
        published.district_id,
        published.snapshot_id,
        building.content_now(building_session(), published.district_id, published.snapshot_id).checksum,
    )
    assert saved.path_of(content) == path
    with saved.turn():
        waiting = threading.Thread(target=building.make, args=(building_session(), content))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        aside.rename(path)
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_web_process_says_what_it_waits_for(
    published: Edition, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = InForce()
    one.poll(everything=True)
    index(own_folder).unlink()
    one._started = True
    monkeypatch.setattr(in_force, "WAIT_SECONDS", 0.01)
    assert [key.number for key in one.not_loaded()] == [published.number]
    with pytest.raises(NotReady, match="is being prepared"):
        one.maps_at(1, one.now())
    monkeypatch.setattr(building, "PATIENCE_S", -1.0)  # no job makes it: the process does
    for key in list(one._wanted.values()):
        one._look_after(key)
    assert (one.not_loaded(), one._wanted) == ([], {})
    assert found(one) == "990101000"


def test_a_rollback_tells_its_own_number_from_the_same_index(
    session: Any, published: Edition, own_folder: Path
) -> None:
    from service.city.models import District

    first = fresh()
    district = session.get_one(District, published.district_id)
    again = publishing.rollback(session, district, published.number, by=audit.OPERATOR, at=clock.now())
    second = fresh()
    [one] = second.maps_at(1, second.now())
    assert (one.key.number, one.key.snapshot_id) == (again.number, published.snapshot_id)
    assert first.maps_at(1, published.in_force_from)[0].key.number == published.number
    old = second.edition(one.key.district_code, published.number)
    assert old is not None
    assert (old.key.number, old.locator is one.locator, old.places is one.places) == (
        published.number,
        True,
        False,
    )
    index(own_folder)  # still one


def test_what_a_job_made_ahead_is_what_publishing_needs(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = import_squares(session, tmp_path)
    [content] = ahead = publishing.contents(session, plan)
    readiness.ask(session, ahead)
    queued = session.execute(
        text("select task_name, args from procrastinate_jobs where status = 'todo'")
    ).all()
    wanted = {"district_id": content.district_id, "snapshot_id": str(content.snapshot_id)}
    assert ("assignment.build_index", wanted) in [tuple(one) for one in queued]
    assert building.content_now(session, content.district_id, content.snapshot_id) == content
    building.make(session, content)
    monkeypatch.setattr(maps, "read", None)
    assert publish(session, plan).snapshot_id == content.snapshot_id
    assert building.needed(session)[-1] == content


def test_old_files_are_swept(published: Edition, own_folder: Path) -> None:
    mine, month = index(own_folder), saved.time.time() - 31 * saved.DAY
    old, fresh_one, ill = (own_folder / name for name in ("a-0.index", "b-0.index", "c-0.index.damaged"))
    for path in (old, fresh_one, ill):
        path.write_bytes(b"x")
    for path in (mine, old, ill):
        os.utime(path, (month, month))
    assert saved.sweep({mine}) == 2
    assert sorted(own_folder.glob("*.index*")) == sorted((mine, fresh_one))


def test_a_commit_that_comes_too_late_is_refused(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.errors import Conflict

    late = publishing.database_now(session) + publishing.NOTICE - timedelta(seconds=0.1)
    with building_session() as another:
        publishing.keep_notice(another, late)
        with pytest.raises(Conflict, match="took too long"):
            another.commit()
        another.rollback()
    with building_session() as another:
        publishing.keep_notice(another, late + timedelta(seconds=60))
        another.commit()
