"""The sheet as PDF: the page's own HTML, set by WeasyPrint, which fetches nothing.

It is heavy to load and works one core for a second or so: loaded at the first sheet, one sheet at a time in a
process, the last ones kept.
"""

from collections import OrderedDict
from hashlib import sha256
from pathlib import Path
from threading import BoundedSemaphore, Lock

from service.errors import Busy

CSS = Path(__file__).parents[2] / "static" / "css"
KEPT = 16
WAIT_S = 3.0
MOST_WAITING = 2  # each holds a thread that look-ups need
_turn, _guard = Lock(), Lock()
_seats = BoundedSemaphore(1 + MOST_WAITING)
_kept: OrderedDict[bytes, bytes] = OrderedDict()


def pdf_of(html: str) -> bytes:
    """Set a sheet's HTML as PDF. May raise Busy."""
    key = sha256(html.encode()).digest()
    found = _found(key)
    if found is not None:
        return found
    if not _seats.acquire(blocking=False):
        raise _busy()
    try:
        made = _in_turn(key, html)
    finally:
        _seats.release()
    with _guard:
        _kept[key] = made
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def _in_turn(key: bytes, html: str) -> bytes:
    if not _turn.acquire(timeout=WAIT_S):
        raise _busy()
    try:
        return _found(key) or _set(html)
    finally:
        _turn.release()


def _busy() -> Busy:
    return Busy("Other sheets are being printed just now. Try again in a few seconds.", retry_after=5)


def _found(key: bytes) -> bytes | None:
    with _guard:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


def _set(html: str) -> bytes:
    from weasyprint import CSS as Style  # noqa: N811 - heavy, see above
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    nothing = URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    styles = [
        Style(string=(CSS / name).read_text("utf-8"), url_fetcher=nothing)
        for name in ("tokens.css", "sheet.css")
    ]
    return HTML(string=html, url_fetcher=nothing).write_pdf(stylesheets=styles)
