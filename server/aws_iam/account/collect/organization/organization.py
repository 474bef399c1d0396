"""AWS Organizations: the organization, its tree, its SCPs and RCPs, and who administers what.

Only the management account or a delegated administrator may read all but the first: refused to a member, they
are a miss that names the management account.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, RefusedError, many, maybe, one

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The organization that the account is in."""

    id: str
    management_account: str
    feature_set: str = ""
    analyzers_read: tuple[str, ...] = ()
    """The Regions in which every account that may hold an analyzer of the organization was read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedService:
    """A service with trusted access, and the accounts that administer it by delegation."""

    service: str
    administrators: tuple[str, ...] = ()


# https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-settings.html
ANALYZER_SERVICE = "access-analyzer.amazonaws.com"


def administrators_of(services: tuple[TrustedService, ...], service: str) -> tuple[str, ...]:
    """The accounts that administer the service by delegation."""
    return tuple(
        name for each in services if each.service == service for name in each.administrators
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account of the organization and the unit or root that holds it."""

    id: str
    name: str
    parent: str
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A root (`parent` None, with its enabled policy types) or an organizational unit."""

    id: str
    name: str
    parent: str | None = None
    policy_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The organization's roots, units and accounts."""

    units: tuple[Unit, ...] = ()
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """An SCP or RCP (`SERVICE_CONTROL_POLICY`, `RESOURCE_CONTROL_POLICY`) with its direct targets."""

    id: str
    name: str
    type: str
    aws_managed: bool = False
    targets: tuple[str, ...] | Miss = ()
    document: str | Miss | None = None


ORGANIZATION = maybe("organizations.organization", Organization)
ORG_DELEGATION = maybe("organizations.resource_policy", str)
"""The JSON text of the organization's delegation policy."""
ORG_SERVICES = many("organizations.services", TrustedService)
ORG_TREE = one("organizations.tree", Tree)
ORG_GUARDRAILS = many("organizations.guardrails", Guardrail)
T = TypeVar("T")
ROOTS = "organizations:ListRoots"
UNITS = "organizations:ListOrganizationalUnitsForParent"
MEMBERS = "organizations:ListAccountsForParent"
POLICIES = "organizations:ListPolicies"
TARGETS = "organizations:ListTargetsForPolicy"
POLICY = "organizations:DescribePolicy"
DELEGATED = "organizations:ListDelegatedServicesForAccount"
_KINDS = ("RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY")


@collector(ORGANIZATION, "organizations:DescribeOrganization")
def organization(aws: Aws) -> Organization | None:
    """The organization; None when the account stands alone."""
    answer = aws.get(
        "organizations:DescribeOrganization", absent=("AWSOrganizationsNotInUseException",)
    )
    if answer is None:
        return None
    found = answer["Organization"]
    return Organization(
        id=found["Id"],
        management_account=found.get("MasterAccountId", ""),
        feature_set=found.get("FeatureSet", ""),
    )


@collector(ORG_DELEGATION, "organizations:DescribeResourcePolicy", after=(ORGANIZATION,))
def delegation(aws: Aws) -> str | None:
    """The policy that delegates the management of policies."""
    owner = _owner(aws)
    if owner is None:
        return None
    answer = aws.get(
        "organizations:DescribeResourcePolicy",
        absent=("ResourcePolicyNotFoundException",),
        owner=owner,
    )
    return None if answer is None else answer["ResourcePolicy"].get("Content")


@collector(
    ORG_SERVICES,
    "organizations:ListAWSServiceAccessForOrganization",
    "organizations:ListDelegatedAdministrators",
    DELEGATED,
    after=(ORGANIZATION,),
)
def services(aws: Aws) -> tuple[TrustedService, ...]:
    """The services with trusted access and their delegated administrators."""
    owner = _owner(aws)
    if owner is None:
        return ()
    trusted = aws.pages(
        "organizations:ListAWSServiceAccessForOrganization",
        "EnabledServicePrincipals",
        owner=owner,
    )
    administrators = aws.pages(
        "organizations:ListDelegatedAdministrators", "DelegatedAdministrators", owner=owner
    )
    by_service: dict[str, list[str]] = defaultdict(list)
    for account in sorted(administrator["Id"] for administrator in administrators):
        for service in aws.pages(DELEGATED, "DelegatedServices", owner=owner, AccountId=account):
            by_service[service["ServicePrincipal"]].append(account)
    names = sorted(each["ServicePrincipal"] for each in trusted)
    return tuple(
        TrustedService(service=name, administrators=tuple(by_service[name])) for name in names
    )


