"""A check in lines for a terminal: the figures, the largest of each list, the verdict."""

from collections.abc import Iterator
from typing import Any

from service.labels import sheets, wording
from service.labels.wording import percent, say

SHOWN = 10


def lines(found: dict[str, Any], locale: str) -> Iterator[str]:
    """Tell a check."""
    for one in found["unusable"]:
        more = " …" if one["rows"] > len(one["lines"]) else ""
        yield f"{one['rows']:>11,}  {say(one['reason'], locale)} ({', '.join(map(str, one['lines']))}{more})"
    yield from _shares("bands", [(say(one["band"], locale), one) for one in found["bands"]], locale)
    yield f"\n{sheets.title('reasons', locale)}"
    for one in found["reasons"]:
        yield f"{one['rows']:>11,}  {say(one['reason'], locale)}"
    listed = [(_value(kind, one, locale), one) for kind in found["kinds"] for one in kind["values"][:3]]
    yield from _shares("kinds", listed, locale)
    yield from _pairs(found, locale)
    yield from _labels(found, locale)
    for sentence in sheets.doubts(found, locale):
        yield f"\n{sentence}"
    yield f"\n{wording.verdict(found, locale)}"


def _shares(key: str, listed: list[tuple[str, dict[str, Any]]], locale: str) -> Iterator[str]:
    if listed:
        yield f"\n{sheets.title(key, locale)}"
    for name, one in listed:
        share = percent(one["disagree"] / one["rows"]) if one["rows"] else "–"
        yield f"{one['disagree']:>9,} / {one['rows']:<9,} {share:>8}  {name}"


def _value(kind: dict[str, Any], one: dict[str, Any], locale: str) -> str:
    along = f"  ({say('goes-along', locale, column=kind['along'])})" if kind["along"] else ""
    return f"{kind['column']} = {one['value']}{along}"


def _pairs(found: dict[str, Any], locale: str) -> Iterator[str]:
    if found["matrix"]:
        yield f"\n{sheets.title('matrix', locale)}"
    for one in found["matrix"][:SHOWN]:
        label = _grid(one["label_grid"]) or say("unknown-cell", locale)
        yield f"{one['rows']:>11,}  {one['label']} = {label} ≠ {_grid(one['ours']) or say('outside-cell', locale)}"


def _labels(found: dict[str, Any], locale: str) -> Iterator[str]:
    labels = found["labels"]
    if labels["mapping"] or labels["unknown"]:
        yield f"\n{sheets.title('labels', locale)}"
    for one in labels["mapping"][:SHOWN]:
        yield f"{one['rows']:>11,}  {one['label']} → {_grid(one['grid'])} ({say(one['how'], locale)})"
    if len(labels["mapping"]) > SHOWN:
        yield f"{'…':>11}  {len(labels['mapping']):,}"
    for one in labels["unknown"][:SHOWN]:
        yield f"{one['rows']:>11,}  {one['label']} → {say('unknown-cell', locale)}"


def _grid(one: dict[str, str] | None) -> str:
    if one is None:
        return ""
    return one["code"] if one["name"] == one["code"] else f"{one['code']} {one['name']}"
