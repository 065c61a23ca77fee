"""Signs that coordinates are not what they are said to be: hints for a person, never a silent correction."""

from geo.suspicion.batches import Doubt, batch_doubts
from geo.suspicion.editions import edition_doubt
from geo.suspicion.maps import Suspicion, suspect_shift, suspect_units
from geo.suspicion.piles import Pile, piles

__all__ = [
    "Doubt",
    "Pile",
    "Suspicion",
    "batch_doubts",
    "edition_doubt",
    "piles",
    "suspect_shift",
    "suspect_units",
]
