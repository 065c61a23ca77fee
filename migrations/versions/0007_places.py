"""Places: the city's own lists of addresses, estates and names, found by pieces of their texts."""

from alembic import op

revision = "0007_places"
down_revision = "0006_plan_checks"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("""
        create table place_list (
            id integer generated always as identity constraint pk_place_list primary key,
            name text not null constraint uq_place_list_name unique,
            edition integer not null,
            file_name text not null,
            crs text not null,
            changed_at timestamptz not null,
            changed_by text not null
        );
        create table place (
            district_id integer not null,
            id uuid not null default gen_random_uuid(),
            list_id integer not null constraint fk_place_list_id references place_list,
            list_edition integer not null,
            source_row integer not null,
            kind text not null,
            name text not null,
            aliases text[] not null,
            address text not null,
            regions text[] not null,
            number integer,
            raw_x double precision not null,
            raw_y double precision not null,
            position geometry(Point, 4490) not null,
            identity text collate "C" not null,
            grams text[] collate "C" not null,
            constraint pk_place primary key (district_id, id),
            constraint ck_place_named check (name <> '')
        );
        -- How many places share a piece is known, so the few rarest pieces of a question are looked up.
        create index ix_place_grams on place using gin (grams);
        create index ix_place_list_id on place (list_id, district_id);
        create table place_gram (
            gram text collate "C" constraint pk_place_gram primary key,
            places integer not null
        );
    """)


def downgrade() -> None:
    op.execute("drop table place_gram, place, place_list;")
