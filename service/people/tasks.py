"""Jobs of people: the log of what tokens asked is kept for some days only."""

from datetime import timedelta

import structlog
from sqlalchemy import delete

from service import clock, jobs
from service.db import Session
from service.people.models import ApiRequest, ApiUsage
from service.settings import Settings

_log = structlog.get_logger("people")


@jobs.app.periodic(cron="41 3 * * *")
@jobs.app.task(name="people.sweep_requests", queueing_lock="people.sweep_requests")
def sweep_requests(timestamp: int) -> None:
    """Delete lines and counts older than the setting says."""
    count = sweep(Settings().request_log_days)
    _log.info("request log swept", count=count)


def sweep(days: int) -> int:
    """Delete what is older than some days; gives how many lines."""
    oldest = clock.now() - timedelta(days=days)
    with Session.begin() as session:
        session.execute(delete(ApiUsage).where(ApiUsage.minute < oldest))
        return session.execute(delete(ApiRequest).where(ApiRequest.at < oldest)).rowcount
