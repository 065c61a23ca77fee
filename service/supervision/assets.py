"""What a Folium map loads comes from our own host, or lies in the file itself; never from another host."""

import base64
import re
from pathlib import Path
from typing import Any

import folium
from branca import element

STATIC = Path(__file__).resolve().parents[2] / "static"
# Relative to /heatmap/frame, so that it holds under any path a proxy puts in front.
PREFIX = "../static/"
JS = (("leaflet", "vendor/leaflet/leaflet.js"), ("jquery", "vendor/jquery/jquery.min.js"))
CSS = (("leaflet_css", "vendor/leaflet/leaflet.css"), ("frame_css", "css/heatmap-frame.css"))

# Folium's lists belong to its classes, so they are changed here, once. What draws Folium's own kind of markers
# (Bootstrap, Font Awesome, awesome-markers, glyphicons) is left out: our maps have none.
folium.Map.default_js = [(name, PREFIX + path) for name, path in JS]
folium.Map.default_css = [(name, PREFIX + path) for name, path in CSS]

# Texts are escaped, so that a "<" begins a tag of ours or of Folium's.
ABROAD = re.compile(r"<[a-z][^>]*?\s(?:src|href|srcset|data)\s*=\s*[\"']?\s*(?:https?:)?//", re.IGNORECASE)
_SCRIPT = re.compile(rf'<script src="{re.escape(PREFIX)}([^"]+)"></script>')
_STYLE = re.compile(rf'<link rel="stylesheet" href="{re.escape(PREFIX)}([^"]+)"\s*/?>')
_URL = re.compile(r"url\(\s*[\"']?(?!data:|#)([^\"')]+)[\"']?\s*\)")


class Literal(element.Element):
    """Text of a page that is not a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_: Any) -> str:
        """Give the text."""
        return self._text


def _render(self: element.MacroElement, **kwargs: Any) -> None:
    """Render the macros of an element once.

    Branca makes a template of what its macros gave and renders that again: a grid named ``{{ 7 * 7 }}`` would
    run as code on the server.
    """
    figure = self.get_root()
    for part, into in (("header", figure.header), ("html", figure.html), ("script", figure.script)):
        macro = self._template.module.__dict__.get(part)
        if macro is not None:
            into.add_child(Literal(macro(self, kwargs)), name=self.get_name())
    for child in list(self._children.values()):
        child.render(**kwargs)


element.MacroElement.render = _render  # type: ignore[method-assign]


def inlined(html: str) -> str:
    """Put every script, style and picture that a page loads into the page itself."""
    page = _SCRIPT.sub(lambda found: _script(STATIC / found[1]), html)
    return _STYLE.sub(lambda found: _style(STATIC / found[1]), page)


def _script(path: Path) -> str:
    code = re.sub(r"^//# sourceMappingURL=.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
    return "<script>" + code.replace("</script", r"<\/script") + "</script>"


def _style(path: Path) -> str:
    def picture(found: re.Match[str]) -> str:
        data = base64.b64encode((path.parent / found[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{data})"

    return "<style>" + _URL.sub(picture, path.read_text("utf-8")) + "</style>"
