"""The likeliest reason for each disagreement, by the evidence: the surest that holds is taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo.suspicion import Doubt
from service.assignment.maps import EditionMap

if TYPE_CHECKING:
    from service.labels.auditing import Audit

BORDER_M = 10.0
PILE_WRONG = 0.5  # of a pile's rows: a busy building where labels and answers agree is no default point
# In the order in which they are looked for.
REASONS = (
    "unknown-label", "default-point", "swapped", "other-system", "older-edition", "renumbered", "border", "outside",
    "unexplained",
)  # fmt: skip


@dataclass
class Evidence:
    """What belongs to the reasons: by row the doubt or edition that was found, else nothing."""

    pile: dict[int, Doubt] = field(default_factory=dict)
    edition: dict[int, str] = field(default_factory=dict)
    system: str | None = None


Fits = Sequence[tuple[EditionMap, NDArray[np.bool_], bool]]


def reasons(found: "Audit", fits: Fits) -> tuple[NDArray[np.str_], Evidence]:
    """Give the reason of each row, empty where it agrees, and the evidence."""
    evidence = Evidence()
    holds = {
        "unknown-label": found.target < 0,
        "default-point": _piled(found, evidence),
        "swapped": _in_doubt(found, "axes-swapped"),
        "other-system": _other_system(found, evidence),
        "older-edition": _older(found, fits, evidence),
        "renumbered": np.array([found.meanings[one].contrary for one in found.rows.labels], dtype=np.bool_)
        & _mostly(found),
        "border": (found.label_m <= BORDER_M) | (found.flagged & (found.status == "border")),
        "outside": found.ours < 0,
    }
    reason = np.where(found.disagree, "unexplained", "").astype("U16")
    for name in reversed(REASONS[:-1]):
        reason[holds[name] & found.disagree] = name
    return reason, evidence


def _piled(found: "Audit", evidence: Evidence) -> NDArray[np.bool_]:
    held = np.zeros(len(found.rows), dtype=np.bool_)
    for doubt in found.doubts:
        if doubt.kind == "default-point" and found.disagree[doubt.rows].mean() >= PILE_WRONG:
            held[doubt.rows] = True
            evidence.pile |= dict.fromkeys(doubt.rows.tolist(), doubt)
    return held


def _in_doubt(found: "Audit", kind: str) -> NDArray[np.bool_]:
    held = np.zeros(len(found.rows), dtype=np.bool_)
    for doubt in found.doubts:
        if doubt.kind == kind:
            held[doubt.rows] = True
    return held


def _other_system(found: "Audit", evidence: Evidence) -> NDArray[np.bool_]:
    """Where the whole batch fits another system better, that explains the rows which agree in it."""
    for doubt in found.doubts:
        if doubt.kind == "other-system":
            evidence.system = str(doubt.detail_members["system"])
    return np.zeros(len(found.rows), dtype=np.bool_) if found.reread is None else found.reread


def _older(found: "Audit", fits: Fits, evidence: Evidence) -> NDArray[np.bool_]:
    """An edition explains a row where it is better beyond chance, or is the only one that has the label's grid."""
    held = np.zeros(len(found.rows), dtype=np.bool_)
    present = {
        number
        for one in found.editions
        for number in found.register.numbers(one).tolist()
    }  # fmt: skip
    gone = np.array([one >= 0 and one not in present for one in found.target.tolist()], dtype=np.bool_)
    for edition, only, clear in fits:
        rows = np.flatnonzero(only & (clear | gone) & ~held)
        held[rows] = True
        evidence.edition |= dict.fromkeys(rows.tolist(), f"{edition.key.district_code}/{edition.key.number}")
    return held


def _mostly(found: "Audit") -> NDArray[np.bool_]:
    """Tell which rows lie in the grid that most rows of their label lie in."""
    mostly = [found.meanings[one].mostly for one in found.rows.labels]
    return np.array(mostly, dtype=np.int64) == found.ours
