"""The query string read by hand says what the framework's reading says."""

from urllib.parse import quote, quote_plus, urlencode

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from service.http import arguments, best_language, language

NAMES = st.sampled_from(["lon", "lat", "crs", "accuracy_m", "at", "", "locale", "ü"])
VALUES = st.one_of(
    st.text(max_size=6), st.sampled_from(["116.5", "1+1", "%", "%zz", "a=b", "&", ";", "经度", "\x00"])
)
WRITTEN = st.one_of(
    st.lists(st.tuples(NAMES, VALUES), max_size=5).map(urlencode),
    st.lists(st.tuples(NAMES, VALUES), max_size=5).map(
        lambda pairs: "&".join(f"{quote_plus(name)}={quote(value, safe='=+;')}" for name, value in pairs)
    ),
    st.text(alphabet="lonat=&;+%123é.", max_size=20),
)
app = Flask(__name__)


@given(WRITTEN)
def test_arguments_are_the_first_of_each_name(written: str) -> None:
    with app.test_request_context(
        "/", environ_overrides={"QUERY_STRING": written.encode().decode("latin-1")}
    ):
        assert dict(arguments()) == request.args.to_dict()


@pytest.mark.parametrize(
    ("asked", "headers", "path", "told"),
    [
        (None, {}, "/api/v1/assign", "zh"),
        ("en", {}, "/api/v1/assign", "en"),
        ("fr", {"Accept-Language": "en-GB"}, "/api/v1/assign", "en"),
        (None, {"Accept-Language": "fr, en;q=0.5, zh;q=0.4"}, "/api/v1/assign", "en"),
        (None, {"Accept-Language": "en"}, "/map", "zh"),
        (None, {"Cookie": "locale=en", "Accept-Language": "zh"}, "/map", "en"),
        (None, {"Cookie": "locale=xx", "Accept-Language": "fr"}, "/api/v1/assign", "zh"),
        ("zh", {"Cookie": "locale=en"}, "/api/v1/assign", "zh"),
    ],
)
def test_the_language_of_an_answer(asked: str | None, headers: dict[str, str], path: str, told: str) -> None:
    with app.test_request_context(path, headers=headers):
        assert language("zh", asked) == told
        assert best_language("nonsense;;q=x", "zh") == "zh"
