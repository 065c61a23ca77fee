"""Reports: what somebody sent, where, and which grid answered for it at that time; departments."""

from alembic import op

revision = "0005_reports"
down_revision = "0004_jobs"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("""
        create table department (
            id integer generated always as identity constraint pk_department primary key,
            district_id integer constraint fk_department_district_id references district,
            name text not null,
            categories text[] not null
        );
        -- district_id 0: a report outside every district belongs to the city itself.
        create table report (
            district_id integer not null,
            id uuid not null default gen_random_uuid(),
            happened_at timestamptz not null,
            received_at timestamptz not null,
            category text collate "C" not null,
            text text not null,
            source text not null,
            raw_x double precision not null,
            raw_y double precision not null,
            raw_crs text not null,
            accuracy_m double precision constraint ck_report_accuracy_m check (accuracy_m >= 0),
            position geometry(Point, 4490) not null,
            status text not null constraint ck_report_status
                check (status in ('inside', 'border', 'nearest', 'gap', 'outside')),
            grid_id uuid,
            grid_level text collate "C",
            grid_code text collate "C",
            edition_number integer,
            sent_by text not null,
            idempotency_key text,
            constraint pk_report primary key (district_id, id)
        );
        create index ix_report_happened_at on report (happened_at);
        create index ix_report_grid_id on report (district_id, grid_id, happened_at);
        create index ix_report_position on report using gist (position);
        create table report_key (
            sent_by text not null,
            key text not null,
            body_hash bytea not null,
            report_ids uuid[] not null,
            at timestamptz not null,
            constraint pk_report_key primary key (sent_by, key)
        );
    """)


def downgrade() -> None:
    op.execute("drop table report_key, report, department")
