"""What goes into a partition and what comes out: layers of features in, grids, faces and findings out."""

from dataclasses import dataclass, field
from typing import Any

from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

SEVERITIES = ("error", "warning", "info")
# Errors that no reason can excuse: nobody could say whose ground it is.
NEVER_WAIVED = frozenset({"unknown-parent", "duplicate-code"})


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of an imported layer; `parent` is what the file's parent field says, or None.

    The geometry is lon/lat of the canonical geographic system (EPSG:4490) at any precision. It may be empty
    (or None) for a grid whose outline is the union of its children.
    """

    code: str
    name: str
    parent: str | None
    geometry: Polygon | MultiPolygon | None


@dataclass(frozen=True, slots=True)
class Layer:
    """All features of one level. A layer without features counts as missing."""

    level: str
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Ground that a person declared to belong to no grid; `parent` is the code that answers instead."""

    geometry: Polygon | MultiPolygon
    parent: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class GridRecord:
    """A grid of the partition; no parent means the district itself."""

    level: str
    code: str
    name: str
    parent_level: str | None
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One polygon of the finest partition, on the lattice.

    `kind` is ``grid`` (ground of a grid of the finest level), ``public`` (ground of a coarser grid without a
    finer one) or ``gap`` (declared; `level` and `code` name the grid of the territorial fallback, both empty
    when there is none).
    """

    kind: str
    level: str
    code: str
    geometry: Polygon


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know: rule, severity, the codes concerned, how much ground, where."""

    rule: str
    severity: str
    grids: tuple[str, ...]
    area_m2: float
    geometry: BaseGeometry | None
    detail: str
    members: dict[str, Any] = field(default_factory=dict)

    @property
    def waivable(self) -> bool:
        """Whether a person may publish in spite of it by giving a reason."""
        return self.rule not in NEVER_WAIVED

    @property
    def order(self) -> tuple[int, str, str, tuple[str, ...], bytes]:
        """Sort key that depends on the content alone."""
        wkb = self.geometry.wkb if self.geometry is not None else b""
        return SEVERITIES.index(self.severity), self.rule, str(self.members.get("level")), self.grids, wkb


@dataclass(frozen=True, slots=True)
class Partition:
    """Grids (coarsest level first, then by code), faces in the same order, findings (errors first)."""

    grids: tuple[GridRecord, ...]
    faces: tuple[FaceRecord, ...]
    findings: tuple[Finding, ...]
