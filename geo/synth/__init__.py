"""A fictional city for demonstrations, tests and benches: everything in it is invented.

Mark it 演示数据 wherever it is shown. How it is made:

1. Lines (`frame`, `streets`, `villages`) part the flat plane into cells (`cells`).
2. Blocks are cells less their streets; halving them makes yards (`blocks`, `ground`).
3. Cells join into communities, sub-districts and districts (`groups`, `sweeps`).
4. Borders are made to share every vertex (`conform`), refined and bent by one function of position (`bend`).
5. Names, people and posts are entered (`register`), and there is a backdrop to draw (`backdrop`).
6. Reports happen (`report_origins`) and are sent with the faults of real ones (`reports`).

Only seeds decide; no result depends on the order of a set or on the process.
"""

from geo.synth.city import make_city
from geo.synth.history import HISTORY_CRS, history_rows
from geo.synth.messy import MESSY_CRS, messy_zip
from geo.synth.places import place_rows, places_of
from geo.synth.records import (
    BACKDROP_LAYERS,
    LEVELS,
    Backdrop,
    City,
    DemoDistrict,
    DemoGap,
    DemoGrid,
    DemoPlace,
    DemoPost,
    Department,
    Road,
)
from geo.synth.report_classes import CATEGORIES, Category
from geo.synth.report_origins import HotArea
from geo.synth.reports import Reports, make_reports
from geo.synth.roster import roster_rows

__all__ = [
    "BACKDROP_LAYERS",
    "CATEGORIES",
    "HISTORY_CRS",
    "LEVELS",
    "MESSY_CRS",
    "Backdrop",
    "Category",
    "City",
    "DemoDistrict",
    "DemoGap",
    "DemoGrid",
    "DemoPlace",
    "DemoPost",
    "Department",
    "HotArea",
    "Reports",
    "Road",
    "history_rows",
    "make_city",
    "make_reports",
    "messy_zip",
    "place_rows",
    "places_of",
    "roster_rows",
]
