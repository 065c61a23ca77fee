"""The framed map: nothing from other hosts, no text that becomes code, colours that equal the figures."""

import base64
import io
import json
import re
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from PIL import Image

from geo import raster
from service import runtime
from service.cli import main
from service.supervision.assets import ABROAD, STATIC
from tests.service.supervision.conftest import EAST, WEST, publish

needs_vendor = pytest.mark.skipif(
    not (STATIC / "vendor" / "leaflet").exists(), reason="script/vendor-assets has not filled static/vendor"
)
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'\"><svg onload=alert(1)>",
    "{{ 7 * 731 }}",
    "{% for x in [1, 2] %}1337{% endfor %}",
    "{# gone #}",
    "${alert(1)}",
)


def frame(client, headers, **given):
    answer = client.get("/heatmap/frame", query_string=given, headers=headers)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_frame_is_shut_in(file_at, client, reader):
    file_at(WEST, 3)
    answer = client.get("/heatmap/frame", headers=reader())
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "connect-src 'none'" in policy
    assert "Set-Cookie" not in answer.headers
    page = client.get("/heatmap", headers=reader())
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert re.search(r'<iframe[^>]* sandbox="allow-scripts"', page.get_data(as_text=True))


def test_everything_it_loads_is_ours(file_at, client, reader):
    file_at(WEST, 3)
    html = frame(client, reader())
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(loaded) >= 5
    assert all(one.startswith("../static/") for one in loaded)
    assert not ABROAD.search(html)


def test_no_name_becomes_markup_or_code(districts, session, client, reader, tmp_path):
    hostile = " ".join(PAYLOADS)
    names = {"001": hostile, "002": "东社区"}
    publish(session, tmp_path, "990101", 116.0, names=names, plan="hostile", town=hostile)
    for given in ({}, {"grid": "990101001001"}, {"level": "subdistrict"}):
        drawn = frame(client, reader(), locale="en", **given)
        page = client.get("/heatmap", query_string={**given, "locale": "en"}, headers=reader())
        scripts = re.findall(r"<script>(.*?)</script>", drawn, re.DOTALL)
        assert len(scripts) >= 2
        assert not any(payload in "".join(scripts) for payload in PAYLOADS)
        for html in (drawn, page.get_data(as_text=True)):
            assert not re.search(r"<(?:script|img|svg)[^>]*(?:onerror|onload)", html)
            assert "<script>alert" not in html
            assert str(7 * 731) not in html
            assert "13371337" not in html


def test_a_name_that_looks_like_an_address_is_only_text(districts, session, client, reader, tmp_path):
    names = {"001": "src=//host @import url(//host)", "002": "东社区"}
    publish(session, tmp_path, "990101", 116.0, names=names, plan="address")
    assert "src=//host" in frame(client, reader())


def picture_of(html):
    data = re.search(r"data:image/png;base64,([A-Za-z0-9+/=]+)", html)[1]
    bounds = json.loads(re.search(r"L\.imageOverlay\(\s*\"[^\"]+\",\s*(\[\[.+?\]\])", html, re.DOTALL)[1])
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"), bounds


def colour_at(html, lon, lat):
    image, ((south, west), (north, east)) = picture_of(html)
    top, bottom, here = (raster._to_plane(raster.np.array([[0.0, y]]))[0, 1] for y in (north, south, lat))
    x, y = (lon - west) / (east - west) * image.width, (top - here) / (top - bottom) * image.height
    return image.getpixel((int(x), int(y)))


def test_a_colour_is_the_class_of_the_density_there(file_at, client, reader):
    """One spot with n reports in four weeks peaks at n / (2π · 0.12² km² · 4 weeks) = 2.76 n."""
    total, here = 0, []
    for count in (1, 4, 10, 25, 50, 100):
        file_at(WEST, count - total)
        total = count
        here.append(colour_at(frame(client, reader()), WEST, 32.005))
    assert here[0][3] == 0
    assert tuple("#{:02X}{:02X}{:02X}".format(*one[:3]) for one in here[1:]) == raster.COLOURS
    assert colour_at(frame(client, reader()), EAST, 32.005)[3] == 0


def test_periods_have_the_same_picture_and_the_difference_has_its_sign(file_at, client, reader):
    file_at(WEST, 200, days_ago=1), file_at(EAST, 200, days_ago=30)
    now, before, change = (frame(client, reader(), view=one) for one in ("now", "previous", "difference"))
    assert picture_of(now)[1] == picture_of(before)[1]
    assert colour_at(now, WEST, 32.005) == colour_at(before, EAST, 32.005)
    last, first = raster.CHANGE_COLOURS[-1], raster.CHANGE_COLOURS[0]
    assert "#{:02X}{:02X}{:02X}".format(*colour_at(change, WEST, 32.005)) == last
    assert "#{:02X}{:02X}{:02X}".format(*colour_at(change, EAST, 32.005)) == first


@needs_vendor
def test_the_file_holds_all_it_needs(file_at, monkeypatch, tmp_path):
    @contextmanager
    def running(settings=None):
        yield

    monkeypatch.setattr(runtime, "running", running)
    file_at(WEST, 3)
    path = tmp_path / "heat.html"
    done = CliRunner().invoke(main, ["heatmap", "--days", "7", "-o", str(path), "--json"])
    assert done.exit_code == 0, done.output
    html = path.read_text("utf-8")
    assert json.loads(done.stdout) == {"file": str(path), "reports": 3, "bytes": len(html.encode())}
    assert not re.search(r'<(?:script|img|link)[^>]* (?:src|href)="(?!data:)', html)
    assert not re.search(r"url\((?!data:|#|\"?#)", html)
    assert "上报密度" in html
    refused = CliRunner().invoke(main, ["heatmap", "--category", "dragons", "-o", str(tmp_path / "x.html")])
    assert (refused.exit_code, (tmp_path / "x.html").exists()) == (1, False)


def test_where_a_level_has_very_many_grids_only_the_ranked_are_drawn(file_at, client, reader, monkeypatch):
    file_at(WEST, 3)
    monkeypatch.setattr("service.supervision.drawing.MOST_OUTLINES", 3)
    html = frame(client, reader())
    assert '"code": "990101001001"' in html
    assert '"code": "990101001002"' not in html
    assert '"code": "990102001"' in html
    assert re.search(r"wanggeFrame\(map_\w+, .*, \[\[32\.00\d+, 116\.00\d+, 1\]\]\)", html)
