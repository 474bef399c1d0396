"""The catalogue as rows that can be merged, and how a file is packed from them.

Reading the file needs none of this: see `catalog_file`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference import catalog_file
from aws_iam.engine.reference.archives import compact, packed
from aws_iam.engine.reference.catalog_file import (
    LEVELS,
    BrokenFile,
    padded,
    padded_type,
    service_member,
)

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Mapping

_LETTERS: Mapping[str, str] = {level: letter for letter, level in LEVELS.items()}


@dataclass(slots=True, kw_only=True)
class ActionRow:
    """An action as the file has it."""

    level: str
    types: list[str] = field(default_factory=list)
    required: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    type_keys: dict[str, set[str]] = field(default_factory=dict)
    dependents: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class TypeRow:
    """A resource type as the file has it."""

    formats: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class ServiceRow:
    """A service as the file has it, mutable for merging."""

    title: str = ""
    page: str = ""
    actions: dict[str, ActionRow] = field(default_factory=dict)
    types: dict[str, TypeRow] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    # Former actions by the last day on which a source listed them; empty when no dated source did.
    retired: dict[str, str] = field(default_factory=dict)
    undocumented: set[str] = field(default_factory=set)
    # Former condition keys, each with the last day on which a dated source listed it.
    former_keys: dict[str, str] = field(default_factory=dict)


def key_template(text: str) -> str:
    """A condition key with every placeholder as `${Name}`; AWS also writes `<key>`."""
    return re.sub(r"<(\w+)>", r"${\1}", text)


def arn_template(text: str) -> str:
    """An ARN format with every placeholder as `${Name}`; AWS omits the dollar here and there."""
    return re.sub(r"(?<!\$)\{", "${", text)


def encode(row: ServiceRow) -> dict[str, Any]:
    """The member for a service."""
    sets: dict[tuple[str, ...], int] = {(): 0}

    def number(keys: Iterable[str]) -> int:
        return sets.setdefault(tuple(sorted(keys, key=str.lower)), len(sets))

    actions = {name: _action(row.actions[name], number) for name in sorted(row.actions)}
    types = {
        name: _trimmed([type_.formats, number(type_.keys)])
        for name, type_ in sorted(row.types.items())
    }
    member_: dict[str, Any] = {"n": row.title, "p": row.page, "k": [list(keys) for keys in sets]}
    member_ |= {"a": actions, "r": types, "c": dict(sorted(row.keys.items()))}
    member_ |= {"t": dict(sorted(row.retired.items())), "u": sorted(row.undocumented)}
    member_ |= {"f": dict(sorted(row.former_keys.items()))}
    return {key: value for key, value in member_.items() if value}


def _action(row: ActionRow, number: Any) -> list[Any]:
    types = [name + "*" * (name in row.required) for name in sorted(row.types)]
    type_keys = {name: number(keys) for name, keys in sorted(row.type_keys.items()) if keys}
    return _trimmed(
        [_LETTERS[row.level], types, number(row.keys), type_keys, sorted(row.dependents)]
    )


def _trimmed(row: list[Any]) -> list[Any]:
    while row and not row[-1]:
        row.pop()
    return row


def decode(data: Mapping[str, Any]) -> ServiceRow:
    """The rows in the member of a service."""
    sets = [set(keys) for keys in data.get("k", [[]])]
    actions = {}
    for name, row in data.get("a", {}).items():
        letter, types, own, type_keys, dependents = padded(row)
        actions[name] = ActionRow(
            level=LEVELS[letter],
            types=[text.rstrip("*") for text in types],
            required={text.rstrip("*") for text in types if text.endswith("*")},
            keys=set(sets[own]),
            type_keys={type_: set(sets[at]) for type_, at in type_keys.items()},
            dependents=set(dependents),
        )
    types = {
        name: TypeRow(formats=list(formats), keys=set(sets[own]))
        for name, (formats, own) in ((n, padded_type(row)) for n, row in data.get("r", {}).items())
    }
    return ServiceRow(
        title=data.get("n", ""),
        page=data.get("p", ""),
        actions=actions,
        types=types,
        keys=dict(data.get("c", {})),
        retired=dict(data.get("t", {})),
        undocumented=set(data.get("u", ())),
        former_keys=dict(data.get("f", {})),
    )


def verify(file: zipfile.ZipFile) -> None:
    """Read the whole file; `BrokenFile` unless it has every member of the index and all are unchanged."""
    infos = file.infolist()
    names = sorted(info.filename for info in infos if info.filename != "provenance.json")
    listed = catalog_file.index(file)
    prefixes = (*listed["services"], *listed["retired"], *listed["undocumented"])
    if (
        set(names) != {"index.json", *map(service_member, prefixes)}
        or len(infos) != len(names) + 1
    ):
        raise BrokenFile("it lacks a member or has an extra one")
    if sum(info.file_size for info in infos) > catalog_file.LARGEST_FILE:
        raise BrokenFile("it is too large")
    if (
        _digest(catalog_file.member_bytes(file, name) for name in names)
        != catalog_file.provenance(file)["sha256"]
    ):
        raise BrokenFile("its members were changed")


def _digest(texts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def pack(
    services: Mapping[str, ServiceRow], rcp: Iterable[str], provenance: Mapping[str, Any]
) -> bytes:
    """The bytes of the file; equal data gives equal bytes."""
    bodies = {service_member(prefix): encode(row) for prefix, row in sorted(services.items())}
    bodies["index.json"] = _index(services, rcp)
    texts = {name: compact(body) for name, body in bodies.items()}
    total = _digest(texts[name] for name in sorted(texts))
    whole = dict(provenance) | {
        "format": catalog_file.FORMAT,
        "counts": count(services),
        "sha256": total,
    }
    texts["provenance.json"] = json.dumps(whole, sort_keys=True).encode()
    return packed(dict(sorted(texts.items())))


def count(services: Mapping[str, ServiceRow]) -> dict[str, int]:
    """The number of facts of each kind."""
    rows = services.values()
    actions = [action for row in rows for action in row.actions.values()]
    return {
        "services": sum(bool(row.actions) for row in rows),
        "actions": len(actions),
        "resource_types": sum(len(row.types) for row in rows),
        "condition_keys": sum(len(row.keys) for row in rows),
        "actions_with_dependents": sum(bool(action.dependents) for action in actions),
        "retired_actions": sum(len(row.retired) for row in rows),
        "undocumented_actions": sum(len(row.undocumented) for row in rows),
        "former_condition_keys": sum(len(row.former_keys) for row in rows),
    }


def _index(services: Mapping[str, ServiceRow], rcp: Iterable[str]) -> dict[str, Any]:
    arns: dict[str, set[str]] = {}
    keys: dict[str, set[str]] = {}
    for prefix, row in services.items():
        for type_ in row.types.values():
            for text in type_.formats:
                arns.setdefault(text.split(":")[2], set()).add(prefix)
        for key in row.keys:
            keys.setdefault(key.split(":")[0].lower(), set()).add(prefix)
    foreign = {
        owner: sorted(found)
        for owner, found in sorted(keys.items())
        if found != {owner} and owner != "aws"
    }
    return {
        "services": sorted(prefix for prefix, row in services.items() if row.actions),
        "retired": sorted(p for p, row in services.items() if row.retired and not row.actions),
        "undocumented": sorted(
            p for p, row in services.items() if not (row.actions or row.retired)
        ),
        "rcp": sorted(rcp),
        "arns": {field_: sorted(found) for field_, found in sorted(arns.items())},
        "keys": foreign,
    }
