"""What pages load: all of it is on our own host, and browsers of Chromium 88's age can read it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"""filename=['"]([^'"]+)['"](\s*[~+])?""")
WITHIN_CSS = re.compile(r"""url\(['"]?(?!data:|#)([^'")?#]+)""")
OURS = sorted((ROOT / "static/js").glob("**/*.js"))
SERVED = [*OURS, *sorted((ROOT / "static/vendor").glob("**/*.js"))]
# Chromium 88 knows ES2021 and class fields, not static blocks. 2020 is what everything here keeps to.
PARSE = """
const {parse} = require(process.argv[1]);
const text = require("fs").readFileSync(process.argv[2], "utf8");
try { parse(text, {ecmaVersion: 2020, sourceType: process.argv[3]}); }
catch (found) { console.error(found.message); process.exit(1); }
"""


def test_every_file_that_templates_name_is_there() -> None:
    """Nothing that a page asks for may be missing after set-up."""
    named = {
        (page.name, *found)
        for page in (ROOT / "service/templates").glob("**/*.html")
        for found in NAMED.findall(page.read_text())
    }
    assert len(named) > 5
    # A name that goes on after the quotes is the beginning of several.
    assert [
        (page, name)
        for page, name, goes_on in sorted(named)
        if not any(one.is_file() for one in (ROOT / "static").glob(f"{name}*" if goes_on else name))
    ] == []


def test_no_template_or_style_names_another_host() -> None:
    """Pages must work in a room without the internet."""
    pages = [*(ROOT / "service/templates").glob("**/*.html"), *(ROOT / "static/css").glob("*.css")]
    outside = re.compile(r"""(?:src|href)=["'](?:https?:)?//|url\(['"]?(?:https?:)?//|@import""")
    assert [page.name for page in pages if outside.search(page.read_text())] == []


@pytest.mark.parametrize("sheet", ["bootstrap-icons/bootstrap-icons.min.css", "leaflet/leaflet.css"])
def test_what_style_sheets_name_is_beside_them(sheet: str) -> None:
    """Fonts and images of the style sheets are served too."""
    path = ROOT / "static/vendor" / sheet
    named = WITHIN_CSS.findall(path.read_text())
    assert named
    assert [one for one in named if not (path.parent / one).is_file()] == []


@pytest.mark.parametrize("script", SERVED, ids=lambda path: str(path.relative_to(ROOT / "static")))
def test_scripts_keep_to_the_syntax_of_old_browsers(script: Path) -> None:
    """A script that the browser can't parse leaves an empty page."""
    node = Path(sys.prefix) / "bin/node"
    kind = "module" if script in OURS and b"importScripts" not in script.read_bytes() else "script"
    found = subprocess.run(
        [node, "-e", PARSE, ROOT / "node_modules/acorn", script, kind],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


def test_the_lock_names_no_registry() -> None:
    """Cities install through mirrors: a lock that names a host would go around them."""
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_style_sheets_keep_to_what_old_browsers_know() -> None:
    """What an old browser doesn't know it drops with the whole rule."""
    newer = re.compile(r":has\(|@container|@layer|color-mix\(|^\s*&|\bsubgrid\b", re.MULTILINE)
    sheets = sorted((ROOT / "static/css").glob("*.css"))
    assert [sheet.name for sheet in sheets if newer.search(sheet.read_text())] == []
