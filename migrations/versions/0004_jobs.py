"""The job queue: procrastinate's own schema, as its package brings it."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0004_jobs"
down_revision = "0003_grids"
branch_labels = depends_on = None


def upgrade() -> None:
    raw = op.get_bind().execution_options(no_parameters=True)
    raw.exec_driver_sql(SchemaManager.get_schema())


def downgrade() -> None:
    op.execute("""
        do $$ declare thing record; begin
            for thing in select format('drop table %I cascade', relname) as statement from pg_class
                where relkind = 'r' and relnamespace = 'public'::regnamespace and relname like 'procrastinate%' loop
                execute thing.statement;
            end loop;
            for thing in select format('drop function %s', oid::regprocedure) as statement from pg_proc
                where pronamespace = 'public'::regnamespace and proname like 'procrastinate%' loop
                execute thing.statement;
            end loop;
            for thing in select format('drop type %I', typname) as statement from pg_type
                where typnamespace = 'public'::regnamespace and typname like 'procrastinate%'
                and typtype in ('e', 'c') loop
                execute thing.statement;
            end loop;
        end $$
    """)
