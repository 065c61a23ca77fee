"""Plans know which version was checked; an import keeps what came out of it."""

from alembic import op

revision = "0006_plan_checks"
down_revision = "0005_reports"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("""
        alter table plan add column checked_version integer not null default 0;
        update plan set checked_version = version;
        alter table plan_import add column result jsonb;
    """)


def downgrade() -> None:
    op.execute("""
        alter table plan drop column checked_version;
        alter table plan_import drop column result;
    """)
