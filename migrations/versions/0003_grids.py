"""Grids, snapshots, plans and editions."""

from alembic import op

revision = "0003_grids"
down_revision = "0002_people"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute(CONTENT)
    op.execute(FROZEN)
    op.execute(PLANS)
    op.execute(EDITIONS)


def downgrade() -> None:
    op.execute("""
        drop table edition, waiver, plan_finding, plan_operation, plan_import, plan_gap, plan_feature,
            plan_layer, plan_district, plan, post, face_count, face, shape, snapshot_grid, snapshot, grid;
        drop function refuse_change_of_frozen;
    """)


CONTENT = """
    create table grid (
        district_id integer not null constraint fk_grid_district_id references district,
        id uuid not null,
        scheme_id smallint not null constraint fk_grid_scheme_id references scheme,
        created_at timestamptz not null,
        constraint pk_grid primary key (district_id, id)
    );
    create table snapshot (
        district_id integer not null constraint fk_snapshot_district_id references district,
        id uuid not null,
        scheme_id smallint not null constraint fk_snapshot_scheme_id references scheme,
        created_at timestamptz not null,
        frozen_at timestamptz,
        checksum bytea,
        constraint pk_snapshot primary key (district_id, id),
        constraint ck_snapshot_frozen_has_checksum check ((frozen_at is null) = (checksum is null))
    );
    create table snapshot_grid (
        district_id integer not null,
        snapshot_id uuid not null,
        grid_id uuid not null,
        level text collate "C" not null,
        position smallint not null,
        code text collate "C" not null,
        name text not null,
        kind text not null constraint ck_snapshot_grid_kind check (kind in ('comprehensive', 'dedicated')),
        parent_id uuid,
        attributes jsonb not null,
        constraint pk_snapshot_grid primary key (district_id, snapshot_id, grid_id),
        constraint uq_snapshot_grid_code unique (district_id, snapshot_id, level, code),
        constraint fk_snapshot_grid_snapshot_id foreign key (district_id, snapshot_id) references snapshot,
        constraint fk_snapshot_grid_grid_id foreign key (district_id, grid_id) references grid
    );
    create index ix_snapshot_grid_code on snapshot_grid (code, level);
    create index ix_snapshot_grid_name on snapshot_grid using gin (name gin_trgm_ops);
    create table shape (
        district_id integer not null constraint fk_shape_district_id references district,
        id bytea not null,
        geom geometry(Polygon, 4490) not null,
        constraint pk_shape primary key (district_id, id)
    );
    create index ix_shape_geom on shape using gist (geom);
    create table face (
        district_id integer not null,
        snapshot_id uuid not null,
        id uuid not null,
        kind text not null constraint ck_face_kind check (kind in ('grid', 'public', 'gap')),
        grid_id uuid,
        reason text not null,
        shape_id bytea not null,
        constraint pk_face primary key (district_id, snapshot_id, id),
        constraint fk_face_snapshot_id foreign key (district_id, snapshot_id) references snapshot,
        constraint fk_face_grid_id foreign key (district_id, snapshot_id, grid_id) references snapshot_grid,
        constraint fk_face_shape_id foreign key (district_id, shape_id) references shape,
        constraint ck_face_only_gaps_lack_a_grid check (grid_id is not null or kind = 'gap')
    );
    create index ix_face_shape_id on face (district_id, shape_id);
    create index ix_face_grid_id on face (district_id, snapshot_id, grid_id);
    create table face_count (
        district_id integer not null constraint fk_face_count_district_id references district,
        face_id uuid not null,
        counted_on date not null,
        households integer not null constraint ck_face_count_households check (households >= 0),
        people integer not null constraint ck_face_count_people check (people >= 0),
        constraint pk_face_count primary key (district_id, face_id, counted_on)
    );
    create table post (
        district_id integer not null constraint fk_post_district_id references district,
        id uuid not null default gen_random_uuid(),
        grid_id uuid not null,
        kind text not null constraint ck_post_kind check (kind in ('leader', 'member')),
        holder text not null,
        phone text not null,
        duties text not null,
        from_on date not null,
        to_on date,
        constraint pk_post primary key (district_id, id),
        constraint fk_post_grid_id foreign key (district_id, grid_id) references grid,
        constraint ck_post_days check (to_on is null or to_on > from_on),
        constraint ex_post_one_leader exclude using gist (
            district_id with =, grid_id with =, daterange(from_on, to_on) with &&) where (kind = 'leader')
    );
    create index ix_post_grid_id on post (district_id, grid_id);
"""

# A frozen snapshot is what somebody was judged by: the database itself refuses to change it.
FROZEN = """
    create function refuse_change_of_frozen() returns trigger language plpgsql as $$
        declare
            touched record;
        begin
            if tg_op = 'INSERT' then touched := new; else touched := old; end if;
            if exists (select from snapshot s where s.district_id = touched.district_id
                       and s.id = touched.snapshot_id and s.frozen_at is not null) then
                raise exception 'snapshot % is frozen', touched.snapshot_id
                    using errcode = 'restrict_violation', constraint = 'snapshot_is_frozen';
            end if;
            if tg_op = 'DELETE' then return old; end if;
            return new;
        end
    $$;
    create trigger face_of_frozen before insert or update or delete on face
        for each row execute function refuse_change_of_frozen();
    create trigger snapshot_grid_of_frozen before insert or update or delete on snapshot_grid
        for each row execute function refuse_change_of_frozen();
    create trigger shape_never_changes before update on shape
        for each row execute function refuse_change();
"""

