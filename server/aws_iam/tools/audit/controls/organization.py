"""CIS controls on the account's organization."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.compute.instances import INSTANCES
from aws_iam.account.collect.fact import known
from aws_iam.account.collect.organization.organization import (
    ORG_DELEGATION,
    ORG_GUARDRAILS,
    ORG_SERVICES,
    ORG_TREE,
    ORGANIZATION,
)
from aws_iam.account.collect.organization.root_features import ROOT_FEATURES
from aws_iam.account.collect.storage.databases import DB_INSTANCES
from aws_iam.account.collect.storage.volumes import FILE_SYSTEMS
from aws_iam.engine.language import pattern
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.on_account import policy_of, where_offered
from aws_iam.rules.outcomes import Fail, Manual, NotApplicable, Outcome, Pass
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import AccountFact
    from aws_iam.account.collect.organization.organization import Guardrail, Organization, Tree
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Statement

T = TypeVar("T")
_ALONE = "the account is not in an organization"
_POLICY_ACTIONS = tuple(f"organizations:{verb}Policy" for verb in ("Create", "Update", "Attach"))
_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::.*)?")


@control("org_root_centralised", needs=(ORGANIZATION, ROOT_FEATURES))
def root_features(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Root sessions are a separate, optional feature; root_mfa and root_no_access_key cover the root credentials that members still have."""
    organization = account.require(ORGANIZATION)
    features = _reserved(account, organization, ROOT_FEATURES) if organization else None
    if organization is None or features is None:
        yield NotApplicable(None, _ALONE)
    elif "RootCredentialsManagement" in features.features:
        yield Pass(organization.id, "root credentials of member accounts are managed centrally")
    else:
        why = "" if features.trusted_access else ": trusted access for IAM is off"
        yield Fail(
            organization.id, f"root credentials of member accounts are not managed centrally{why}"
        )


