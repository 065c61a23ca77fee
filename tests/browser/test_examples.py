"""The examples for integrators, run as they are printed against a running service."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import shapely

from geo.crs import from_lonlat, parse_crs
from geo.synth import make_city
from service import audit, clock, db
from service.people import actions
from tests.scenarios.installation import ROOT

EXAMPLES = ROOT / "docs" / "examples"
SHIM = """
// What a mini-program finds in its host, by the words of its documentation.
const [lon, lat, url] = [Number(process.argv[1]), Number(process.argv[2]), process.env.WANGGE_URL];
globalThis.wx = {
  getLocation: ({ type, success }) => success({ longitude: lon, latitude: lat, accuracy: 15, type }),
  request: ({ url, data, success, fail }) => fetch(`${url}?${new URLSearchParams(data)}`)
    .then(async (answer) => success({ statusCode: answer.status, data: await answer.json() }), fail),
};
require(process.env.EXAMPLE).whoAnswersHere(url).then(({ answer }) => console.log(JSON.stringify(answer)));
"""
COMMANDS = {
    "curl": ["sh", EXAMPLES / "assign.sh"],
    "python": [sys.executable, EXAMPLES / "assign.py"],
    "java": ["java", EXAMPLES / "Assign.java"],
    "mini-program": [Path(sys.executable).parent / "node", "-e", SHIM],
}


@pytest.fixture
def asked(live_server):
    """Give where and as whom to ask."""
    with db.Session.begin() as session:
        key = actions.create_token(
            session, name="example", scopes=(), per_minute=60, by=audit.SYSTEM, at=clock.now()
        )
    return {
        **os.environ,
        "WANGGE_URL": live_server.url,
        "WANGGE_TOKEN": key,
        "EXAMPLE": str(EXAMPLES / "miniprogram.js"),
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_gives_the_answer(asked, name):
    yard = make_city(seed=7, yards=300).layers["yard"][42]
    inside = shapely.get_coordinates(yard.geometry.representative_point())
    lon, lat = from_lonlat(inside, parse_crs("gcj02"))[0].tolist()
    if shutil.which(str(COMMANDS[name][0])) is None:
        pytest.skip(f"{COMMANDS[name][0]} is not on this machine")
    done = subprocess.run(
        [*map(str, COMMANDS[name]), repr(lon), repr(lat), "gcj02"],
        env=asked,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["grid"]["code"]) == ("inside", yard.code)
    assert answer["declared"]["crs"] == "gcj02"
