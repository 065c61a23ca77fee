"""The reproducible core of an answer, and the link under which anybody can have it computed again.

The core is JSON of one shape: keys sorted, no blanks, UTF-8, numbers as everywhere in our answers (the shortest
digits that read back to the same double). It holds what was asked and what was found, and nothing that may
change without the map changing: no persons, no names, no words of any language. Its SHA-256 is the checksum.

What was found depends on the immutable editions in force at the moment `at`, as they were known at `as_of`,
on the rulings that counted then, and on the city's tolerance. So whoever has the link can compute the core
anew years later and compare.

Everything here takes and gives JSON text that is encoded already: a core is made for every answer.
"""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Protocol
from urllib.parse import quote, urlencode

import msgspec

FORMAT = 1
BEGIN = b'{"format":%d,"question":{"accuracy_m":' % FORMAT
NOTHING = b"null"
_encode = msgspec.json.Encoder().encode


class Asked(NamedTuple):
    """What is asked alike for all positions of a request, as pieces of a core and of a link."""

    as_of: bytes
    moments: bytes  # "as_of", "at"
    crs: bytes
    rules: bytes  # "scheme", "tolerance_m"
    page: bytes  # the link up to the question of the position
    when: bytes  # the link's moments


class Answered(Protocol):
    """What of an answer is in its core, as JSON: the position as declared, and what was found for it."""

    x: bytes
    y: bytes
    accuracy_m: bytes
    status: str
    distance_m: bytes
    confidence: bytes


def asked(crs: str, scheme: str, tolerance_m: float, at: datetime, as_of: datetime, root: str = "") -> Asked:
    """Encode what is asked alike for all positions; `root` is the path the application is mounted under."""
    written, rules, page = _lasting(crs, scheme, tolerance_m, root)
    then = when = instant(as_of)
    link = b"&as_of=" + then
    if at is not as_of and at != as_of:
        when = instant(at)
        link = b"&at=%b&as_of=%b" % (when, then)
    return Asked(then, b'"as_of":"%b","at":"%b",' % (then, when), written, rules, page, link)


@lru_cache(maxsize=256)
def _lasting(crs: str, scheme: str, tolerance_m: float, root: str) -> tuple[bytes, bytes, bytes]:
    """Encode what stays the same from request to request."""
    link = f"{quote(root)}/evidence?{urlencode({'crs': crs, 'scheme': scheme})}"
    rules = b'"scheme":%b,"tolerance_m":%b' % (_encode(scheme), _encode(tolerance_m))
    return b'"crs":' + _encode(crs), rules, link.encode()


def instant(moment: datetime) -> bytes:
    """Write a moment in UTC so that it may stand in a link as it is."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat()[:-6].encode() + b"Z"


def core(
    question: Asked,
    found: Answered,
    place: tuple[bytes, bytes, bytes],
    alternates: bytes = b"[]",
    ruling: bytes = NOTHING,
) -> bytes:
    """Give the reproducible core of an answer.

    Parameters
    ----------
    question, found
        What was asked and found.
    place
        The grid that answers (code, id, level), its chain ([level, code] from the district down) and its
        edition ([district, number]).
    alternates
        A list of ``{"code", "distance_m", "level", "share"}``.
    ruling
        The id of the ruling that decided, or null.

    Returns
    -------
    core
        ``{"format", "question": {"accuracy_m", "as_of", "at", "crs", "lat", "lon", "scheme", "tolerance_m"},
        "result": {"alternates", "chain", "confidence", "distance_to_border_m", "edition", "grid", "ruling",
        "status"}}`` in this order.
    """
    grid, chain, edition = place
    return b"".join(
        (
            BEGIN, found.accuracy_m, b",", question.moments, question.crs,
            b',"lat":', found.y, b',"lon":', found.x, b",", question.rules,
            b'},"result":{"alternates":', alternates, b',"chain":', chain,
            b',"confidence":', found.confidence, b',"distance_to_border_m":', found.distance_m,
            b',"edition":', edition, b',"grid":', grid,
            b',"ruling":', ruling, b',"status":', _encode(found.status), b"}}",
        )
    )  # fmt: skip


def checksum(of: bytes) -> bytes:
    """Give the SHA-256 of a core in hexadecimal digits."""
    return sha256(of).hexdigest().encode()


def href(question: Asked, found: Answered, checked: bytes) -> bytes:
    """Give the link to the evidence page: the question, when it was answered, the checksum of the core."""
    accuracy = b"" if found.accuracy_m == NOTHING else b"&accuracy_m=" + found.accuracy_m
    return b"".join(
        (
            question.page, b"&lon=", found.x, b"&lat=", found.y, accuracy,
            question.when, b"&checksum=", checked,
        )
    )  # fmt: skip
