"""The demo city's list of places, taken the way any city takes its own."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.places import actions
from service.places.intake import Columns, read_file
from service.places.models import PlaceList

LIST = "演示地址"
COLUMNS = Columns("名称", ("别名",), "地址", "类型", ("区县",), "经度", "纬度")


def are_there(session: Session) -> bool:
    """Tell whether the list was taken."""
    return session.scalar(select(PlaceList.id).where(PlaceList.name == LIST)) is not None


def load(session: Session, path: Path, *, by: audit.Actor, at: datetime) -> int:
    """Take the list from its file; the map must be in force. Gives how many places."""
    source = read_file(path, COLUMNS, crs="cgcs2000")
    done = actions.import_places(session, source, into=LIST, file_name=path.name, by=by, at=at)
    return done.places