PLANS = """
    create table plan (
        id uuid constraint pk_plan primary key default gen_random_uuid(),
        name text not null constraint ck_plan_name check (name <> ''),
        scheme_id smallint not null constraint fk_plan_scheme_id references scheme,
        state text not null constraint ck_plan_state
            check (state in ('draft', 'in_review', 'approved', 'published')),
        base text not null constraint ck_plan_base check (base in ('current', 'empty')),
        version integer not null,
        created_at timestamptz not null,
        created_by text not null,
        changed_at timestamptz not null,
        submitted_by text,
        approved_by text,
        published_at timestamptz
    );
    -- A name stands for one open plan; published plans keep theirs as history.
    create unique index uq_plan_open_name on plan (name) where state <> 'published';
    create table plan_district (
        plan_id uuid not null constraint fk_plan_district_plan_id references plan,
        district_id integer not null constraint fk_plan_district_district_id references district,
        snapshot_id uuid not null,
        base_edition integer,
        constraint pk_plan_district primary key (plan_id, district_id),
        constraint fk_plan_district_snapshot_id foreign key (district_id, snapshot_id) references snapshot
    );
    create table plan_layer (
        district_id integer not null,
        plan_id uuid not null constraint fk_plan_layer_plan_id references plan,
        level text collate "C" not null,
        source jsonb not null,
        imported_at timestamptz not null,
        imported_by text not null,
        constraint pk_plan_layer primary key (district_id, plan_id, level)
    );
    create table plan_feature (
        district_id integer not null,
        plan_id uuid not null,
        level text collate "C" not null,
        number integer not null,
        code text collate "C" not null,
        name text not null,
        parent text collate "C",
        geom geometry(Geometry, 4490) not null,
        constraint pk_plan_feature primary key (district_id, plan_id, level, number),
        constraint fk_plan_feature_layer foreign key (district_id, plan_id, level)
            references plan_layer on delete cascade
    );
    create table plan_gap (
        district_id integer not null,
        plan_id uuid not null constraint fk_plan_gap_plan_id references plan,
        id uuid not null default gen_random_uuid(),
        parent text collate "C",
        reason text not null constraint ck_plan_gap_reason check (reason <> ''),
        geom geometry(Polygon, 4490) not null,
        constraint pk_plan_gap primary key (district_id, plan_id, id)
    );
    create table plan_import (
        district_id integer not null,
        id uuid not null default gen_random_uuid(),
        plan_id uuid not null constraint fk_plan_import_plan_id references plan,
        state text not null constraint ck_plan_import_state
            check (state in ('uploaded', 'running', 'done', 'refused')),
        file_name text not null,
        path text not null,
        inspection jsonb not null,
        options jsonb not null,
        stage text not null,
        progress double precision not null,
        problem jsonb,
        created_at timestamptz not null,
        created_by text not null,
        changed_at timestamptz not null,
        constraint pk_plan_import primary key (district_id, id)
    );
    create index ix_plan_import_plan_id on plan_import (plan_id);
    create table plan_operation (
        district_id integer not null,
        plan_id uuid not null constraint fk_plan_operation_plan_id references plan,
        seq integer not null,
        kind text not null,
        forward jsonb not null,
        inverse jsonb not null,
        undoes integer,
        at timestamptz not null,
        by text not null,
        constraint pk_plan_operation primary key (district_id, plan_id, seq)
    );
    create table plan_finding (
        district_id integer not null,
        plan_id uuid not null constraint fk_plan_finding_plan_id references plan,
        number integer not null,
        rule text not null,
        severity text not null constraint ck_plan_finding_severity
            check (severity in ('error', 'warning', 'info')),
        grids text[] not null,
        area_m2 double precision not null,
        detail text not null,
        members jsonb not null,
        fingerprint text not null,
        geom geometry(Geometry, 4490),
        constraint pk_plan_finding primary key (district_id, plan_id, number)
    );
    create table waiver (
        id uuid constraint pk_waiver primary key default gen_random_uuid(),
        plan_id uuid not null constraint fk_waiver_plan_id references plan,
        rule text not null,
        fingerprint text not null,
        reason text not null constraint ck_waiver_reason check (reason <> ''),
        by text not null,
        at timestamptz not null
    );
    create index ix_waiver_plan_id on waiver (plan_id);
"""

EDITIONS = """
    create table edition (
        district_id integer not null constraint fk_edition_district_id references district,
        number integer not null constraint ck_edition_number check (number > 0),
        scheme_id smallint not null constraint fk_edition_scheme_id references scheme,
        snapshot_id uuid not null,
        plan_id uuid constraint fk_edition_plan_id references plan,
        rollback_to integer,
        in_force_from timestamptz not null,
        published_at timestamptz not null,
        published_by text not null,
        waivers jsonb not null,
        constraint pk_edition primary key (district_id, number),
        constraint fk_edition_snapshot_id foreign key (district_id, snapshot_id) references snapshot,
        constraint uq_edition_in_force_from unique (district_id, scheme_id, in_force_from)
    );
    create trigger edition_never_changes before update or delete on edition
        for each row execute function refuse_change();
"""
