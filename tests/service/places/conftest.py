"""Two communities in force, 西社区 west and 东社区 east of 118.81, in the only district; a list of places in them."""

from datetime import timedelta

import pytest

from service import audit, clock
from service.assignment.in_force import IN_FORCE
from service.grids import publishing, queries
from service.people import actions
from service.people.permissions import Permission
from service.places.actions import import_places
from service.places.intake import Columns, read_file
from tests.service.grids import maps

LIST = """名称,别名,地址,经度,纬度
锦绣花园,老棉纺厂家属院;棉纺院,文昌路123号,118.803,31.905
阳光小区,,文昌路125号,118.806,31.905
文昌社区居委会,,文昌路1号,118.807,31.906
新村一区,,建设二路一百二十三号,118.813,31.902
新村二区,,建设三路12号,118.815,31.902
阳光花园,,幸福街12号院,118.817,31.905
张庄,,,118.812,31.907
张庄村村委会,,,118.818,31.908
"""


@pytest.fixture
def communities(session, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "LEAD", timedelta(0))
    maps.bring(session, maps.communities(tmp_path), level="community", base="empty")
    plan = queries.get_plan(session, "P", lock=True)
    publishing.waive(session, plan, ("all",), reason="test", by=audit.OPERATOR, at=clock.now())
    made = publishing.publish(session, plan, by=audit.OPERATOR, at=clock.now())
    session.flush()
    IN_FORCE.refresh()
    return made


@pytest.fixture
def take(session, tmp_path):
    """Give a way to import a text as a CSV."""

    def take(text, into="测试", **more):
        path = tmp_path / "places.csv"
        path.write_text(text, "utf-8")
        columns = Columns("名称", ("别名",), "地址", None, (), "经度", "纬度")
        source = read_file(path, columns, crs="cgcs2000")
        options = {"file_name": path.name, "by": audit.OPERATOR, "at": clock.now(), **more}
        return import_places(session, source, into=into, **options)

    return take


@pytest.fixture
def listed(communities, take):
    return take(LIST)


@pytest.fixture
def token(session):
    key = actions.create_token(
        session, name="places", scopes=(Permission.PLACE_EDIT,), by=audit.SYSTEM, at=clock.now()
    )
    session.flush()
    return {"Authorization": f"Bearer {key}"}
