"""The organization's policies that apply to an account, and what they mean for one principal.

Every level from the root down to the account must allow a request. Only the management account or a delegated administrator
can read these policies; without them they are not considered, and the answer says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.organization.organization import (
    ORG_GUARDRAILS,
    ORG_TREE,
    ORGANIZATION,
)
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.account.collect.organization.organization import Organization, Tree, Unit
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Condition

Levels = tuple[tuple[str, ...], ...]
"""Policy documents by level, starting at the root."""

Tags = Mapping[str, str]

NOT_CONSIDERED = "not considered: "
"""How a summary begins of policies that could not be read."""
_SCP_TYPE, _RCP_TYPE = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
# AWS attaches it to every level and nobody can detach it, so every level allows, whether AWS lists it or not:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
_RCP_FULL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)
_ORGANIZATION = "aws:principalorgid"
_TAG = "aws:principaltag/"
_NOTHING_LEFT = '"Statement": []}'
# The keys whose values are known for a principal, whatever it requests.
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


@slotted
class Guardrails:
    """The organization's policies that apply to an account."""

    scps: Levels = ()
    """Service control policies, which limit the account's principals."""
    rcps: Levels = ()
    """Resource control policies, which limit access to the account's resources, here its roles."""
    summary: str
    """Their names, or why there are none."""
    organization: str | None = ""
    """The organization's id; empty if unknown, None if the account is in no organization."""


def guardrails(account: Account) -> Guardrails:
    """The policies that apply to the account, if the snapshot has them."""
    try:
        organization = account.require(ORGANIZATION)
    except NotCollected as missing:
        return _unknown(missing.message)
    if organization is None:
        return Guardrails(summary="none: the account is in no organization", organization=None)
    try:
        found = _guardrails(account, organization)
    except NotCollected as missing:
        found = _unknown(missing.message)
    return replace(found, organization=organization.id)


def _guardrails(account: Account, organization: Organization) -> Guardrails:
    if organization.management_account == account.id:
        # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        return Guardrails(summary="none: they do not apply to the management account")
    if organization.feature_set == "CONSOLIDATED_BILLING":
        return Guardrails(summary="none: the organization has consolidated billing only")
    tree = account.require(ORG_TREE)
    ancestors = _ancestors(account.id, tree)
    if not ancestors:
        return _unknown("the account is not in the organization's tree")
    enabled = next(unit.policy_types for unit in tree.units if unit.id == ancestors[0])
    policies_read = [
        _ReadPolicy(
            name=policy.name,
            type=policy.type,
            places=known(policy.targets),
            document=known(policy.document),
        )
        for policy in account.require(ORG_GUARDRAILS)
        if policy.type in enabled
    ]
    for policy in policies_read:
        if policy.document is None and set(ancestors) & set(policy.places):
            return _unknown(f"AWS did not send policy {quoted(policy.name)}")
    names = [
        quoted(policy.name) for policy in policies_read if set(ancestors) & set(policy.places)
    ]
    return Guardrails(
        scps=_levels(policies_read, _SCP_TYPE, ancestors),
        rcps=tuple((*level, _RCP_FULL) for level in _levels(policies_read, _RCP_TYPE, ancestors)),
        summary=joined(sorted(names)) if names else "none",
    )


@slotted
class _ReadPolicy:
    """A policy with its targets and document."""

    name: str
    type: str
    places: tuple[str, ...]
    document: str | None


def _ancestors(account: str, tree: Tree) -> tuple[str, ...]:
    """The ids from the root down to the account; empty if the tree lacks the account."""
    units: Mapping[str, Unit] = {unit.id: unit for unit in tree.units}
    parent = next((member.parent for member in tree.members if member.id == account), None)
    ancestors = [account]
    while parent is not None and parent not in ancestors:
        if parent not in units:
            return ()
        ancestors.append(parent)
        parent = units[parent].parent
    return tuple(reversed(ancestors)) if len(ancestors) > 1 else ()


