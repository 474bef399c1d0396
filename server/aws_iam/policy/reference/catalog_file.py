"""The file that holds the service-authorization facts: a zip with one small JSON member per service.

    index.json         {"services": [prefix], "retired": [prefix], "undocumented": [prefix], "rcp": [prefix],
                        "arns": {service field of an ARN: [prefixes with such a resource type]},
                        "keys": {part before a key's first colon: [prefixes that define such keys]}}
    provenance.json    {"format", "as_of", "sources": [{name, version, date, …}], "counts", "hashes", …}
    s/PREFIX.json      {"n": title, "p": page of the reference,
                        "k": [[key, …], …],    the sets of condition keys; elsewhere a set is its number here
                        "a": {Action: [level's letter, [type, type*, …], set, {type: set}, [dependent action]]},
                        "r": {type: [[ARN format], set]}, "c": {key: type},
                        "t": [retired action], "u": [undocumented action]}

A type with `*` always takes part in the authorization. Empty values at the end of a row are left out.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = 1
Level = Literal["List", "Read", "Write", "Tagging", "Permissions management"]
LEVELS: Mapping[str, Level] = {
    "L": "List",
    "R": "Read",
    "W": "Write",
    "T": "Tagging",
    "P": "Permissions management",
}
KEY_TYPES = frozenset(
    {
        "ARN",
        "ArrayOfARN",
        "ArrayOfBool",
        "ArrayOfString",
        "Bool",
        "Date",
        "IPAddress",
        "Numeric",
        "String",
    }
)
# A member is a few dozen kilobytes; what is larger was not written by this module.
_LARGEST_MEMBER = 8_000_000
LARGEST_FILE = 64_000_000
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What a service's member holds.
_KINDS: Mapping[str, type] = {
    "n": str,
    "p": str,
    "k": list,
    "a": dict,
    "r": dict,
    "c": dict,
    "t": list,
    "u": list,
}
_LETTERS: Mapping[str, str] = {level: letter for letter, level in LEVELS.items()}
# Zip files carry a time per member; one fixed time makes equal facts equal bytes.
_TIME = (2020, 1, 1, 0, 0, 0)


@dataclass(slots=True, kw_only=True)
class ActionRow:
    """One action as the file holds it."""

    level: str
    types: list[str] = field(default_factory=list)
    required: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    type_keys: dict[str, set[str]] = field(default_factory=dict)
    dependents: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class TypeRow:
    """One resource type as the file holds it."""

    formats: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class ServiceRow:
    """One service as the file holds it, still open to merging."""

    title: str = ""
    page: str = ""
    actions: dict[str, ActionRow] = field(default_factory=dict)
    types: dict[str, TypeRow] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    undocumented: set[str] = field(default_factory=set)


class BrokenFile(ValueError):  # noqa: N818 - the name says what it is
    """The file is no catalogue that this version can read."""


def open_file(data: bytes) -> zipfile.ZipFile:
    """The opened catalogue."""
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as broken:
        raise BrokenFile("it is no zip file") from broken


# What zipfile, zlib and json raise on damaged bytes; an encrypted, foreign or endless member is a RuntimeError.
_DAMAGE = (
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def member_bytes(file: zipfile.ZipFile, name: str) -> bytes:
    """One member's text."""
    try:
        info = file.getinfo(name)
        if info.file_size > _LARGEST_MEMBER or info.compress_type not in _METHODS:
            raise BrokenFile(f"{name} is too large or packed in another way")
        return file.read(info)
    except _DAMAGE as broken:
        raise BrokenFile(f"{name} cannot be read") from broken


