"""Values as JSON text in a row and back, by their types: dataclasses, enums, tuples, mappings of text.

Only for values that go no further than this database; what scripts read is spelled where it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from profiles.model import LocalizedText

Value = TypeVar("Value")


def to_text(value: object) -> str:
    """Write a value."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def from_text(kind: type[Value], text: str) -> Value:
    """Read a value of this type."""
    # The only place that trusts the text: this database wrote it.
    return cast(Value, _value(kind, json.loads(text)))


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"no place for {type(value).__name__} in a row")


def _value(kind: Any, raw: Any) -> object:
    if raw is None:
        return None
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _value(next(part for part in get_args(kind) if part is not NoneType), raw)
    if origin is tuple:
        return _tuple(get_args(kind), raw)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _parameter(item) for key, item in raw.items()}
    if is_dataclass(kind):
        hints = _hints(cast(type, kind))
        # A field that is gone is passed over, a new one takes its default: rows outlive an upgrade.
        return kind(**{name: _value(hints[name], item) for name, item in raw.items() if name in hints})  # type: ignore[operator]
    return kind(raw)


def _tuple(kinds: tuple[Any, ...], raw: list[Any]) -> tuple[object, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_value(kinds[0], item) for item in raw)
    return tuple(_value(kind, item) for kind, item in zip(kinds, raw, strict=True))


def _parameter(raw: Any) -> object:
    """A problem's parameter: text, or a provider's own words in several languages."""
    return _value(LocalizedText, raw) if isinstance(raw, dict) else raw


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
