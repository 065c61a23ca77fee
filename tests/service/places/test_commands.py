"""The commands as an operator types them, the city of another language, and the migration both ways."""

import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect

from service import audit, clock, migrate, runtime
from service.city import actions as city_actions
from service.city import profile
from service.cli import main
from service.places.finding import find
from service.settings import Settings
from tests.conftest import make_database
from tests.service.places.conftest import LIST


@pytest.fixture
def run(session, monkeypatch):
    @contextmanager
    def running():
        yield Settings(demo=False)

    monkeypatch.setattr(runtime, "running", running)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def test_import_find_list_remove(communities, run, tmp_path):
    path = tmp_path / "地名.csv"
    path.write_text(LIST + "坏,,,x,31.9\n", "utf-8")
    options = (
        "--name-field",
        "名称",
        "--alias-field",
        "别名",
        "--address-field",
        "地址",
        "--lon",
        "经度",
        "--lat",
        "纬度",
    )
    refused = run("places", "import", path, *options, "--crs", "cgcs2000")
    assert refused.exit_code == 1
    assert "1 rows can't be taken, nothing was changed. row 10: 经度 is not a number" in refused.stderr
    done = run("places", "import", path, *options, "--crs", "cgcs2000", "--skip-errors")
    assert done.exit_code == 0, done.output
    assert done.stdout == "8 places taken into 地名, edition 1, read as cgcs2000\n"
    assert "1 rows left out" in done.stderr
    again = json.loads(
        run(
            "places", "import", path, *options, "--crs", "cgcs2000", "--skip-errors", "--replace", "--json"
        ).stdout
    )
    assert (again["places"], again["removed"], again["edition"]) == (8, 8, 2)
    found = json.loads(run("places", "find", "棉纺院", "--json").stdout)
    assert found["places"][0]["name"] == "锦绣花园"
    assert found["clear"] == found["places"][0]["id"]
    assert "锦绣花园" in run("places", "find", "锦绣").stdout
    assert json.loads(run("places", "lists", "--json").stdout)[0]["places"] == 8
    assert run("places", "remove", "地名").stdout == "8 places removed\n"
    assert run("places", "remove", "地名").exit_code == 1


def test_a_city_that_writes_addresses_in_words(communities, session, take):
    city_actions.set_profile(session, profile.shipped("international"), by=audit.SYSTEM, at=clock.now())
    take(
        "名称,别名,地址,经度,纬度\nTown Hall,City Hall,12 Main St,118.803,31.905\n"
        "Café Müller,,14 Main Street,118.805,31.905\nSt John Square,,,118.807,31.905\n"
    )
    for asked, name in (
        ("main street 12", "Town Hall"),
        ("CITY HALL", "Town Hall"),
        ("cafe muller", "Café Müller"),
        ("14 Main St, Apt 3", "Café Müller"),
    ):
        found = find(session, asked)
        assert found.clear is not None, asked
        assert found.clear.name == name
    for asked, name in (
        ("cafe muler", "Café Müller"),
        ("13 Main St", "Town Hall"),
        ("saint jon square", "St John Square"),
    ):
        found = find(session, asked)
        assert found.clear is None, asked
        assert name in [one.name for one in found.candidates]


def test_the_migration_goes_both_ways(cluster):
    address = make_database(cluster, "places_both_ways")
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    migrate.upgrade(address, "0007_places")
    assert {"place", "place_list", "place_gram"} <= set(inspect(engine).get_table_names())
    from alembic import command

    command.downgrade(migrate.configuration(address), "0006_plan_checks")
    assert "place" not in inspect(engine).get_table_names()
    migrate.upgrade(address, "0007_places")
    engine.dispose()