def _levels(listed: Sequence[_ReadPolicy], kind: str, ancestors: Sequence[str]) -> Levels:
    """The documents of one type at each level; empty if the type is not enabled."""
    mine = [policy for policy in listed if policy.type == kind]
    if not mine:
        return ()
    return tuple(
        tuple(policy.document or "" for policy in mine if place in policy.places)
        for place in ancestors
    )


def _unknown(why: str) -> Guardrails:
    return Guardrails(summary=f"{NOT_CONSIDERED}{why}")


def levels_for_principal(
    levels: Levels, arn: str, organization: str | None, tags: Tags | None = None
) -> Levels:
    """The levels for one principal: conditions on nothing but the principal are decided."""
    return tuple(
        tuple(policy_for_principal(text, arn, organization, Kind.SCP, tags) for text in level)
        for level in levels
    )


def policy_for_principal(
    text: str, arn: str, organization: str | None, kind: Kind, tags: Tags | None = None
) -> str:
    """The policy for one principal, without the conditions that are decided and the statements that fail them.

    `tags` are those of the principal, None where they are not known.
    """
    document, decidable = _split_by_caller(
        text, kind, organization_is_known=organization != "", tags_are_known=tags is not None
    )
    if not any(decidable):
        return text
    context = {"aws:PrincipalOrgID": organization} if organization else {}
    context |= {f"aws:PrincipalTag/{key}": value for key, value in (tags or {}).items()}
    left: list[Any] = []
    for given, is_decidable in zip(document["Statement"], decidable, strict=True):
        met = _is_met(given["Condition"], arn, context) if is_decidable else None
        if met is None:
            left.append(given)
        elif met:
            left.append({name: value for name, value in given.items() if name != "Condition"})
    return json.dumps({**document, "Statement": left})


def says_nothing(text: str) -> bool:
    """Whether all statements of a policy fail for one principal, so that none is left."""
    return text.endswith(_NOTHING_LEFT)


# The principals of an account share these policies, and many of them managed policies too.
@lru_cache(maxsize=1_024)
def _split_by_caller(
    text: str, kind: Kind, *, organization_is_known: bool, tags_are_known: bool
) -> tuple[dict[str, Any], tuple[bool, ...]]:
    """A document with its statements as a list, and which of them have conditions on nothing but the caller."""
    try:
        statements = one_policy(text, kind).statements
    except InputError:
        return {}, ()
    known = _KNOWN if organization_is_known else _KNOWN - {_ORGANIZATION}
    decidable = tuple(
        _asks_only_caller(statement.conditions, known, tags_are_known=tags_are_known)
        for statement in statements
    )
    if not any(decidable):
        return {}, ()
    document = json.loads(text)
    written = document["Statement"]
    listed = written if isinstance(written, list) else [written]
    if len(listed) != len(decidable):
        # Some entries are not statements; AWS would not have stored such a document.
        return {}, ()
    return {**document, "Statement": listed}, decidable


def _asks_only_caller(
    conditions: Sequence[Condition], known: frozenset[str], *, tags_are_known: bool
) -> bool:
    return bool(conditions) and all(
        condition.name in known or (tags_are_known and condition.name.startswith(_TAG))
        for condition in conditions
    )


def _is_met(condition: Any, arn: str, context: Mapping[str, str]) -> bool | None:
    """Whether the principal meets the condition; None if the engine cannot tell."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    request = {
        "principal": arn,
        "action": "ec2:DescribeVpcs",
        "resource": "*",
        "context": dict(context),
    }
    identity = {"identity": [{"Version": "2012-10-17", "Statement": [statement]}]}
    try:
        outcome = evaluate(request, identity).outcome
    except InputError:
        # The ARN is malformed, which happens only in a snapshot written by hand.
        return None
    return None if outcome == "Unknown" else outcome == "Allowed"
