"""Dataclasses of arrays and numbers taken apart and put together again, as files and sums need it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind")


def taken_apart(one: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Give the arrays and numbers of a dataclass by name, also of those inside it and in its tuples.

    Parameters
    ----------
    one
        A dataclass whose fields are arrays, numbers, such dataclasses, or tuples of such dataclasses.
    name
        What the names begin with.

    Returns
    -------
    parts
        (name, array or number); for a tuple its length.
    """
    for field in fields(one):
        value, where = getattr(one, field.name), f"{name}.{field.name}"
        if is_dataclass(value):
            yield from taken_apart(value, where)
        elif isinstance(value, tuple):
            yield where, len(value)
            for i, each in enumerate(value):
                yield from taken_apart(each, f"{where}.{i}")
        else:
            yield where, value


def put_together(kind: type[Kind], name: str, parts: Mapping[str, Any]) -> Kind:
    """Turn `taken_apart` round; raises KeyError where a part is missing."""
    made: dict[str, Any] = {}
    hints = get_type_hints(kind)
    for field in fields(kind):  # type: ignore[arg-type]
        where, hint = f"{name}.{field.name}", hints[field.name]
        if is_dataclass(hint):
            made[field.name] = put_together(hint, where, parts)
        elif get_origin(hint) is tuple:
            each = get_args(hint)[0]
            made[field.name] = tuple(put_together(each, f"{where}.{i}", parts) for i in range(parts[where]))
        else:
            made[field.name] = parts[where]
    return kind(**made)


def arrays_of(one: Any) -> list[NDArray[Any]]:
    """List all arrays of a dataclass, one that occurs several times once."""
    arrays = (part for _, part in taken_apart(one, "") if isinstance(part, np.ndarray))
    return list({place_of(part): part for part in arrays}.values())


def place_of(array: NDArray[Any]) -> tuple[Any, ...]:
    """Tell where in memory an array lies: the same for two views of the same numbers."""
    return array.__array_interface__["data"][0], array.shape, array.dtype.str, array.nbytes or id(array)
