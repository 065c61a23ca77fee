"""The demo city's reports, filed the way any system files them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy.orm import Session

from geo.synth import City, Reports, make_reports
from service import audit
from service.cases import actions
from service.cases.actions import NewReport
from service.city import queries as city_queries

COUNT = 60_000
BATCH = 10_000


def load(session: Session, city: City, *, count: int, by: audit.Actor, at: datetime) -> int:
    """File the reports of the last twelve weeks, and name the departments; gives how many reports."""
    for one in city.departments:
        actions.add_department(
            session,
            district_id=city_queries.get_district(session, one.district).id,
            name=one.name,
            categories=one.categories,
            by=by,
            at=at,
        )
    made = _rows(make_reports(city, count, until=at))
    for start in range(0, len(made), BATCH):
        actions.file_reports(session, made[start : start + BATCH], by=by, at=at)
    return len(made)


def _rows(made: Reports) -> Sequence[NewReport]:
    moments = made.at.astype("datetime64[s]").astype(datetime)
    return [
        NewReport(
            happened_at=moment.replace(tzinfo=UTC),
            category=str(category),
            text=text,
            source=str(source),
            x=float(x),
            y=float(y),
            crs=str(crs),
            accuracy_m=None if np.isnan(accuracy) else float(accuracy),
        )
        for moment, category, text, source, x, y, crs, accuracy in zip(
            moments,
            made.category,
            made.text,
            made.source,
            made.x,
            made.y,
            made.crs,
            made.accuracy_m,
            strict=True,
        )
    ]
