"""The lines of a plan, collected with their class and a label that says which belong to one road."""

from typing import Any

import numpy as np
import shapely

from geo.synth.classes import LINE

# Roads through the country meet in villages, point to point; everything else is cut off by another line.
EXACT_ENDS = ("vroad", "highway", "vlane")


class Lines:
    """A growing set of lines."""

    def __init__(self) -> None:
        self.geometries: list[shapely.LineString] = []
        self.classes: list[int] = []
        self.labels: list[str] = []

    def add(self, geometry: Any, line_class: str, label: str = "") -> None:
        """Take in every line of a geometry; scraps under a metre and points are left out."""
        for part in shapely.get_parts(geometry).ravel():
            # A ring is a line too, but of another type.
            if part.geom_type not in ("LineString", "LinearRing") or part.length <= 1:
                continue
            line = shapely.LineString(part)
            if line_class not in EXACT_ENDS and not line.is_closed:
                line = longer(line)
            self.geometries.append(line)
            self.classes.append(LINE[line_class])
            self.labels.append(label)


def longer(line: shapely.LineString, by: float = 0.6) -> shapely.LineString:
    """A line a little over both its ends, so that snapping never leaves it short of what it should meet."""
    xy = shapely.get_coordinates(line).copy()
    for end, inner in ((0, 1), (-1, -2)):
        step = xy[end] - xy[inner]
        xy[end] += step / np.hypot(*step) * by
    return shapely.LineString(xy)
