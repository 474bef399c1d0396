"""Small snapshots from JSON: fields that do not matter are left out, times are written as `45 days ago`.

`facts_of` makes the facts of an account from users, groups and roles with statements, and policies by name.
"""

from __future__ import annotations

import json
import re
import types
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.collect.fact import AccountFact, Fact, Held, Miss, MissKind
from aws_iam.account.collect.identity.account_contacts import AccountContact
from aws_iam.account.collect.identity.account_summary import Summary
from aws_iam.account.collect.identity.authorization import Authorization
from aws_iam.account.collect.identity.credential_report import CredentialReport
from aws_iam.account.collect.logging.cloudtrail import Trails
from aws_iam.account.collect.organization.organization import Tree
from aws_iam.account.collect.storage.buckets import PublicAccessBlock
from aws_iam.account.collect.storage.volumes import EbsDefault
from aws_iam.account.reading.snapshot import Account, account_of
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.audit.controls.benchmark import benchmark

CONTROLS = len(benchmark().controls)
"""How many controls the newest version has."""
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_AGO = re.compile(r"(\d+) (days?|hours?) ago")
_EMPTY: dict[Any, Any] = {
    Summary: Summary(root_mfa=False),
    CredentialReport: CredentialReport(generated_at=NOW, rows=()),
    Authorization: Authorization(),
    AccountContact: AccountContact(),
    PublicAccessBlock: PublicAccessBlock(),
    EbsDefault: EbsDefault(encrypted=False),
    Tree: Tree(),
    Trails: Trails(),
}


def snapshot(facts: dict[str, Any], **options: Any) -> Account:
    """The account with these facts; a Region's fact is an object by Region."""
    held = [
        Held(fact=FACTS[name], region=region, value=made(FACTS[name].of, value))
        for name, given in facts.items()
        for region, value in (
            {"": given} if isinstance(FACTS[name], AccountFact) else given
        ).items()
    ]
    return account_of(*held, **options, collected_at=NOW)


def empty(**options: Any) -> Account:
    """An account in which everything was read and nothing is there."""
    return _everything(_nothing, **options)


def refused(**options: Any) -> Account:
    """An account in which every call was refused."""
    return _everything(lambda fact: denied(f"{fact.name.partition('.')[0]}:Read"), **options)


def denied(permission: str) -> Miss:
    """A refused call."""
    return Miss(
        kind=MissKind.DENIED,
        call=permission,
        code="AccessDenied",
        permission=permission,
    )


def made(of: Any, data: Any) -> Any:
    """The value of a type from short data."""
    if isinstance(data, dict) and set(data) == {"denied"}:
        return denied(data["denied"])
    if data is None or isinstance(data, Miss):
        return data
    origin = get_origin(of)
    if origin in (Union, types.UnionType):
        return made(next(o for o in get_args(of) if o not in (type(None), Miss)), data)
    if origin is tuple:
        kinds = get_args(of)
        of_entries = [kinds[0]] * len(data) if kinds[-1] is ... else kinds
        return tuple(made(kind, item) for kind, item in zip(of_entries, data, strict=True))
    if is_dataclass(of) and isinstance(of, type):
        hints = _hints(of)
        assert data.keys() <= hints.keys(), data.keys() - hints.keys()
        return of(**{name: made(hints[name], value) for name, value in data.items()})
    return _SCALARS.get(of, lambda value: value)(data)


@cache
def _hints(of: Any) -> dict[str, Any]:
    """The types of the fields."""
    hints = get_type_hints(of)
    return {field.name: hints[field.name] for field in fields(of)}


def _time(text: str) -> datetime:
    ago = _AGO.fullmatch(text)
    if not ago:
        return datetime.fromisoformat(text)
    number = int(ago[1])
    return NOW - (timedelta(days=number) if ago[2].startswith("day") else timedelta(hours=number))


_SCALARS: dict[Any, Any] = {MissKind: MissKind, datetime: _time}


