"""What is doubtful about a whole batch of positions, in words: one warning for each doubt, with its figures."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.crs import Crs
from geo.suspicion import Doubt, batch_doubts
from service.assignment.maps import EditionMap

SAMPLE = 1 << 17  # rows of a stream that are kept to be asked about

SENTENCES = {
    "axes-swapped": {
        "en": "{rows:,} rows ({share:.1%}) lie in the city only with longitude and latitude swapped. "
        "Please check their order.",
        "zh": "{rows:,} 行（{share:.1%}）对调经纬度后才落在本市。请核对顺序。",
    },
    "other-system": {
        "en": "Read as {system}, {inside_then:,} rows lie in the city instead of {inside:,}. "
        "Please check the coordinate system that was declared.",
        "zh": "若按 {system} 读取，落在本市的行数由 {inside:,} 增至 {inside_then:,}。请核对所声明的坐标系。",
    },
    "default-point": {
        "en": "{rows:,} rows ({share:.1%}) lie at one place, {lon:.6f}, {lat:.6f}; places around it have "
        "{expected:.1f} each. It looks like a failed geocoder or a default entry.",
        "zh": "{rows:,} 行（{share:.1%}）都在同一位置 {lon:.6f}, {lat:.6f}，而周围各处平均只有 {expected:.1f} 行。"
        "像是地址匹配失败或系统默认坐标。",
    },
    "low-precision": {
        "en": "{rows:,} rows ({share:.1%}) are rounded to {step:g}, about {metres:,.0f} m on the ground: "
        "too coarse for a grid.",
        "zh": "{rows:,} 行（{share:.1%}）的坐标只精确到 {step:g}，约合地面 {metres:,.0f} 米，不足以判定网格。",
    },
    "outside": {
        "en": "{rows:,} rows ({share:.1%}) lie outside the city.",
        "zh": "{rows:,} 行（{share:.1%}）不在本市范围内。",
    },
}
METRES_PER_DEGREE = 111_320


class Watch:
    """Keeps an even sample of a stream of positions, so that a file beyond memory can be asked about at its end."""

    def __init__(self, sample: int = SAMPLE) -> None:
        self._most, self._step, self._seen = sample, 1, 0
        self._kept: list[NDArray[np.float64]] = []

    @property
    def points(self) -> NDArray[np.float64]:
        """The sample, shape (n, 2): every k-th row."""
        return np.concatenate([np.empty((0, 2)), *self._kept])

    def add(self, points: NDArray[np.float64]) -> None:
        """Look at the next rows, x and y as they came, shape (n, 2)."""
        self._kept.append(points[-self._seen % self._step :: self._step].copy())
        self._seen += len(points)
        while sum(map(len, self._kept)) > self._most:
            self._kept, self._step = [self.points[::2]], self._step * 2


def batch_warnings(
    maps: Sequence[EditionMap], points: NDArray[np.float64], crs: Crs, locale: str
) -> list[dict[str, Any]]:
    """Give what is doubtful about positions, x and y in `crs`, shape (n, 2), as the warnings of an answer."""

    def covers(places: NDArray[np.float64]) -> NDArray[np.bool_]:
        inside = np.zeros(len(places), dtype=np.bool_)
        for one in maps:
            inside |= one.locator.locate_many(places) >= 0
        return inside

    return list(_told(batch_doubts(points, declared=crs, covers=covers), crs, locale))


def _told(doubts: Iterable[Doubt], crs: Crs, locale: str) -> Iterable[dict[str, Any]]:
    for doubt in doubts:
        members = doubt.detail_members | {"rows": len(doubt.rows), "share": round(doubt.share, 4)}
        step = members.get("step", 0.0)
        metres = step if crs.kind == "projected" else step * METRES_PER_DEGREE
        forms = SENTENCES[doubt.kind]
        detail = forms.get(locale, forms["en"]).format(**members, metres=metres)
        yield {"type": "/problems/coordinates-suspect", "kind": doubt.kind, "detail": detail, **members}
