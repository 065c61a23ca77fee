"""Reads of tokens: which there are, how much they asked, and what."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.orm import Session

from service.people.models import ApiRequest, ApiToken, ApiUsage

DAY = timedelta(days=1)


def tokens(session: Session, *, at: datetime) -> list[Row[Any]]:
    """List all tokens, the living first, with the requests of the last day and the time of the last one."""
    day = (
        select(ApiUsage.token_id, func.sum(ApiUsage.requests).label("requests"))
        .where(ApiUsage.minute > at - DAY)
        .group_by(ApiUsage.token_id)
        .subquery()
    )
    last = (
        select(ApiUsage.token_id, func.max(ApiUsage.minute).label("minute"))
        .group_by(ApiUsage.token_id)
        .subquery()
    )
    wanted = (
        select(
            ApiToken.id,
            ApiToken.name,
            ApiToken.scopes,
            ApiToken.crs,
            ApiToken.per_minute,
            ApiToken.created_by,
            ApiToken.created_at,
            ApiToken.expires_at,
            ApiToken.revoked_at,
            func.coalesce(day.c.requests, 0).label("day_requests"),
            last.c.minute.label("last_minute"),
        )
        .outerjoin(day, day.c.token_id == ApiToken.id)
        .outerjoin(last, last.c.token_id == ApiToken.id)
        .order_by(ApiToken.revoked_at.is_not(None), ApiToken.name, ApiToken.created_at)
    )
    return list(session.execute(wanted))


def as_json(one: Row[Any]) -> dict[str, Any]:
    """Give a token as JSON has it; its key is kept nowhere."""
    moments = ("created_at", "expires_at", "revoked_at", "last_minute")
    return {
        **{name: getattr(one, name) for name in ("name", "scopes", "crs", "per_minute", "created_by")},
        "id": str(one.id),
        "requests_in_a_day": int(one.day_requests),
        **{name: value.isoformat() if (value := getattr(one, name)) else None for name in moments},
    }


def requests(
    session: Session,
    *,
    token_ids: list[UUID] | None,
    text: str = "",
    status: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int,
) -> list[Row[Any]]:
    """List log lines, the newest first: of some tokens or all, with a text in path, query or request number."""
    wanted: Select[Any] = select(ApiRequest, ApiToken.name).join(ApiToken, ApiToken.id == ApiRequest.token_id)
    if token_ids is not None:
        wanted = wanted.where(ApiRequest.token_id.in_(token_ids))
    if text:
        found = [
            column.contains(text, autoescape=True)
            for column in (ApiRequest.path, ApiRequest.query, ApiRequest.request_id)
        ]
        wanted = wanted.where(found[0] | found[1] | found[2])
    if status is not None:
        # 4 stands for 400 to 499.
        low, high = (status * 100, status * 100 + 99) if status < 10 else (status, status)
        wanted = wanted.where(ApiRequest.status.between(low, high))
    if since is not None:
        wanted = wanted.where(ApiRequest.at >= since)
    if until is not None:
        wanted = wanted.where(ApiRequest.at < until)
    if before is not None:
        wanted = wanted.where(tuple_(ApiRequest.at, ApiRequest.number) < before)
    newest = wanted.order_by(ApiRequest.at.desc(), ApiRequest.number.desc())
    return list(session.execute(newest.limit(limit)))


def line_json(one: ApiRequest, token: str) -> dict[str, Any]:
    """Give a line of the log as JSON has it."""
    asked = {name: getattr(one, name) for name in ("request_id", "method", "path", "query", "status")}
    return {"at": one.at.isoformat(), "token": token, **asked, "ms": round(one.ms, 2)}
