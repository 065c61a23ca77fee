"""People: persons, roles by place, sessions, tokens."""

from alembic import op

revision = "0002_people"
down_revision = "0001_city"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("""
        create table person (
            id uuid constraint pk_person primary key default gen_random_uuid(),
            name text not null constraint uq_person_name unique,
            display_name text not null,
            password_hash text not null,
            locale text,
            is_active boolean not null,
            failed_count integer not null,
            locked_until timestamptz,
            created_at timestamptz not null,
            constraint ck_person_name_is_lower check (name = lower(name) and name <> '')
        );
        create table role_grant (
            id uuid constraint pk_role_grant primary key default gen_random_uuid(),
            person_id uuid not null constraint fk_role_grant_person_id references person,
            role text not null constraint ck_role_grant_role check (role in (
                'system', 'security', 'audit', 'planner', 'reviewer', 'leader', 'handler',
                'supervisor', 'integration')),
            district_id integer constraint fk_role_grant_district_id references district,
            constraint uq_role_grant_once unique nulls not distinct (person_id, role, district_id)
        );
        -- 三员分立: nobody is two of the three administrators.
        create unique index uq_role_grant_one_administrator on role_grant (person_id)
            where role in ('system', 'security', 'audit');
        create table login_session (
            key_hash bytea constraint pk_login_session primary key,
            person_id uuid not null constraint fk_login_session_person_id references person,
            created_at timestamptz not null,
            expires_at timestamptz not null
        );
        create index ix_login_session_person_id on login_session (person_id);
        create table api_token (
            id uuid constraint pk_api_token primary key default gen_random_uuid(),
            name text not null,
            key_hash bytea not null constraint uq_api_token_key_hash unique,
            scopes text[] not null,
            crs text,
            district_id integer constraint fk_api_token_district_id references district,
            created_by text not null,
            created_at timestamptz not null,
            expires_at timestamptz,
            revoked_at timestamptz
        );
    """)


def downgrade() -> None:
    op.execute("drop table api_token, login_session, role_grant, person")
