"""The city: profile with history, districts, schemes, levels, backdrop; the audit log."""

from alembic import op

revision = "0001_city"
down_revision = None
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists postgis")
    op.execute("create extension if not exists btree_gist")
    op.execute("create extension if not exists pg_trgm")
    op.execute("""
        create table city_profile (
            id bigint generated always as identity constraint pk_city_profile primary key,
            at timestamptz not null,
            by text not null,
            body jsonb not null
        );
        create table district (
            id integer generated always as identity constraint pk_district primary key,
            code text collate "C" not null constraint uq_district_code unique,
            name text not null,
            platform text not null,
            phone text not null
        );
        create table scheme (
            id smallint generated always as identity constraint pk_scheme primary key,
            code text collate "C" not null constraint uq_scheme_code unique,
            name jsonb not null
        );
        create table level (
            scheme_id smallint not null constraint fk_level_scheme_id references scheme,
            position smallint not null constraint ck_level_position check (position >= 0),
            code text collate "C" not null,
            name jsonb not null,
            code_pattern text not null,
            parent_length smallint not null,
            constraint pk_level primary key (scheme_id, position),
            constraint uq_level_scheme_id unique (scheme_id, code)
        );
        create table backdrop (
            id bigint generated always as identity constraint pk_backdrop primary key,
            layer text not null,
            kind text not null,
            name text not null,
            geom geometry(Geometry, 4490) not null
        );
        create index ix_backdrop_geom on backdrop using gist (geom);
        create table audit_event (
            id bigint generated always as identity constraint pk_audit_event primary key,
            at timestamptz not null,
            actor_kind text not null,
            actor_id text not null,
            actor_name text not null,
            verb text not null,
            thing_kind text not null,
            thing_id text not null,
            district_id integer,
            detail jsonb not null
        );
        create index ix_audit_event_at on audit_event (at);
        create index ix_audit_event_thing on audit_event (thing_kind, thing_id);
        create function refuse_change() returns trigger language plpgsql as $$
            begin
                raise exception '% rows are only ever added', tg_table_name using errcode = 'restrict_violation';
            end
        $$;
        create trigger audit_event_is_append_only before update or delete on audit_event
            for each row execute function refuse_change();
    """)


def downgrade() -> None:
    op.execute("""
        drop table audit_event, backdrop, level, scheme, district, city_profile;
        drop function refuse_change;
    """)
