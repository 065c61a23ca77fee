"""One call to a whole city."""

import numpy as np

from geo.synth.backdrop import backdrop_of, bent_roads, lay_roads
from geo.synth.buildings import buildings_of
from geo.synth.drawing import Progress, draw_city
from geo.synth.naming import CITY_NAME, Names
from geo.synth.records import Backdrop, City
from geo.synth.register import appoint, departments, enter


def make_city(
    *, seed: int = 7, yards: int = 3000, buildings: bool = True, progress: Progress | None = None
) -> City:
    """Make a fictional city.

    Parameters
    ----------
    seed
        Equal seeds and sizes give equal cities, on every machine and in every process.
    yards
        About how many yards; the city has a per cent more or fewer. From 300 up to 300,000.
    buildings
        Whether to draw buildings, which nothing but pictures needs.
    progress
        Called with the name of the stage that begins and the share of the work done.

    Returns
    -------
    City
        With 3,000 yards: 3 districts, 24 sub-districts and townships, some 170 communities. All geometry is
        lon/lat (EPSG:4490) on the lattice.

    Raises
    ------
    ValueError
        Fewer than 300 yards: there is no room for villages on both banks of the river.
    """
    if yards < 300:
        raise ValueError(f"A demo city needs at least 300 yards, not {yards}.")
    tell = progress or (lambda stage, share: None)
    drawing = draw_city(seed, yards, tell)
    tell("names", 0.8)
    names = Names(np.random.default_rng([seed, 41]))
    net = lay_roads(drawing, names)
    register = enter(drawing, net, names)
    leaders = appoint(register, names)
    tell("backdrop", 0.9)
    roads = bent_roads(drawing, net)
    backdrop = backdrop_of(drawing, roads, seed)
    if buildings:
        tell("buildings", 0.95)
        houses, tracks = buildings_of(drawing, seed)
        backdrop += [Backdrop("buildings", "building", "", g) for g in houses]
        backdrop += [Backdrop("buildings", "track", "", g) for g in tracks]
    tell("done", 1.0)
    return City(
        seed=seed,
        name=dict(CITY_NAME),
        districts=register.districts,
        layers=register.layers,
        gaps=register.gaps,
        backdrop=backdrop,
        leaders=leaders,
        departments=departments(register.districts),
        roads=roads,
    )
