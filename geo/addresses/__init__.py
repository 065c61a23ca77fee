"""Addresses as people write them, made comparable: pure text, no database.

`rules` give a language's words as data, `read` splits a text into regions and parts, `match` says how well a
question fits a place, `grams` are the pieces by which a database finds candidates.
"""

from geo.addresses.grams import grams
from geo.addresses.matching import LEFT_OUT, Match, distance, main_number, match
from geo.addresses.numerals import digits
from geo.addresses.reading import Number, Part, Reading, Regions, clean, read
from geo.addresses.rules import Rules, rules

__all__ = [
    "LEFT_OUT",
    "Match",
    "Number",
    "Part",
    "Reading",
    "Regions",
    "Rules",
    "clean",
    "digits",
    "distance",
    "grams",
    "main_number",
    "match",
    "read",
    "rules",
]
