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
from typing import NamedTuple
from urllib.parse import quote, urlencode

import msgspec

FORMAT = 1
BEGIN = b'{"format":%d,"question":{"accuracy_m":' % FORMAT
NOTHING = b"null"
_encode = msgspec.json.Encoder().encode


class Asked(NamedTuple):
    """What is asked alike for all positions of a request, as pieces of a core and of a link."""

    moments: bytes  # "as_of", "at", "crs"
    rules: bytes  # "scheme", "tolerance_m"
    page: bytes  # the link up to the question of the position
    when: bytes  # the link's moments


class Position(NamedTuple):
    """One position as it was declared, as JSON numbers; `accuracy_m` is null where none was stated."""

    lon: bytes
    lat: bytes
    accuracy_m: bytes = NOTHING


class Finding(NamedTuple):
    """What was found for one position, as JSON without persons and names.

    `chain` lists [level, code] from the district down; `edition` is [district, number]; `grid` has code, id
    and level; `ruling` is the id of the ruling that decided.
    """

    status: bytes
    grid: bytes
    chain: bytes
    edition: bytes
    distance_m: bytes
    confidence: bytes
    alternates: bytes
    ruling: bytes = NOTHING


def asked(
    *,
    crs: str,
    scheme: str,
    tolerance_m: float,
    at: datetime,
    as_of: datetime,
    root: str = "",
) -> Asked:
    """Encode what is asked alike for all positions; `root` is the path the application is mounted under."""
    known, rules, page = _lasting(crs, scheme, tolerance_m, root)
    then = instant(as_of)
    when = then if at is as_of else instant(at)
    moments = b'"as_of":"%b","at":"%b",%b' % (then, when, known)
    return Asked(
        moments, rules, page, b"&as_of=" + then if when == then else b"&at=%b&as_of=%b" % (when, then)
    )


@lru_cache(maxsize=256)
def _lasting(crs: str, scheme: str, tolerance_m: float, root: str) -> tuple[bytes, bytes, bytes]:
    """Encode what stays the same from request to request."""
    link = f"{quote(root)}/evidence?{urlencode({'crs': crs, 'scheme': scheme})}"
    rules = b'"scheme":%b,"tolerance_m":%b' % (_encode(scheme), _encode(tolerance_m))
    return b'"crs":%b' % _encode(crs), rules, link.encode()


def instant(moment: datetime) -> bytes:
    """Write a moment in UTC so that it may stand in a link as it is."""
    return b"%bZ" % moment.astimezone(UTC).isoformat()[:-6].encode()


def core(question: Asked, position: Position, finding: Finding) -> bytes:
    """Give the reproducible core of an answer.

    Returns
    -------
    core
        ``{"format", "question": {"accuracy_m", "as_of", "at", "crs", "lat", "lon", "scheme", "tolerance_m"},
        "result": {"alternates", "chain", "confidence", "distance_to_border_m", "edition", "grid", "ruling",
        "status"}}`` in this order.
    """
    return b"".join(
        (
            BEGIN, position.accuracy_m, b",", question.moments,
            b',"lat":', position.lat, b',"lon":', position.lon, b",", question.rules,
            b'},"result":{"alternates":', finding.alternates, b',"chain":', finding.chain,
            b',"confidence":', finding.confidence, b',"distance_to_border_m":', finding.distance_m,
            b',"edition":', finding.edition, b',"grid":', finding.grid,
            b',"ruling":', finding.ruling, b',"status":', finding.status, b"}}",
        )
    )  # fmt: skip


def checksum(of: bytes) -> bytes:
    """Give the SHA-256 of a core in hexadecimal digits."""
    return sha256(of).hexdigest().encode()


def href(question: Asked, position: Position, checked: bytes) -> bytes:
    """Give the link to the evidence page: the question, when it was answered, the checksum of the core."""
    accuracy = b"" if position.accuracy_m == NOTHING else b"&accuracy_m=" + position.accuracy_m
    return b"".join(
        (
            question.page, b"&lon=", position.lon, b"&lat=", position.lat, accuracy,
            question.when, b"&checksum=", checked,
        )
    )  # fmt: skip
