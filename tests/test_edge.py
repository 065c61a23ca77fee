"""The service's edge: health, problems, headers, migrations."""

import pytest
from sqlalchemy import create_engine, text

from service import migrate
from tests.conftest import make_database


def test_hello_answers_with_a_request_id_and_safe_headers(client):
    answer = client.get("/api/v1/hello")
    assert answer.json == {"hello": "wangge"}
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_address_is_a_problem_document(client):
    answer = client.get("/api/v1/nowhere")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == 404


def test_readyz_names_the_editions_of_an_empty_city(client):
    assert client.get("/readyz").json == {"status": "ready", "editions": []}


def test_every_problem_type_explains_itself(client):
    assert client.get("/problems/crs-not-declared").json["title"]
    assert client.get("/problems/no-such-thing").status_code == 404


def test_openapi_is_3_1_and_names_the_look_up(client):
    spec = client.get("/api/v1/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    assert "/api/v1/assign" in spec["paths"]


def test_migrations_go_down_and_up_again(cluster):
    from alembic import command

    address = make_database(cluster, "test_migrations")
    migrate.upgrade(address)
    command.downgrade(migrate.configuration(address), "base")
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        left = connection.scalars(
            text(
                "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
                "and relname not in ('spatial_ref_sys', 'alembic_version')"
            )
        ).all()
    engine.dispose()
    assert left == []
    migrate.upgrade(address)


@pytest.mark.parametrize("path", ["/api/v1/grids/%00", "/api/v1/grids?level=%00", "/api/v1/grids?q=%00"])
def test_a_character_the_database_can_not_hold_is_the_sender_s_mistake(client, path):
    answer = client.get(path)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_a_page_that_is_not_there_is_said_in_the_visitors_language(client):
    answer = client.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "zh"})
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text
