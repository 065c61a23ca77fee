"""Layers of any depth → faces, grids and findings: the finest partition, which is the truth.

The rules, in the order they apply:

1. Outlines are repaired and brought onto the lattice (`geo.validity`); features of one code and parent are
   parts of one grid; the parent is what the parent field, else the code scheme says (`intake`).
2. All borders of all levels are laid over each other and made planar (`geo.noding`, `atoms`).
3. Each atom belongs to a declared gap, else to the finest grid that covers it, the lowest code where several
   grids of that level do (`ground`). A child's ground wins over any outline of a coarser level.
4. Atoms of one owner melt into faces; slivers of public ground join a neighbour (`faces`).
5. Everything that two outlines disagree about is a finding (`faults`), and so is whatever is odd about the
   faces that came out (`geo.coverage`).
"""

from collections.abc import Callable, Sequence

from geo.coverage import conditions
from geo.partition.faces import faces_of, records, without_slivers
from geo.partition.faults import gap_conflicts, outside_parents, overlaps
from geo.partition.ground import survey
from geo.partition.intake import ParentByCode, UncodedFeature, take_in
from geo.records import FaceRecord, Feature, Finding, Gap, GridRecord, Layer, Partition

__all__ = [
    "FaceRecord",
    "Feature",
    "Finding",
    "Gap",
    "GridRecord",
    "Layer",
    "Partition",
    "UncodedFeature",
    "partition",
]


def no_scheme(level: str, code: str) -> str | None:
    """Tell nothing from a code: for callers without a code scheme."""
    return None


def partition(
    layers: Sequence[Layer],
    *,
    parent_by_code: ParentByCode = no_scheme,
    gaps: Sequence[Gap] = (),
    progress: Callable[[str, float], None] | None = None,
    node_everything: bool = False,
) -> Partition:
    """Make the finest partition of a plan from its layers.

    Parameters
    ----------
    layers
        Coarsest first; lon/lat degrees (EPSG:4490). Missing levels may be left out or empty: parents are then
        looked for in the nearest coarser level that has the code.
    parent_by_code
        What the code scheme says: (level, code) → code of the parent at the nearest coarser level present,
        None where it can't tell. Only asked where a feature has no parent of its own.
    gaps
        Ground that persons declared to belong to no grid. It is taken from whatever covers it.
    progress
        Called with the name of the stage that begins and the share of the work done.
    node_everything
        Take the slow path through GEOS for all line work; the result is the same.

    Returns
    -------
    Partition
        Grids, faces and findings. Content and order depend only on the content of the input, never on the
        order of features. Faces are a valid coverage on the lattice: every interior edge is used twice.

    Raises
    ------
    MalformedPoints
        A coordinate is NaN or infinite.
    UncodedFeature
        A feature has no code.
    """
    tell = progress or (lambda stage, share: None)
    tell("repair", 0.0)
    intake = take_in(layers, parent_by_code, gaps)
    tell("overlay", 0.15)
    ground = survey(intake, node_everything=node_everything)
    tell("ownership", 0.6)
    found = [*intake.findings, *overlaps(ground), *outside_parents(ground), *gap_conflicts(ground)]
    tell("faces", 0.7)
    faces, joined = without_slivers(faces_of(ground), intake)
    result = records(faces, intake)
    tell("conditions", 0.85)
    found += [*joined, *conditions(result, intake.grids)]
    tell("done", 1.0)
    return Partition(intake.grids, result, tuple(sorted(found, key=lambda finding: finding.order)))
