"""Columns of any type as texts and as values for JSON."""

from base64 import b64encode
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from service.assignment.sureness import number_texts

_encode = msgspec.json.Encoder().encode


def as_texts(column: pa.Array) -> pa.Array:
    """Write a column as texts, the empty text where there is no value."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_string(kind):
        texts = column
    elif pa.types.is_float64(kind):
        return number_texts(np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64))
    elif pa.types.is_nested(kind) or _is_bytes(kind) or pa.types.is_duration(kind):
        texts = pa.array([_text(one) for one in as_values(column)], pa.string())
    else:
        texts = pc.cast(column, pa.string())
    return pc.fill_null(texts, "") if texts.null_count else texts


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _encode(value).decode()


def as_values(column: pa.Array) -> list[Any]:
    """Give a column's values as JSON can write them."""
    return [_plain(one) for one in column.to_pylist()] if _is_odd(column.type) else column.to_pylist()


def as_json(column: pa.Array, nothing: bytes) -> pa.Array:
    """Write a column's values as JSON, `nothing` where there is no value."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = as_json(column.dictionary, nothing).take(column.indices)
    elif pa.types.is_string(kind):
        plain = pc.binary_join_element_wise('"', column, '"', "")
        odd = pc.match_substring_regex(column, r'["\\\x00-\x1f]')
        column = pc.replace_with_mask(plain, pc.fill_null(odd, False), _encoded(column.filter(odd)))
    elif pa.types.is_float64(kind):
        texts = number_texts(np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64))
        column = pc.if_else(pc.is_finite(column), texts, None)
    else:
        column = _encoded(column)
    return pc.fill_null(column, nothing.decode())


def _encoded(column: pa.Array) -> pa.Array:
    values = [None if one is None else _encode(one) for one in as_values(column)]
    return pa.array(values, pa.binary()).cast(pa.string())


def _is_odd(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_odd(kind.value_type)
    return not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _plain(value: Any) -> Any:
    """Write what JSON has no word for as a text; NaN and infinities as nothing."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (str, int)) else str(value)
