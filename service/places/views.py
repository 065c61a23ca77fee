"""Places over HTTP: search, lists, imports, the page."""

import tempfile
from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from service import clock
from service.assignment.addresses import AddressNotFound, AmbiguousAddress, Located, find_with
from service.db import Session
from service.errors import Invalid
from service.http import json_response, lookup, query
from service.openapi import takes
from service.people.guards import principal, requires
from service.people.permissions import Permission
from service.places import actions, queries, wire
from service.places.finding import find
from service.places.intake import LONGEST, Columns, read_file

bp = APIBlueprint("places", __name__)
SHOWN_CANDIDATES = 10


class PlacesQuery(BaseModel):
    """What is searched; `near` is lon,lat in WGS84 or CGCS2000 and orders what is equally likely."""

    q: str = Field(min_length=1, max_length=LONGEST)
    limit: int = Field(10, ge=1, le=50)
    near: str | None = Field(None, max_length=60)


@bp.get("/api/v1/places")
@lookup
@takes(query=PlacesQuery)
@bp.doc(summary="Find places by name, alias or address", tags=["places"])
def search() -> Response:
    """List the places a text may mean, the likeliest first, each with the grid that answers for it."""
    asked = query(PlacesQuery)
    near = None if asked.near is None else _near(asked.near)
    with Session() as session:
        found = find(session, asked.q, limit=asked.limit, near=near)
        shown = wire.candidates(session, found.candidates)
    clear = None if found.clear is None else str(found.clear.id)
    return json_response({"q": asked.q, "clear": clear, "places": shown})


@bp.get("/api/v1/places/lists")
@lookup
@bp.doc(summary="List the lists of places", tags=["places"])
def list_lists() -> Response:
    """List the lists with their editions."""
    with Session() as session:
        rows = queries.list_lists(session)
    return json_response(
        {
            "lists": [
                {
                    "name": one.name,
                    "edition": one.edition,
                    "places": places,
                    "changed_at": one.changed_at.isoformat(),
                }
                for one, places in rows
            ]
        }
    )


@bp.post("/api/v1/places/imports")
@requires(Permission.PLACE_EDIT)
@bp.doc(summary="Take a list of places from a file", tags=["places"])
def run_import() -> Response:
    """Import a file (multipart field ``file``, the options as fields beside it), all of it or nothing."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Invalid(
            "Send the file as multipart field 'file'.", errors=[{"pointer": "/file", "detail": "missing"}]
        )
    done = take(given)
    return json_response(actions.as_json(done), 201)


@bp.delete("/api/v1/places/lists/<name>")
@requires(Permission.PLACE_EDIT)
@bp.doc(summary="Forget a list of places", tags=["places"])
def remove_list(name: str) -> Response:
    """Forget a list with its places."""
    with Session.begin() as session:
        actions.remove_list(session, name, may=may_edit, by=principal().actor, at=clock.now())
    return Response(status=204)


def take(given: FileStorage) -> actions.Imported:
    """Import a file as the form's fields say. May raise Invalid, NotAllowed, GeoError."""
    name = given.filename or ""
    with tempfile.TemporaryDirectory(prefix="wangge-places-") as folder:
        path = (
            Path(folder)
            / f"list{Path(secure_filename(name) or 'x').suffix.lower() or Path(name).suffix.lower()}"
        )
        given.save(path)
        source = read_file(
            path, _columns(), crs=_field("crs"), encoding=_field("encoding"), layer=_field("layer")
        )
    with Session.begin() as session:
        return actions.import_places(
            session,
            source,
            into=_field("list") or Path(name).stem[:LONGEST],
            file_name=name[-LONGEST:],
            kind=_field("kind") or "",
            replace=_flag("replace"),
            skip_errors=_flag("skip_errors"),
            outside=_flag("outside"),
            may=may_edit,
            by=principal().actor,
            at=clock.now(),
        )


def _columns() -> Columns:
    name = _field("name_field")
    if name is None:
        raise Invalid(
            "Say which column is the name: name_field.",
            errors=[{"pointer": "/name_field", "detail": "missing"}],
        )
    return Columns(
        name=name,
        aliases=_listed("alias_field"),
        address=_field("address_field"),
        kind=_field("kind_field"),
        regions=_listed("region_field"),
        x=_field("lon"),
        y=_field("lat"),
    )


def _field(name: str) -> str | None:
    return (request.form.get(name) or "").strip()[:LONGEST].replace("\x00", "") or None


def _listed(name: str) -> tuple[str, ...]:
    return tuple(one.strip() for text in request.form.getlist(name) for one in text.split(",") if one.strip())


def _flag(name: str) -> bool:
    return (_field(name) or "").lower() in ("1", "true", "yes", "on")


def may_edit(district_id: int) -> bool:
    """Tell whether whoever asks may change the places of a district."""
    # Nobody's district 0 is the city's: only who may everywhere takes places that lie in no district.
    return (Permission.PLACE_EDIT, None) in principal().grants or (
        (Permission.PLACE_EDIT, district_id) in principal().grants
    )


def _near(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(one) for one in text.split(","))
        if not (abs(lon) <= 180 and abs(lat) <= 90):
            raise ValueError(text)
    except ValueError as error:
        detail = f"{text!r} is not a longitude and a latitude with a comma between them."
        raise Invalid(detail, errors=[{"pointer": "/near", "detail": detail}]) from error
    return lon, lat


def locate_address(address: str) -> Located:
    """Find the one place an address means. May raise AmbiguousAddress, AddressNotFound, Invalid."""
    if not 1 <= len(address.strip()) <= LONGEST:
        detail = f"An address has 1 to {LONGEST} characters."
        raise Invalid(detail, errors=[{"pointer": "/address", "detail": detail}])
    with Session() as session:
        found = find(session, address, limit=SHOWN_CANDIDATES)
        if found.clear is not None:
            lists = queries.list_names(session, [found.clear.list_id])
            return Located(found.clear.lon, found.clear.lat, wire.place(found.clear, lists))
        if not found.candidates:
            raise AddressNotFound(f"No place like {address!r} is in the city's lists.")
        shown: list[dict[str, Any]] = wire.candidates(session, found.candidates)
    raise AmbiguousAddress(
        f"{address!r} is not clearly one place. It may be: {', '.join(one['name'] for one in shown[:5])}.",
        candidates=shown,
    )


find_with(locate_address)
