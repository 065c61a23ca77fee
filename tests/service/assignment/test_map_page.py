"""What the server tells the map page: where to fetch from, what exists, and nothing of other hosts by default."""

import json
import re

from service.settings import Settings


def config(client):
    answer = client.get("/map")
    assert answer.status_code == 200
    told = re.search(r'<script type="application/json" id="config">(.+?)</script>', answer.text).group(1)
    return answer, json.loads(told)


def test_an_empty_city_has_a_map_page_that_says_so(client):
    answer, told = config(client)
    assert told["bounds"] is None
    assert [one["name"] for one in told["levels"]] == ["街道", "社区", "楼院"]
    assert "还没有网格图" in answer.text


def test_pages_fetch_from_our_own_host_only(client):
    answer, told = config(client)
    policy = answer.headers["Content-Security-Policy"]
    assert told["tileUrl"] == ""
    assert "http" not in policy
    assert "unsafe" not in policy


def test_the_base_map_of_the_intranet_is_the_one_exception(app, client):
    app.config["WANGGE"] = Settings(tile_url="http://tiles.intranet:8080/a/{z}/{x}/{y}.png")
    answer, told = config(client)
    rules = dict(one.strip().split(" ", 1) for one in answer.headers["Content-Security-Policy"].split(";"))
    assert told["tileUrl"].startswith("http://tiles.intranet:8080/")
    for name, sources in rules.items():
        assert ("http://tiles.intranet:8080" in sources.split()) == (name in ("img-src", "connect-src")), name


def test_a_base_map_on_our_own_host_needs_no_exception(app, client):
    app.config["WANGGE"] = Settings(tile_url="/basemap/{z}/{x}/{y}.png")
    answer, _ = config(client)
    assert "basemap" not in answer.headers["Content-Security-Policy"]


def test_addresses_follow_the_path_a_proxy_gives_us(client):
    told = client.get("/map", environ_overrides={"SCRIPT_NAME": "/grids"}).text
    found = json.loads(re.search(r'id="config">(.+?)</script>', told).group(1))
    assert found["api"] == "/grids/api/v1"
    assert found["tiles"] == "/grids/tiles"
    assert found["worker"].startswith("/grids/static/")