def _everything(
    value: Any, *, regions: tuple[str, ...] = ("us-east-1",), **options: Any
) -> Account:
    held = [
        Held(fact=fact, region=region, value=value(fact))
        for fact in FACTS.values()
        for region in (("",) if isinstance(fact, AccountFact) else regions)
    ]
    return account_of(*held, regions=regions, **options, collected_at=NOW)


def _nothing(fact: Fact[Any]) -> Any:
    if get_origin(fact.of) is tuple:
        return ()
    return _EMPTY.get(fact.of)


ACCOUNT = "111122223333"


def arn(name: str, account: str = ACCOUNT) -> str:
    """The ARN of a user, group, role or policy, such as `user/ann`."""
    return f"arn:aws:iam::{account}:{name}"


def policy(statements: Any) -> str:
    """The text of a policy with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _identity(kind: str, given: dict[str, Any], account: str) -> dict[str, Any]:
    made = dict(given)
    made["arn"] = arn(f"{kind}{given.get('path', '/')}{given['name']}", account)
    made["inline"] = [
        {"name": f"p{number}", "document": policy(document)}
        for number, document in enumerate(given.get("inline", ()))
    ]
    made["attached"] = [
        {"name": name, "arn": arn(f"policy/{name}", account)} for name in given.get("attached", ())
    ]
    if "boundary" in given:
        made["boundary"] = arn(f"policy/{given['boundary']}", account)
    if kind == "role":
        made["trust"] = policy(given.get("trust", []))
    return made


def facts_of(case: dict[str, Any], account: str = ACCOUNT) -> dict[str, Any]:
    """The facts of the account, for a snapshot; without an organization, unless the case has one."""
    found = {
        f"{kind}s": [_identity(kind, principal, account) for principal in case.get(f"{kind}s", ())]
        for kind in ("user", "group", "role")
    }
    versions: dict[str, Any] = case.get("versions", {})
    policies = [
        {
            "name": name,
            "arn": arn(f"policy/{name}", account),
            "document": None if document is None else policy(document),
            "versions": [
                {"id": f"v{number}", "document": policy(other)}
                for number, other in enumerate(versions[name], 1)
            ]
            if name in versions
            else None,
        }
        for name, document in case.get("policies", {}).items()
    ]
    base: dict[str, Any] = {
        "iam.credential_report": {"generated_at": "0 days ago", "rows": []},
        "iam.last_accessed": {},
        "iam.virtual_mfa": [],
        "organizations.organization": None,
    }
    return base | {"iam.authorization": found | {"policies": policies}} | case.get("facts", {})


def facts_with_use(case: dict[str, Any]) -> dict[str, Any]:
    """The facts of an account whose principals used something: `used` has services and actions of each, with the last use.

    A policy whose name begins with AWS is AWS's, one that is an object a whole document. `credentials` has what the
    credential report says of a user, null where it does not list it.
    """
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
        {"arn": arn(name), "services": _used_services(uses)}
        for name, uses in case.get("used", {}).items()
    ]
    credentials = case.get("credentials", {})
    reported = [
        {"user": user["name"], "arn": user["arn"], **of_user}
        for user in authorization["users"]
        if (of_user := credentials.get(f"user/{user['name']}", {})) is not None
    ]
    found |= {
        "iam.last_accessed": {"identities": identities},
        "iam.credential_report": {"generated_at": "0 days ago", "rows": reported},
    }
    return found | case.get("facts", {})


def _used_services(uses: dict[str, str | None]) -> list[dict[str, Any]]:
    uses = dict(uses)
    if "*" in uses:
        every = dict.fromkeys(sorted(catalog().services), uses.pop("*"))
        uses = every | uses
    services = {name: last for name, last in uses.items() if ":" not in name}
    actions: dict[str, list[dict[str, Any]]] = {service: [] for service in services}
    for name, last in uses.items():
        service, colon, action = name.partition(":")
        if colon and service in actions:
            actions[service].append({"name": action, "last_used": last})
    return [
        {"service": service, "last_used": last, "actions": actions[service]}
        for service, last in services.items()
    ]
