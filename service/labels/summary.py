"""What came out of a check, as plain values: the same for the page, the command and the workbook."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.labels.auditing import Audit
from service.labels.kinds import interval
from service.labels.reasons import BORDER_M, REASONS
from service.labels.table import Table

# Upper ends in metres; the first is exactly on the border.
BANDS = (
    ("on", 0.0),
    ("0-5", 5.0),
    ("5-10", 10.0),
    ("10-20", 20.0),
    ("20-50", 50.0),
    ("50-200", 200.0),
    ("200-", np.inf),
)
PAIRS_SHOWN, LABELS_SHOWN = 500, 500
EXAMPLES = 5


def bands(found: Audit) -> NDArray[np.str_]:
    """Give the distance band of each row's position; empty where no grid of ours is near."""
    names = np.array([name for name, _ in BANDS] + [""])
    place = np.searchsorted([end for _, end in BANDS[1:-1]], found.border_m, side="right") + 1
    place = np.where(found.border_m == 0.0, 0, place)
    return names[np.where(np.isnan(found.border_m), len(BANDS), place)]


def summary(found: Audit, table: Table, file_name: str) -> dict[str, Any]:
    """Give all figures of a check."""
    wrong = found.disagree
    return {
        "file": {"name": file_name, "rows": found.count, "encoding": table.encoding},
        "choices": {
            name: getattr(found.choices, name)
            for name in ("lon", "lat", "label", "crs", "kinds", "time", "scheme")
        },
        "level": found.level,
        "levels": found.levels,
        "editions": [
            {
                "district": one.key.district_code, "name": one.key.district_name, "number": one.key.number,
                "in_force_from": one.key.in_force_from.isoformat(),
                "rows": int((found.edition_of == place).sum()),
            }
            for place, one in enumerate(found.editions)
        ],
        "usable": len(found.rows),
        "unusable": [
            {"reason": reason, "rows": len(rows), "lines": [table.lines[row] for row in rows[:EXAMPLES]]}
            for reason, rows in found.unusable.items()
        ],
        "agree": int(found.agree.sum()),
        "disagree": int(wrong.sum()),
        "as_written": int(found.as_written.sum()),
        "reread": int((found.agree & ~found.as_written).sum()),
        **_interval(found.agree),
        "near": {
            "within_m": BORDER_M,
            "disagree": int((wrong & (found.border_m <= BORDER_M)).sum()),
            "flagged": int((wrong & (found.border_m <= BORDER_M) & found.flagged).sum()),
        },
        "flagged": int((found.flagged & (found.reason == "border")).sum()),
        "bands": _bands(found),
        "kinds": [_kind(one) for one in found.kinds],
        "matrix": _matrix(found),
        "labels": _labels(found),
        "reasons": [
            {"reason": one, "rows": int((found.reason == one).sum())} for one in REASONS if (found.reason == one).any()
        ],
        "piles": [_pile(one, found) for one in found.doubts if one.kind == "default-point"],
        "doubts": [
            {"kind": one.kind, "rows": len(one.rows), **one.detail_members}
            for one in found.doubts
            if one.kind != "default-point"
        ],
        "other_editions": [
            {**one.detail_members, "rows": len(one.rows), "kind": one.kind} for one in found.edition_doubts
        ],
        "bounds": _bounds(found),
    }  # fmt: skip


def _interval(agree: NDArray[np.bool_]) -> dict[str, float]:
    low, high = interval(np.array([agree.sum()]), np.array([len(agree)]))
    return {"share": float(agree.mean()), "low": float(low[0]), "high": float(high[0])}


def _bands(found: Audit) -> list[dict[str, Any]]:
    band = bands(found)
    listed = []
    for name in [*(one for one, _ in BANDS), ""]:
        mine = band == name
        if name or mine.any():
            wrong = mine & found.disagree
            low, high = interval(np.array([wrong.sum()]), np.array([mine.sum()]))
            listed.append(
                {
                    "band": name or "none", "rows": int(mine.sum()), "disagree": int(wrong.sum()),
                    "low": float(low[0]), "high": float(high[0]), "flagged": int((wrong & found.flagged).sum()),
                }
            )  # fmt: skip
    return listed


def _kind(one: Any) -> dict[str, Any]:
    values = [
        {
            "value": value.value, "rows": value.rows, "disagree": value.disagree, "low": value.low,
            "high": value.high, "stands_out": value.stands_out, "p": value.p,
        }
        for value in one.values
    ]  # fmt: skip
    return {"column": one.column, "p": one.p, "bits": one.bits, "along": one.along, "values": values}


def _named(found: Audit, number: int) -> dict[str, str] | None:
    if number < 0:
        return None
    grid = found.register.grids[number]
    return {"code": grid.code, "name": grid.name, "level": grid.level}


