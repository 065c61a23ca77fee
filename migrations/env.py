"""Run the numbered migrations: one at a time under a lock, each in a transaction of its own."""

from alembic import context
from sqlalchemy import create_engine, pool, text

ADVISORY_LOCK = 0x77616E67  # "wang"


def run(url: str) -> None:
    """Bring the database at this address to the wanted revision."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        # A session lock, so that two starting processes never migrate at once.
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text("set lock_timeout = '5s'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=None, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run(context.config.get_main_option("sqlalchemy.url").replace("postgresql://", "postgresql+psycopg://", 1))
