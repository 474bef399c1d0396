"""JSON written in parts: what is too long for memory is a list whose entries come one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def json_list(entries: Iterable[Any], *, depth: int = 0) -> Iterator[str]:
    """The text of `json.dumps(list, indent=1)`, and a line break where the list is the whole file."""
    indent = " " * (depth + 1)
    before = f"[\n{indent}"
    for entry in entries:
        yield before + json.dumps(entry, indent=1).replace("\n", f"\n{indent}")
        before = f",\n{indent}"
    closing = "[]" if before.startswith("[") else f"\n{' ' * depth}]"
    yield closing if depth else f"{closing}\n"


def json_object(fields: Mapping[str, Any], name: str, entries: Iterable[Any]) -> Iterator[str]:
    """An object with one more field, whose list is written entry by entry where the field is named in `fields`."""
    before = "{\n "
    for field, value in fields.items():
        yield f"{before}{json.dumps(field)}: "
        before = ",\n "
        if field == name:
            yield from json_list(entries, depth=1)
        else:
            yield json.dumps(value, indent=1).replace("\n", "\n ")
    yield "\n}\n"
