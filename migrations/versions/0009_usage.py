"""Usage of tokens: a quota a minute, what was asked, and a log that can be searched."""

from alembic import op

revision = "0009_usage"
down_revision = "0008_rulings"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("""
        alter table api_token add column per_minute integer
            constraint ck_api_token_per_minute check (per_minute > 0);
        -- A token may hold for the whole city, so its usage is kept by token, not by district.
        create table api_usage (
            token_id uuid not null constraint fk_api_usage_token_id references api_token,
            minute timestamptz not null,
            requests integer not null,
            constraint pk_api_usage primary key (token_id, minute)
        );
        create table api_request (
            token_id uuid not null constraint fk_api_request_token_id references api_token,
            at timestamptz not null,
            number bigint generated always as identity,
            request_id text not null,
            method text not null,
            path text not null,
            query text not null,
            status smallint not null,
            ms real not null,
            constraint pk_api_request primary key (token_id, at, number)
        );
        create index ix_api_request_at on api_request (at);
        create index ix_api_usage_minute on api_usage (minute);
    """)


def downgrade() -> None:
    op.execute("drop table api_request, api_usage; alter table api_token drop column per_minute")