@collector(ORG_TREE, ROOTS, UNITS, MEMBERS, after=(ORGANIZATION,))
def tree(aws: Aws) -> Tree:
    """Roots, units and accounts, level by level; empty when the account stands alone."""
    owner = _owner(aws)
    if owner is None:
        return Tree()
    units = [_root(root) for root in aws.pages(ROOTS, "Roots", owner=owner)]
    members: list[Member] = []
    level = list(units)
    while level:
        below = [
            _known(each) for each in aws.each(lambda unit: _below(aws, unit, owner), level, UNITS)
        ]
        level = [unit for inner, _ in below for unit in inner]
        units += level
        members += [member for _, inner in below for member in inner]
    return Tree(
        units=tuple(sorted(units, key=lambda unit: unit.id)),
        members=tuple(sorted(members, key=lambda member: member.id)),
    )


@collector(ORG_GUARDRAILS, POLICIES, TARGETS, POLICY, after=(ORGANIZATION,))
def guardrails(aws: Aws) -> tuple[Guardrail, ...]:
    """The SCPs and RCPs that the owner wrote or AWS did, with their direct targets."""
    owner = _owner(aws)
    if owner is None:
        return ()
    listed = [
        policy
        for kind in _KINDS
        for policy in aws.pages(POLICIES, "Policies", owner=owner, Filter=kind)
    ]
    found = aws.each(lambda each: _guardrail(aws, each, owner), listed, TARGETS)
    return tuple(sorted(map(_known, found), key=lambda each: each.id))


def _owner(aws: Aws) -> str | None:
    """The management account for a member's misses, empty in that account itself, None outside organizations."""
    found = aws.fact(ORGANIZATION)
    if found is None:
        return None
    return "" if found.management_account == aws.account else found.management_account


def _root(data: dict[str, Any]) -> Unit:
    types = data.get("PolicyTypes", ())
    enabled = sorted(each["Type"] for each in types if each.get("Status") == "ENABLED")
    return Unit(id=data["Id"], name=data.get("Name", ""), policy_types=tuple(enabled))


def _below(aws: Aws, unit: Unit, owner: str) -> tuple[list[Unit], list[Member]]:
    units = aws.pages(UNITS, "OrganizationalUnits", owner=owner, ParentId=unit.id)
    members = aws.pages(MEMBERS, "Accounts", owner=owner, ParentId=unit.id)
    return (
        [Unit(id=each["Id"], name=each.get("Name", ""), parent=unit.id) for each in units],
        [_member(member, unit.id) for member in members],
    )


def _member(data: dict[str, Any], parent: str) -> Member:
    return Member(
        id=data["Id"],
        name=data.get("Name", ""),
        parent=parent,
        # `State` replaces `Status`, which AWS retires.
        status=data.get("State") or data.get("Status", ""),
    )


def _known(value: T | Miss) -> T:
    if isinstance(value, Miss):
        raise RefusedError(value)
    return value


def _guardrail(aws: Aws, data: dict[str, Any], owner: str) -> Guardrail:
    identity = data["Id"]
    return Guardrail(
        id=identity,
        name=data.get("Name", ""),
        type=data.get("Type", ""),
        aws_managed=data.get("AwsManaged", False),
        targets=aws.tried(lambda: _targets(aws, identity, owner)),
        document=aws.tried(lambda: _document(aws, identity, owner)),
    )


def _targets(aws: Aws, identity: str, owner: str) -> tuple[str, ...]:
    listed = aws.pages(TARGETS, "Targets", owner=owner, PolicyId=identity)
    return tuple(sorted(each["TargetId"] for each in listed))


def _document(aws: Aws, identity: str, owner: str) -> str | None:
    text: str | None = aws.need(POLICY, owner=owner, PolicyId=identity)["Policy"].get("Content")
    return text