def _matrix(found: Audit) -> list[dict[str, Any]]:
    """Count pairs of label and answer that differ, the commonest first."""
    wrong = np.flatnonzero(found.disagree).tolist()
    pairs: Counter[tuple[str, int]] = Counter((found.rows.labels[row], int(found.ours[row])) for row in wrong)
    back: dict[tuple[int, int], int] = Counter(
        (int(found.target[row]), int(found.ours[row])) for row in wrong if found.target[row] >= 0
    )
    listed = sorted(pairs.items(), key=lambda one: (-one[1], one[0]))
    return [
        {
            "label": label, "label_grid": _named(found, found.meanings[label].grid),
            "ours": _named(found, ours), "rows": rows,
            "back": back.get((ours, found.meanings[label].grid), 0),
        }
        for (label, ours), rows in listed[:PAIRS_SHOWN]
    ]  # fmt: skip


def _labels(found: Audit) -> dict[str, Any]:
    how: dict[str, list[Any]] = defaultdict(list)
    for one in found.meanings.values():
        how["renumbered" if one.contrary else one.how].append(one)
    read = sorted(
        (one for name in ("spelling", "part", "association", "pattern") for one in how[name]),
        key=lambda one: (-one.rows, one.label),
    )
    return {
        "count": len(found.meanings),
        "exact": len(how["exact"]),
        "read": len(read),
        "mapping": [
            {"label": one.label, "grid": _named(found, one.grid), "how": one.how, "rows": one.rows, "share": one.share}
            for one in read[:LABELS_SHOWN]
        ],
        "unknown": _rest(found, how["none"]),
        "renumbered": _rest(found, how["renumbered"]),
    }  # fmt: skip


def _rest(found: Audit, several: Sequence[Any]) -> list[dict[str, Any]]:
    ordered = sorted(several, key=lambda one: (-one.rows, one.label))
    return [
        {
            "label": one.label, "rows": one.rows, "grid": _named(found, one.grid),
            "mostly": _named(found, one.mostly),
        }
        for one in ordered[:LABELS_SHOWN]
    ]  # fmt: skip


def _pile(doubt: Any, found: Audit) -> dict[str, Any]:
    wrong = int(found.disagree[doubt.rows].sum())
    return {
        **doubt.detail_members, "rows": len(doubt.rows), "share": doubt.share, "disagree": wrong,
        "grid": _named(found, int(found.ours[doubt.rows[0]])),
    }  # fmt: skip


def _bounds(found: Audit) -> list[float]:
    rows = found.disagree if found.disagree.any() else np.ones(len(found.rows), dtype=np.bool_)
    points = found.rows.points[rows]
    # Of wild positions a map would show nothing but sea.
    inside = points[(found.ours >= 0)[rows]]
    points = inside if len(inside) else points
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def rows(found: Audit, table: Table) -> dict[str, Any]:
    """Give what is known of each usable row, in columns; `kinds` holds the columns that explain."""
    band = bands(found)
    place = found.rows.row.tolist()
    grids, meant = ([_named(found, one) for one in many.tolist()] for many in (found.ours, found.target))
    return {
        "row": place,
        "line": [table.lines[row] for row in place],
        "label": found.rows.labels,
        "lon": found.rows.points[:, 0].tolist(),
        "lat": found.rows.points[:, 1].tolist(),
        "code": [one["code"] if one else "" for one in grids],
        "name": [one["name"] if one else "" for one in grids],
        "level": [one["level"] if one else "" for one in grids],
        "label_code": [one["code"] if one else "" for one in meant],
        "label_name": [one["name"] if one else "" for one in meant],
        "status": found.status.tolist(),
        "border_m": _metres(found.border_m),
        "label_m": _metres(found.label_m),
        "agree": found.agree.tolist(),
        "flagged": found.flagged.tolist(),
        "band": [one or "none" for one in band.tolist()],
        "reason": found.reason.tolist(),
        "evidence": [_evidence(found, row) for row in range(len(place))],
        "edition": [_edition(found, one) for one in found.edition_of.tolist()],
        "kinds": {one.column: [table.columns[one.column][row] for row in place] for one in found.kinds},
        "unusable": {
            reason: [[row, table.lines[row]] for row in many] for reason, many in found.unusable.items()
        },
    }


def _metres(many: NDArray[np.float64]) -> list[float | None]:
    return [None if one != one else round(one, 2) for one in many.tolist()]


def _edition(found: Audit, place: int) -> str:
    if place < 0:
        return ""
    key = found.editions[place].key
    return f"{key.district_code}/{key.number}"


def _evidence(found: Audit, row: int) -> str:
    """Give the fact that the reason's sentence needs: an edition, a system, how many rows share the point."""
    if row in found.evidence.edition and found.reason[row] == "older-edition":
        return found.evidence.edition[row]
    if found.reason[row] == "default-point":
        return str(len(found.evidence.pile[row].rows))
    if found.reason[row] == "other-system":
        return found.evidence.system or ""
    return ""
