"""The organization's policies over the principals of an account: which there are, and what of them holds for one principal.

AWS lets every level from the root down to the account take away, and all of them must allow. They are the management
account's to read, or a delegated administrator's; without them nothing is taken away, and the answer says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.organization.organization import (
    ORG_GUARDRAILS,
    ORG_TREE,
    ORGANIZATION,
)
from aws_iam.engine.evaluate import evaluate
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.account.collect.organization.organization import Organization, Tree, Unit
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Condition

Levels = tuple[tuple[str, ...], ...]
"""Documents by level, the root's first."""

_SERVICE, _RESOURCE = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
# AWS attaches it to every level and nobody can detach it, so that each level allows, whether it is listed or not:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
_RCP_FULL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)
_ORGANIZATION = "aws:principalorgid"
# What is known of a principal before it asks for anything.
_KNOWN = frozenset(
    {
        "aws:principalarn",
        "aws:principalaccount",
        _ORGANIZATION,
        "aws:principalisawsservice",
        "aws:principaltype",
        "aws:username",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The organization's policies over an account."""

    services: Levels = ()
    """Service control policies: what the account's principals may have at most."""
    resources: Levels = ()
    """Resource control policies: what others may be given at most, here the account's roles."""
    told: str
    """Which they are, or why there are none."""
    organization: str | None = ""
    """The organization's id; empty where that is not known, None where the account is in none."""


def guardrails(account: Account) -> Guardrails:
    """The policies over the account, where the snapshot has them."""
    try:
        organization = account.require(ORGANIZATION)
    except NotCollected as missing:
        return _unknown(missing.message)
    if organization is None:
        return Guardrails(told="none: the account is in no organization", organization=None)
    try:
        found = _guardrails(account, organization)
    except NotCollected as missing:
        found = _unknown(missing.message)
    return replace(found, organization=organization.id)


def _guardrails(account: Account, organization: Organization) -> Guardrails:
    if organization.management_account == account.id:
        # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        return Guardrails(told="none: they do not bind the management account")
    if organization.feature_set == "CONSOLIDATED_BILLING":
        return Guardrails(told="none: the organization has consolidated billing only")
    tree = account.require(ORG_TREE)
    way = _way(account.id, tree)
    if not way:
        return _unknown("the account is not in the organization's tree")
    enabled = next(unit.policy_types for unit in tree.units if unit.id == way[0])
    over = [
        _Over(
            name=policy.name,
            type=policy.type,
            places=known(policy.targets),
            document=known(policy.document),
        )
        for policy in account.require(ORG_GUARDRAILS)
        if policy.type in enabled
    ]
    for policy in over:
        if policy.document is None and set(way) & set(policy.places):
            return _unknown(f"AWS did not send policy {quoted(policy.name)}")
    names = [quoted(policy.name) for policy in over if set(way) & set(policy.places)]
    return Guardrails(
        services=_levels(over, _SERVICE, way),
        resources=tuple((*level, _RCP_FULL) for level in _levels(over, _RESOURCE, way)),
        told=joined(sorted(names)) if names else "none",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Over:
    """A policy that was read whole."""

    name: str
    type: str
    places: tuple[str, ...]
    document: str | None


def _way(account: str, tree: Tree) -> tuple[str, ...]:
    """The ids from the root down to the account; empty where the tree does not have it."""
    units: Mapping[str, Unit] = {unit.id: unit for unit in tree.units}
    parent = next((member.parent for member in tree.members if member.id == account), None)
    way = [account]
    while parent is not None and parent not in way:
        if parent not in units:
            return ()
        way.append(parent)
        parent = units[parent].parent
    return tuple(reversed(way)) if len(way) > 1 else ()


def _levels(listed: Sequence[_Over], kind: str, way: Sequence[str]) -> Levels:
    """The documents of a kind at each level; none at all where the kind is not enabled."""
    mine = [policy for policy in listed if policy.type == kind]
    if not mine:
        return ()
    return tuple(
        tuple(policy.document or "" for policy in mine if place in policy.places) for place in way
    )


def _unknown(why: str) -> Guardrails:
    return Guardrails(told=f"not considered: {why}")


def for_principal(levels: Levels, arn: str, organization: str | None) -> Levels:
    """The levels as they are for one principal: a condition that asks for nothing but who it is, is met or is not."""
    return tuple(
        tuple(settled(text, arn, organization, Kind.SCP) for text in level) for level in levels
    )


def settled(text: str, arn: str, organization: str | None, kind: Kind) -> str:
    """A policy as it is for one principal."""
    document, asked = _of_callers(text, kind, knows_organization=organization != "")
    if not any(asked):
        return text
    left: list[Any] = []
    for given, is_asked in zip(document["Statement"], asked, strict=True):
        met = _is_met(given["Condition"], arn, organization) if is_asked else None
        if met is None:
            left.append(given)
        elif met:
            left.append({name: value for name, value in given.items() if name != "Condition"})
    return json.dumps({**document, "Statement": left})


# Every principal of an account has the same policies over it, and many the same managed ones.
@lru_cache(maxsize=1_024)
def _of_callers(
    text: str, kind: Kind, *, knows_organization: bool
) -> tuple[dict[str, Any], tuple[bool, ...]]:
    """A document with its list of statements, and which of them ask for nothing but the caller."""
    try:
        statements = one_policy(text, kind).statements
    except InputError:
        return {}, ()
    known = _KNOWN if knows_organization else _KNOWN - {_ORGANIZATION}
    asked = tuple(_is_of_the_caller(statement.conditions, known) for statement in statements)
    if not any(asked):
        return {}, ()
    document = json.loads(text)
    written = document["Statement"]
    listed = written if isinstance(written, list) else [written]
    if len(listed) != len(asked):
        # Something else stands between the statements; AWS would not have taken it.
        return {}, ()
    return {**document, "Statement": listed}, asked


def _is_of_the_caller(conditions: Sequence[Condition], known: frozenset[str]) -> bool:
    return bool(conditions) and all(condition.name in known for condition in conditions)


def _is_met(condition: Any, arn: str, organization: str | None) -> bool | None:
    """Whether the policy engine finds the condition met in a request of the principal; None where it cannot tell."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    request = {
        "principal": arn,
        "action": "ec2:DescribeVpcs",
        "resource": "*",
        "context": {"aws:PrincipalOrgID": organization} if organization else {},
    }
    identity = {"identity": [{"Version": "2012-10-17", "Statement": [statement]}]}
    try:
        outcome = evaluate(request, identity).outcome
    except InputError:
        # Not an ARN of AWS's: only a snapshot that somebody wrote has such a name.
        return None
    return None if outcome == "Unknown" else outcome == "Allowed"
