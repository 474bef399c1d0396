"""Accounts whose principals used something, from short data: `used` has the days of services and `service:Action`s by principal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.engine.reference.catalog import catalog
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def facts(case: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the account; a policy whose name begins with AWS is AWS's, one that is an object a whole document."""
    policies = case.get("policies", {})
    plain = {name: [] if isinstance(own, dict) else own for name, own in policies.items()}
    found = facts_of({**case, "policies": plain, "facts": {}})
    authorization = found["iam.authorization"]
    for policy in authorization["policies"]:
        own = policies[policy["name"]]
        if isinstance(own, dict):
            policy["document"] = json.dumps(own)
    holders = [own for kind in ("users", "roles", "groups") for own in authorization[kind]]
    for named in (*authorization["policies"], *(at for own in holders for at in own["attached"])):
        if named["name"].startswith("AWS"):
            named["arn"] = f"arn:aws:iam::aws:policy/{named['name']}"
    identities = [
        {"arn": arn(name), "services": _services(uses)}
        for name, uses in case.get("used", {}).items()
    ]
    return found | {"iam.last_accessed": {"identities": identities}} | case.get("facts", {})


def _services(uses: Mapping[str, str | None]) -> list[dict[str, Any]]:
    uses = dict(uses)
    if "*" in uses:
        every = dict.fromkeys(sorted(catalog().services), uses.pop("*"))
        uses = every | uses
    services = {name: last for name, last in uses.items() if ":" not in name}
    return [
        {
            "service": service,
            "last_used": last,
            "actions": [
                {"name": name.partition(":")[2], "last_used": day}
                for name, day in uses.items()
                if name.startswith(f"{service}:")
            ],
        }
        for service, last in services.items()
    ]


def saved(case: Mapping[str, Any], folder: Path) -> Path:
    """A snapshot of the account as a file."""
    file = folder / "account.json"
    snapshots.save(snapshot(facts(case)), file)
    return file


def events(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of a case: caller, source, name, parameters."""
    return [
        {
            "eventSource": source,
            "eventName": name,
            "awsRegion": "eu-west-1",
            "recipientAccountId": ACCOUNT,
            "eventType": "AwsApiCall",
            "eventID": f"e{number}",
            "userIdentity": _caller(caller),
            "requestParameters": parameters,
        }
        for number, (caller, source, name, parameters) in enumerate(case["events"])
    ]


def _caller(name: str) -> dict[str, Any]:
    kind, _, own = name.partition("/")
    if kind == "user":
        return {"type": "IAMUser", "arn": arn(name), "accountId": ACCOUNT}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{own}/s"
    issuer = {"type": "Role", "arn": arn(name)}
    return {"type": "AssumedRole", "arn": session, "sessionContext": {"sessionIssuer": issuer}}
