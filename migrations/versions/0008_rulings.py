"""Rulings: what a person decided on site about who answers for a spot; rows that are only ever added."""

from alembic import op

revision = "0008_rulings"
down_revision = "0007_places"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("""
        create table ruling (
            district_id integer not null constraint fk_ruling_district_id references district,
            id uuid not null,
            scheme_id smallint not null constraint fk_ruling_scheme_id references scheme,
            grid_id uuid not null,
            area geometry(Polygon, 4490) not null,
            center_lon double precision,
            center_lat double precision,
            radius_m double precision constraint ck_ruling_radius_m check (radius_m > 0),
            reason text not null constraint ck_ruling_reason check (btrim(reason) <> ''),
            from_on date not null,
            to_on date,
            recorded_at timestamptz not null,
            known_from timestamptz not null,
            counts_from timestamptz not null,
            counts_until timestamptz,
            by_kind text not null,
            by_id text not null,
            by_name text not null,
            constraint pk_ruling primary key (district_id, id),
            constraint fk_ruling_grid_id foreign key (district_id, grid_id) references grid,
            constraint ck_ruling_days check (to_on is null or to_on > from_on),
            constraint ck_ruling_never_reaches_back
                check (counts_from >= known_from and known_from >= recorded_at),
            constraint ck_ruling_spot check (num_nulls(center_lon, center_lat, radius_m) in (0, 3))
        );
        -- A ruling is taken back at most once; until when it counted is kept for old evidence.
        create table ruling_revocation (
            district_id integer not null,
            ruling_id uuid not null,
            reason text not null constraint ck_ruling_revocation_reason check (btrim(reason) <> ''),
            recorded_at timestamptz not null,
            counts_from timestamptz not null,
            by_kind text not null,
            by_id text not null,
            by_name text not null,
            constraint pk_ruling_revocation primary key (district_id, ruling_id),
            constraint fk_ruling_revocation_ruling_id foreign key (district_id, ruling_id) references ruling,
            constraint ck_ruling_revocation_never_reaches_back check (counts_from >= recorded_at)
        );
        create trigger ruling_is_append_only before update or delete on ruling
            for each row execute function refuse_change();
        create trigger ruling_revocation_is_append_only before update or delete on ruling_revocation
            for each row execute function refuse_change();
    """)


def downgrade() -> None:
    op.execute("drop table ruling_revocation, ruling")
