"""What reporters write: where it is, as people say it, and what is wrong."""

import numpy as np
from numpy.typing import NDArray

from geo.synth.report_classes import HABITS
from geo.synth.report_origins import Incidents
from geo.synth.report_places import Places

NEAR = ("附近", "路口", "东侧", "西侧", "门口", "旁")
AGAIN = "又有问题:"


def texts_of(rng: np.random.Generator, incidents: Incidents, places: Places) -> NDArray[np.object_]:
    """Write the text of every incident, shape (n,)."""
    near = rng.integers(0, len(NEAR), len(incidents)).tolist()
    what = rng.random(len(incidents)).tolist()
    again = ((incidents.occurrence > 1) & (rng.random(len(incidents)) < 0.4)).tolist()
    rows = zip(incidents.anchor.tolist(), incidents.category.tolist(), near, what, again, strict=True)
    out = np.empty(len(incidents), dtype=object)
    for k, (anchor, category, side, chance, returned) in enumerate(rows):
        name = places.name[anchor] if anchor >= 0 else ""
        options = HABITS[category].what
        where = f"{name}{NEAR[side]}" if name else ""
        out[k] = f"{AGAIN if returned else ''}{where}{options[int(chance * len(options))]}"
    return out
