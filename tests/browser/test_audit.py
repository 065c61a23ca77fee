"""A history dropped in the browser: columns, coordinate system, progress, figures that open to their rows."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import shapely
from sqlalchemy import text

from geo.crs import from_lonlat, parse_crs
from service import db
from service.assignment.in_force import IN_FORCE
from service.labels import keeping, tasks
from tests.browser.conftest import at_desk, log_in, stays_within_its_width
from tests.browser.test_plans import until

ROWS = 1000


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep uploads out of the machine's own folder; comes before the server."""
    monkeypatch.setenv("WANGGE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def history() -> tuple[bytes, int]:
    """Make 1,000 rows in GCJ-02 with names of communities; gives how many of them were put astray."""
    dice = np.random.default_rng(3)
    [one, *_] = IN_FORCE.maps_at(IN_FORCE.scheme_id(None), IN_FORCE.now())
    grids = [place for place, grid in enumerate(one.grids) if grid.level == "community"]
    rows, faces = [], one.locator.faces
    ground = {
        place: [
            f
            for f, owner in enumerate(one.locator.owners.tolist())
            if owner >= 0 and place in one.grids[owner].chain
        ]
        for place in grids
    }
    for number in range(ROWS):
        place = grids[number % len(grids)]
        point = shapely.point_on_surface(faces[ground[place][int(dice.integers(len(ground[place])))]])
        rows.append(
            (point.x + dice.normal(0, 1e-6), point.y, one.grids[place].name, "街面" if number % 9 else "路口")
        )
    astray = [number for number in range(0, ROWS, 9) if dice.random() < 0.4]
    points = from_lonlat(np.array([row[:2] for row in rows]), parse_crs("gcj02"))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["编号", "经度", "纬度", "处置网格", "地址类型"])
    for number, (row, point) in enumerate(zip(rows, points.tolist(), strict=True)):
        name = rows[(number + 1) % ROWS][2] if number in astray else row[2]
        writer.writerow([number, f"{point[0]:.7f}", f"{point[1]:.7f}", name, row[3]])
    return out.getvalue().encode("gb18030"), len(astray)


def work() -> None:
    """Do what the job worker does."""
    with db.Session.begin() as session:
        waiting = session.execute(
            text("select id, args from procrastinate_jobs where status = 'todo' and task_name = :name"),
            {"name": keeping.JOB},
        ).all()
        session.execute(
            text("update procrastinate_jobs set status = 'succeeded' where id = any(:ids)"),
            {"ids": [row.id for row in waiting]},
        )
    for row in waiting:
        tasks.run_audit(**row.args)


def drop(page: Any, name: str, content: bytes) -> None:
    page.evaluate(
        """([name, bytes]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
            const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
            document.getElementById("upload").dispatchEvent(event);
        }""",
        [name, list(content)],
    )
    page.wait_for_url(re.compile(r"/audit/[0-9a-f-]{36}$"))
    page.wait_for_selector("#begin")


@pytest.fixture
def report(page: Any, live_server: Any) -> tuple[Any, int]:
    """Go the whole way from the file to the report."""
    content, astray = history()
    log_in(page, live_server, "supervisor")
    page.goto("/audit")
    assert stays_within_its_width(page)
    drop(page, "三季度.csv", content)
    assert page.input_value("#column-label") == "处置网格"
    assert page.is_disabled("#begin")
    gcj = page.locator("label.opt", has=page.locator("input[value=gcj02]"))
    assert "标注一致" in gcj.inner_text()
    assert gcj.locator(".badge").count() == 1
    gcj.locator("input").check()
    assert stays_within_its_width(page)
    page.click("#begin")
    page.wait_for_selector(".progress")
    work()
    page.wait_for_selector(".verdict")
    return page, astray


def test_the_report_says_shows_and_opens(report: tuple[Any, int]) -> None:
    page, astray = report
    until(page, "document.querySelector('.maplibregl-canvas') !== null")
    assert f"{ROWS:,} 条记录中" in page.inner_text(".verdict")
    assert "“地址类型”为“路口”" in page.inner_text(".verdict")
    figures = page.locator(".audit-figs .fig b").all_inner_texts()
    assert figures[1] == str(astray)
    assert stays_within_its_width(page)
    page.locator(".audit-figs .fig").nth(1).click()
    page.wait_for_selector(".audit-rows tbody tr")
    assert f"{astray} 条中第 1–" in page.inner_text(".audit-rows header")
    assert page.locator(".audit-rows tbody tr").count() == min(50, astray)
    page.locator(".audit-rows .spot td:nth-child(2)").first.click()
    page.wait_for_selector(".dotcard")
    page.keyboard.press("Escape")
    assert page.is_hidden(".audit-rows")
    page.locator(".kinds button").first.click()
    page.wait_for_selector(".audit-rows tbody tr")
    assert "地址类型 = 路口" in page.inner_text(".audit-rows h2")
    with page.expect_download() as taken:
        page.click("text=XLSX")
    book = openpyxl.load_workbook(io.BytesIO(Path(taken.value.path()).read_bytes()))
    assert book["逐行"].max_row == ROWS + 1
    page.goto("/audit")
    assert "已核对" in page.inner_text(".card tbody")
    page.click("[data-delete]")
    until(page, "document.querySelectorAll('.card tbody tr').length === 0")


@at_desk
def test_what_is_no_table_is_said_on_the_page(page: Any, live_server: Any, console_errors: list[str]) -> None:
    log_in(page, live_server, "leader", "990101")
    page.goto("/audit")
    page.set_input_files(
        "#file",
        {"name": "x.csv", "mimeType": "text/csv", "buffer": b"\xb1\xe0\xba\xc5,lon,lat\n\xff\xfe\xfd,1,2\n"},
    )
    page.wait_for_selector(".drop .problem")
    assert page.inner_text(".drop .problem").strip()
    assert len(console_errors) == 1  # Chromium reports every answer of 4xx
    console_errors.clear()
