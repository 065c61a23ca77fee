"""Our locator and the database decide alike, by the same predicate and the same order of ties."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.partition import Feature, Gap, Layer, partition
from geo.synth import make_city
from service import audit, clock
from service.assignment.answers import Hit, locate
from service.assignment.maps import EditionKey, EditionMap, load
from service.city import actions as city_actions
from service.city import queries as city
from service.city.models import District
from service.grids import content
from service.grids.models import Snapshot
from tests.oracles.coverages import awkward_points
from tests.oracles.nested import layers_of, maps

SEEDS = st.integers(0, 2**32 - 1)
# For each point: the faces that cover it in the order of ties, and whether each one's border holds it.
ANSWER = text("""
    select p.n, f.id, f.grid_id, st_relate(s.geom, p.geom) ~ '^F' as on_border
    from (
        select n, st_setsrid(st_makepoint(x, y), 4490) as geom
        from unnest(cast(:x as float8[]), cast(:y as float8[])) with ordinality as given (x, y, n)
    ) p
    join shape s on s.geom && p.geom and st_relate(s.geom, p.geom) !~ '^FF.FF'
    join face f on f.district_id = s.district_id and f.shape_id = s.id
        and f.snapshot_id = any(:snapshots)
    left join snapshot_grid g on g.district_id = f.district_id and g.snapshot_id = f.snapshot_id
        and g.grid_id = f.grid_id
    order by p.n, f.kind = 'gap', g.position desc nulls last, g.code collate "C", f.id
""")


def enter(
    session: Session, district: District, layers: list[Layer], gaps: list[Gap], number: int
) -> EditionMap:
    """Store a partition as a snapshot and load it as the service does."""
    scheme = city.get_scheme(session)
    snapshot = Snapshot(district_id=district.id, id=uuid4(), scheme_id=scheme.id, created_at=clock.now())
    session.add(snapshot)
    session.flush()
    made = partition(layers, gaps=gaps)
    content.replace(
        session,
        district_id=district.id,
        scheme_id=scheme.id,
        snapshot_id=snapshot.id,
        made=made,
        levels=list(city.levels(session, scheme.id)),
    )
    key = EditionKey(
        district_id=district.id,
        district_code=district.code,
        district_name=district.name,
        number=number,
        scheme_id=scheme.id,
        snapshot_id=snapshot.id,
        in_force_from=clock.now(),
    )
    return load(session, key)


def expected_answers(
    session: Session, entered: list[EditionMap], points: NDArray[np.float64]
) -> dict[int, list[Any]]:
    given_points = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
    rows = session.execute(ANSWER, {**given_points, "snapshots": [one.key.snapshot_id for one in entered]})
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.n - 1, []).append(row)
    return found


def assert_same(session: Session, entered: list[EditionMap], points: NDArray[np.float64]) -> None:
    expected = expected_answers(session, entered, points)
    for number, hit in enumerate(locate(entered, points, 0.0)):
        claims = expected.get(number, [])
        if not claims:
            assert hit.status == "outside", points[number].tolist()
            continue
        assert hit.map is not None
        assert face_id(hit) == claims[0].id, (points[number].tolist(), hit.status)
        if sum(one.grid_id == claims[0].grid_id for one in claims) > 1:
            continue  # between two faces of one grid
        # Two owners meet in a point of the border; over another's ground the answering face just wins.
        met = claims[0].on_border and len({one.grid_id for one in claims}) > 1
        assert (hit.status == "border") == met, (points[number].tolist(), hit.status, claims)


def face_id(hit: Hit) -> Any:
    assert hit.map is not None
    return hit.map.precedence[hit.face][3]


def split(layers: list[Layer]) -> tuple[list[Layer], list[Layer]]:
    """Two districts: the sub-districts with even and with odd numbers."""
    return tuple(
        [
            Layer(layer.level, tuple(one for one in layer.features if int(one.code[0]) % 2 == parity))
            for layer in layers
        ]
        for parity in (0, 1)
    )


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(maps, SEEDS, st.booleans())
def test_random_maps_of_two_districts(session: Session, given_map: Any, seed: int, with_gap: bool) -> None:
    rng = np.random.default_rng(seed)
    parts = split(layers_of(*given_map))
    assume(all(layer.features for part in parts for layer in part[:2]))
    with session.begin_nested() as kept:
        other = city_actions.add_district(
            session, code="990199", name="邻区", by=audit.SYSTEM, at=clock.now()
        )
        districts = [city.get_district(session, "000000"), other]
        entered = []
        for number, (district, layers) in enumerate(zip(districts, parts, strict=True)):
            corner = shapely.get_coordinates(layers[0].features[0].geometry)[0]
            gap = shapely.affinity.translate(shapely.box(-4e-4, -4e-4, 7e-4, 5e-4), *corner)
            gaps = [Gap(gap, None, "river")] if with_gap else []
            entered.append(enter(session, district, layers, gaps, number + 1))
        faces = np.concatenate([one.locator.faces for one in entered])
        assert_same(session, entered, awkward_points(faces, rng, 60))
        kept.rollback()


def test_every_corner_and_edge_of_a_demo_city(session: Session) -> None:
    demo = make_city(seed=11, yards=300, buildings=False)
    entered = []
    for district in demo.districts:
        layers = [
            Layer(
                level,
                tuple(
                    Feature(one.code, one.name, one.parent if level != "subdistrict" else None, one.geometry)
                    for one in grids
                    if one.district == district.code
                ),
            )
            for level, grids in demo.layers.items()
        ]
        gaps = [
            Gap(one.geometry, one.parent, one.reason) for one in demo.gaps if one.district == district.code
        ]
        row = city_actions.add_district(
            session, code=district.code, name=district.name, by=audit.SYSTEM, at=clock.now()
        )
        entered.append(enter(session, row, layers, gaps, 1))
    faces = np.concatenate([one.locator.faces for one in entered])
    corners = np.unique(shapely.get_coordinates(faces), axis=0)
    rng = np.random.default_rng(5)
    corners = rng.permutation(corners)[:3000]
    ulp = np.nextafter(corners, rng.choice([-np.inf, np.inf], corners.shape))
    assert_same(session, entered, np.concatenate([corners, ulp, awkward_points(faces, rng, 400)]))
    assert pytest.approx(1.0) == np.mean([hit.map is not None for hit in locate(entered, corners, 0.0)])