def member(file: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """One member's JSON object."""
    text = member_bytes(file, name)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as broken:
        raise BrokenFile(f"{name} is no JSON") from broken
    if not isinstance(data, dict):
        raise BrokenFile(f"{name} is no object")
    return data


def provenance(file: zipfile.ZipFile) -> dict[str, Any]:
    """Where the facts come from, with every field that is read later."""
    data = member(file, "provenance.json")
    if data.get("format") != FORMAT:
        raise BrokenFile("another format")
    counts, sources = data.get("counts"), data.get("sources")
    good = (
        _is_date(data.get("as_of"))
        and all(isinstance(data.get(name), str) for name in ("dependents", "sha256"))
        and isinstance(counts, dict)
        and {"services", "actions"} <= counts.keys()
        and all(isinstance(number, int) for number in counts.values())
        and isinstance(sources, list)
        and all(map(_is_source, sources))
    )
    if not good:
        raise BrokenFile("provenance.json lacks a field")
    return data


def _is_date(text: object) -> bool:
    return isinstance(text, str) and _DATE.fullmatch(text) is not None


def _is_source(row: object) -> bool:
    if not isinstance(row, dict) or not {"name", "version"} <= row.keys():
        return False
    return all(
        isinstance(row.get(name, ""), str | None) for name in ("name", "version", "date", "note")
    )


def index(file: zipfile.ZipFile) -> dict[str, Any]:
    """The table of contents."""
    data = member(file, "index.json")
    lists = [data.get(name) for name in ("services", "retired", "undocumented", "rcp")]
    maps = [data.get(name) for name in ("arns", "keys")]
    lists += [each for map_ in maps if isinstance(map_, dict) for each in map_.values()]
    good = all(isinstance(map_, dict) for map_ in maps) and all(
        isinstance(row, list) and all(isinstance(each, str) for each in row) for row in lists
    )
    if not good:
        raise BrokenFile("index.json lacks a field")
    return data


def service_data(file: zipfile.ZipFile, prefix: str) -> dict[str, Any]:
    """A service's member."""
    name = service_member(prefix)
    data = member(file, name)
    if any(not isinstance(value, _KINDS.get(key, object)) for key, value in data.items()):
        raise BrokenFile(f"{name} is of another form")
    return data


def verify(file: zipfile.ZipFile) -> None:
    """Read all of the file: every member the index names is there, and all are as they were packed."""
    infos = file.infolist()
    names = sorted(info.filename for info in infos if info.filename != "provenance.json")
    listed = index(file)
    prefixes = (*listed["services"], *listed["retired"], *listed["undocumented"])
    if (
        set(names) != {"index.json", *map(service_member, prefixes)}
        or len(infos) != len(names) + 1
    ):
        raise BrokenFile("it lacks a member, or has one too many")
    if sum(info.file_size for info in infos) > LARGEST_FILE:
        raise BrokenFile("it is too large")
    if _digest(member_bytes(file, name) for name in names) != provenance(file)["sha256"]:
        raise BrokenFile("its parts are not those that were packed")


def _digest(texts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def service_member(prefix: str) -> str:
    """The name of a service's member."""
    return f"s/{prefix}.json"


def key_template(text: str) -> str:
    """A condition key with every placeholder as `${Name}`; AWS writes `<key>`, too."""
    return re.sub(r"<(\w+)>", r"${\1}", text)


def arn_template(text: str) -> str:
    """An ARN format with every placeholder as `${Name}`; AWS forgets the dollar here and there."""
    return re.sub(r"(?<!\$)\{", "${", text)


def encode(row: ServiceRow) -> dict[str, Any]:
    """The member of a service."""
    sets: dict[tuple[str, ...], int] = {(): 0}

    def number(keys: Iterable[str]) -> int:
        return sets.setdefault(tuple(sorted(keys, key=str.lower)), len(sets))

    actions = {name: _action(row.actions[name], number) for name in sorted(row.actions)}
    types = {
        name: _trimmed([each.formats, number(each.keys)])
        for name, each in sorted(row.types.items())
    }
    member_: dict[str, Any] = {"n": row.title, "p": row.page, "k": [list(keys) for keys in sets]}
    member_ |= {"a": actions, "r": types, "c": dict(sorted(row.keys.items()))}
    member_ |= {"t": sorted(row.retired), "u": sorted(row.undocumented)}
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
    """A service's member as rows that can be merged."""
    sets = [set(keys) for keys in data.get("k", [[]])]
    actions = {}
    for name, row in data.get("a", {}).items():
        letter, types, own, type_keys, dependents = padded(row)
        actions[name] = ActionRow(
            level=LEVELS[letter],
            types=[each.rstrip("*") for each in types],
            required={each.rstrip("*") for each in types if each.endswith("*")},
            keys=set(sets[own]),
            type_keys={each: set(sets[at]) for each, at in type_keys.items()},
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
        retired=set(data.get("t", ())),
        undocumented=set(data.get("u", ())),
    )


def padded(row: list[Any]) -> list[Any]:
    """An action's row with the empty values at its end put back."""
    return [*row, *(["", [], 0, {}, []][len(row) :])]


def padded_type(row: list[Any]) -> list[Any]:
    """A resource type's row with the empty values at its end put back."""
    return [*row, *([[], 0][len(row) :])]


def pack(
    services: Mapping[str, ServiceRow], rcp: Iterable[str], provenance: Mapping[str, Any]
) -> bytes:
    """The whole file; equal facts give equal bytes."""
    bodies = {service_member(prefix): encode(row) for prefix, row in sorted(services.items())}
    bodies["index.json"] = _index(services, rcp)
    texts = {
        name: json.dumps(body, separators=(",", ":")).encode() for name, body in bodies.items()
    }
    total = _digest(texts[name] for name in sorted(texts))
    whole = dict(provenance) | {"format": FORMAT, "counts": count(services), "sha256": total}
    texts["provenance.json"] = json.dumps(whole, sort_keys=True).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in sorted(texts):
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            file.writestr(info, texts[name], compresslevel=9)
    return out.getvalue()


def count(services: Mapping[str, ServiceRow]) -> dict[str, int]:
    """How many of each kind of fact there are."""
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
    }


def _index(services: Mapping[str, ServiceRow], rcp: Iterable[str]) -> dict[str, Any]:
    arns: dict[str, set[str]] = {}
    keys: dict[str, set[str]] = {}
    for prefix, row in services.items():
        for each in row.types.values():
            for text in each.formats:
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
            p
            for p, row in services.items()
            if row.undocumented and not (row.actions or row.retired)
        ),
        "rcp": sorted(rcp),
        "arns": {field_: sorted(found) for field_, found in sorted(arns.items())},
        "keys": foreign,
    }
