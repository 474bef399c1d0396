"""The file format of the catalogue: a zip with one small JSON member per service.

    index.json         {"services": [prefix], "retired": [prefix], "undocumented": [prefix], "rcp": [prefix],
                        "arns": {service field of an ARN: [prefixes with such a resource type]},
                        "keys": {part before a key's first colon: [prefixes that define such keys]}}
    provenance.json    {"format", "as_of", "sources": [{name, version, date, …}], "counts", "hashes", …}
    s/PREFIX.json      {"n": title, "p": page of the reference, or several with spaces,
                        "k": [[key, …], …],    the sets of condition keys; elsewhere a set is its number here
                        "a": {Action: [level's letter, [type, type*, …], set, {type: set}, [dependent action]]},
                        "r": {type: [[ARN format], set]}, "c": {key: type},
                        "t": {retired action: day on which a source last listed it, or ""}, "u": [undocumented action],
                        "f": {former condition key: day on which a source last listed it}}

A type with `*` takes part in every authorization. Empty values at the end of a row are omitted.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 2
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
# A member has a few dozen kilobytes; a larger one does not come from this module.
_LARGEST_MEMBER = 8_000_000
LARGEST_FILE = 64_000_000
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The JSON types of a service's member.
_JSON_TYPES: Mapping[str, type] = {
    "n": str,
    "p": str,
    "k": list,
    "a": dict,
    "r": dict,
    "c": dict,
    "t": dict,
    "u": list,
}


class BrokenFile(ValueError):  # noqa: N818 - the name says what it is
    """The file is not a catalogue that this version can read."""


def open_file(data: bytes) -> zipfile.ZipFile:
    """The opened catalogue."""
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as broken:
        raise BrokenFile("it is not a zip file") from broken


# What zipfile, zlib and json raise for damaged bytes; RuntimeError is for encrypted members.
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
    """The bytes of a member."""
    try:
        info = file.getinfo(name)
        if info.file_size > _LARGEST_MEMBER or info.compress_type not in _METHODS:
            raise BrokenFile(f"{name} is too large or compressed with another method")
        return file.read(info)
    except _DAMAGE as broken:
        raise BrokenFile(f"{name} cannot be read") from broken


def member(file: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """The JSON object of a member."""
    text = member_bytes(file, name)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as broken:
        raise BrokenFile(f"{name} is not JSON") from broken
    if not isinstance(data, dict):
        raise BrokenFile(f"{name} is not a JSON object")
    return data


def provenance(file: zipfile.ZipFile) -> dict[str, Any]:
    """Where the data comes from; every field that is read later is checked."""
    data = member(file, "provenance.json")
    if data.get("format") != FORMAT:
        raise BrokenFile("it has another format")
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
    lists += [row for map_ in maps if isinstance(map_, dict) for row in map_.values()]
    good = all(isinstance(map_, dict) for map_ in maps) and all(
        isinstance(row, list) and all(isinstance(text, str) for text in row) for row in lists
    )
    if not good:
        raise BrokenFile("index.json lacks a field")
    return data


def service_data(file: zipfile.ZipFile, prefix: str) -> dict[str, Any]:
    """The member of a service."""
    name = service_member(prefix)
    data = member(file, name)
    if any(not isinstance(value, _JSON_TYPES.get(key, object)) for key, value in data.items()):
        raise BrokenFile(f"{name} has another form")
    return data


def service_member(prefix: str) -> str:
    """The name of the member of a service."""
    return f"s/{prefix}.json"


def padded(row: list[Any]) -> list[Any]:
    """An action's row with the empty values at its end put back."""
    return [*row, *(["", [], 0, {}, []][len(row) :])]


def padded_type(row: list[Any]) -> list[Any]:
    """A resource type's row with the empty values at its end put back."""
    return [*row, *([[], 0][len(row) :])]