@control("org_guardrails", needs=(ORGANIZATION, ORG_TREE, ORG_GUARDRAILS))
def guardrails(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """AWS's full-access policies restrict nothing, and neither SCPs nor RCPs apply to the management account.

    False alarm when the guardrails were attached after the snapshot was taken.
    """
    organization = account.require(ORGANIZATION)
    if organization is None:
        yield NotApplicable(None, _ALONE)
        return
    tree = _reserved(account, organization, ORG_TREE)
    policies = _reserved(account, organization, ORG_GUARDRAILS)
    own = [policy for policy in policies if not policy.aws_managed]
    members = {
        member.id
        for member in tree.members
        if member.status == "ACTIVE" and member.id != organization.management_account
    }
    # An SCP and an RCP may share a name.
    missed = [(policy.name, len(members - _covered(policy, tree))) for policy in own]
    message = ", ".join(
        f"{quoted(name)} misses {n} of {len(members)} accounts" for name, n in missed
    )
    if not own:
        yield Fail(organization.id, "the organization has no SCP and no RCP of its own")
    elif members and all(n for _, n in missed):
        yield Fail(organization.id, f"no SCP or RCP reaches every active member: {message}")
    else:
        yield Manual(organization.id, terms.question(message))


@control("org_mgmt_no_workloads", needs=(ORGANIZATION, INSTANCES, DB_INSTANCES, FILE_SYSTEMS))
def management_account(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The evidence is what other controls have read; a person decides whether it is a workload or serves governance."""
    organization = account.require(ORGANIZATION)
    if organization is None:
        yield NotApplicable(None, _ALONE)
    elif organization.management_account != account.id:
        yield NotApplicable(None, "this is not the management account")
    else:
        instances = sum(len(known(value)) for _, value in where_offered(account, INSTANCES))
        databases = sum(len(known(value)) for _, value in where_offered(account, DB_INSTANCES))
        systems = sum(len(known(value)) for _, value in where_offered(account, FILE_SYSTEMS))
        message = f"instances: {instances}, databases: {databases}, file systems: {systems}"
        yield Manual(account.root_arn, terms.question(f"in this management account {message}"))


@control("org_ou_structure", needs=(ORGANIZATION, ORG_TREE))
def units(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """The owner chooses the names of the units, so nothing is inferred from them."""
    organization = account.require(ORGANIZATION)
    if organization is None:
        yield NotApplicable(None, _ALONE)
        return
    tree = _reserved(account, organization, ORG_TREE)
    roots = {unit.id for unit in tree.units if unit.parent is None}
    counts = [
        f"{quoted(unit.name)}: {sum(member.parent == unit.id for member in tree.members)}"
        for unit in tree.units
        if unit.parent is not None
    ]
    loose = sum(member.parent in roots for member in tree.members)
    listed = ", ".join(counts) or "the organization has no organizational unit"
    message = f"accounts by unit: {listed}; directly under the root: {loose}"
    yield Manual(organization.id, terms.question(message))


@control("org_delegated_policy_admin", needs=(ORGANIZATION, ORG_DELEGATION))
def policy_delegation(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Policy management is delegated by a resource policy, not by registering a delegated administrator."""
    organization = account.require(ORGANIZATION)
    if organization is None:
        yield NotApplicable(None, _ALONE)
        return
    text = _reserved(account, organization, ORG_DELEGATION)
    if text is None:
        yield Fail(organization.id, "the organization has no delegation policy")
        return
    statements = policy_of(text, "organizations:DescribeResourcePolicy").statements
    named = {
        name for statement in statements if _manages(statement) for name in _accounts(statement)
    }
    members = sorted(named - {organization.management_account})
    if members:
        names = f"account{'s' if len(members) > 1 else ''} {', '.join(members)}"
        message = f"{names} can manage the organization's policies"
        yield Pass(organization.id, terms.question(message))
    else:
        yield Fail(organization.id, "the delegation policy lets no member account manage policies")


@control("org_delegated_service_admin", needs=(ORGANIZATION, ORG_SERVICES))
def service_delegation(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Not every service supports a delegated administrator: for a service without one, a person looks it up in AWS's table."""
    organization = account.require(ORGANIZATION)
    if organization is None:
        yield NotApplicable(None, _ALONE)
        return
    services = _reserved(account, organization, ORG_SERVICES)
    if not services:
        yield NotApplicable(None, "no service has trusted access")
    for service in services:
        delegated = sorted(set(service.administrators) - {organization.management_account})
        message = f"{quoted(service.service)} has trusted access"
        if delegated:
            names = ", ".join(map(quoted, delegated))
            yield Pass(
                service.service, terms.question(f"{message} and is administered by {names}")
            )
        else:
            undelegated = "but no delegated administrator; look up whether it supports one"
            yield Manual(service.service, f"{message} {undelegated}")


def _reserved(account: Account, organization: Organization, fact: AccountFact[T]) -> T:
    """The fact; where a member account is refused, the error names the account to run from."""
    try:
        return account.require(fact)
    except NotCollected as missing:
        if organization.management_account == account.id:
            raise
        manager = organization.management_account
        said = f"{missing.message}; run from the management account {manager} or a delegated administrator"
        raise missing.reworded(said) from None


def _covered(policy: Guardrail, tree: Tree) -> set[str]:
    """The accounts that the policy applies to: directly, or through a unit or root above them."""
    targets = set(known(policy.targets))
    parents = {unit.id: unit.parent for unit in tree.units}
    enabled = {
        unit.id for unit in tree.units if unit.parent is None and policy.type in unit.policy_types
    }
    reached: set[str] = set()
    for member in tree.members:
        chain = [member.id, member.parent]
        # If a broken answer makes a unit its own ancestor, the walk ends at the first repeat.
        while (above := parents.get(chain[-1])) and above not in chain:
            chain.append(above)
        if targets & set(chain) and chain[-1] in enabled:
            reached.add(member.id)
    return reached


def _manages(statement: Statement) -> bool:
    return statement.allows and any(
        pattern.matches(action.value, policy_action, ignore_case=True)
        for action in statement.actions
        for policy_action in _POLICY_ACTIONS
    )


def _accounts(statement: Statement) -> Iterator[str]:
    for principal in statement.principals:
        match = _ACCOUNT.fullmatch(principal.value)
        if match:
            yield match[1]
