"""Jobs in PostgreSQL: a job appears with our commit and vanishes with our rollback."""

from typing import Any

import procrastinate
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.orm import Session

# The sync connector never opens by itself: jobs are only ever deferred on the connection of our transaction.
app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

STALLED_AFTER_S = 45.0


def defer(session: Session, name: str, **arguments: Any) -> int:
    """Queue a job that exists only if this transaction commits; gives its number."""
    raw = session.connection().connection.driver_connection
    return app.configure_task(name, connection=raw).defer(**arguments)


@app.periodic(cron="* * * * *")
@app.task(name="jobs.retry_stalled", queueing_lock="jobs.retry_stalled", pass_context=True)
async def retry_stalled(context: procrastinate.JobContext, timestamp: int) -> None:
    """Give jobs of a killed worker to the living one; every job can stand being run again."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        await manager.retry_job(job)


async def work(url: str) -> None:
    """Run jobs until stopped; one at a time, so that a big import leaves a core for the web."""
    connector = procrastinate.PsycopgConnector(kwargs=conninfo_to_dict(url), min_size=1, max_size=4)
    with app.replace_connector(connector) as working:
        async with working.open_async():
            await working.run_worker_async(
                concurrency=1, install_signal_handlers=True, fetch_job_polling_interval=1.0
            )
