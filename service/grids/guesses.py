"""What a layer's columns are likely to be: by the city's code schemes first, then by how columns are called."""

import re
from collections.abc import Sequence

from geo.formats import FieldInfo, LayerInfo
from service.city.models import Level

NAMED = {
    "code_field": re.compile(r"编码|代码|编号|code|\bbm\b|bm$|dm$|geoid|^id$", re.IGNORECASE),
    "name_field": re.compile(r"名称|名字|name|mc$|label", re.IGNORECASE),
    "parent_field": re.compile(r"上级|父|所属|隶属|parent|boro|^ss|sj", re.IGNORECASE),
}


def of_layer(layer: LayerInfo, levels: Sequence[Level]) -> dict[str, str | None]:
    """Guess level, code, name and parent column of a layer; None where nothing speaks for one."""
    fits = {one.name: _levels_of(one, levels) for one in layer.fields}
    by_level = {
        level.code: next((name for name, found in fits.items() if level.code in found), None)
        for level in levels
    }
    finest = next((level for level in reversed(levels) if by_level[level.code]), None)
    code = by_level[finest.code] if finest else _called(layer, "code_field", set())
    parents = [by_level[one.code] for one in levels if finest and one.position < finest.position]
    parent = next((one for one in reversed(parents) if one and one != code), None)
    parent = parent or _called(layer, "parent_field", {code})
    return {
        "level": finest.code if finest else None,
        "code_field": code,
        "name_field": _called(layer, "name_field", {code, parent}),
        "parent_field": parent,
    }


def _levels_of(one: FieldInfo, levels: Sequence[Level]) -> set[str]:
    values = [value.strip() for value in one.samples]
    return {
        level.code
        for level in levels
        if level.code_pattern and values and all(re.match(level.code_pattern, value) for value in values)
    }


def _called(layer: LayerInfo, field: str, taken: set[str | None]) -> str | None:
    names = [one.name for one in layer.fields if one.name not in taken]
    return next((name for name in names if NAMED[field].search(name)), None)
