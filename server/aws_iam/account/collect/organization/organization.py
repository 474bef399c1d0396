"""AWS Organizations: the organization, its tree, its SCPs and RCPs, and who administers what.

Only the management account or a delegated administrator may read all but the first: refused to a member, they
are a miss that names the management account.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, many, maybe, one, value_or_refused
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Organization:
    """The organization that the account is in."""

    id: str
    management_account: str
    feature_set: str = ""
    analyzers_read: tuple[str, ...] = ()
    """The Regions in which every account that may hold an analyzer of the organization was read too."""


@slotted
class TrustedService:
    """A service with trusted access, and the accounts that administer it by delegation."""

    service: str
    administrators: tuple[str, ...] = ()


# https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-settings.html
ANALYZER_SERVICE = "access-analyzer.amazonaws.com"


def administrators_of(services: tuple[TrustedService, ...], service: str) -> tuple[str, ...]:
    """The accounts that administer the service by delegation."""
    return tuple(
        administrator
        for trusted in services
        if trusted.service == service
        for administrator in trusted.administrators
    )


@slotted
class Member:
    """An account of the organization and the unit or root that holds it."""

    id: str
    name: str
    parent: str
    status: str = "ACTIVE"


@slotted
class Unit:
    """A root (`parent` None, with its enabled policy types) or an organizational unit."""

    id: str
    name: str
    parent: str | None = None
    policy_types: tuple[str, ...] = ()


@slotted
class Tree:
    """The organization's roots, units and accounts."""

    units: tuple[Unit, ...] = ()
    members: tuple[Member, ...] = ()


@slotted
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
_LIST_ROOTS = "organizations:ListRoots"
_LIST_ORGANIZATIONAL_UNITS_FOR_PARENT = "organizations:ListOrganizationalUnitsForParent"
_LIST_ACCOUNTS_FOR_PARENT = "organizations:ListAccountsForParent"
_LIST_POLICIES = "organizations:ListPolicies"
_LIST_TARGETS_FOR_POLICY = "organizations:ListTargetsForPolicy"
_DESCRIBE_POLICY = "organizations:DescribePolicy"
_LIST_DELEGATED_SERVICES_FOR_ACCOUNT = "organizations:ListDelegatedServicesForAccount"
_POLICY_TYPES = ("RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY")


@collector(ORGANIZATION, "organizations:DescribeOrganization")
def organization(aws: Aws) -> Organization | None:
    """The organization; None when the account is in none."""
    answer = aws.get(
        "organizations:DescribeOrganization", absent=("AWSOrganizationsNotInUseException",)
    )
    if answer is None:
        return None
    described = answer["Organization"]
    return Organization(
        id=described["Id"],
        management_account=described.get("MasterAccountId", ""),
        feature_set=described.get("FeatureSet", ""),
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
    _LIST_DELEGATED_SERVICES_FOR_ACCOUNT,
    after=(ORGANIZATION,),
)
def services(aws: Aws) -> tuple[TrustedService, ...]:
    """The services with trusted access and their delegated administrators."""
    owner = _owner(aws)
    if owner is None:
        return ()
    trusted = aws.items(
        "organizations:ListAWSServiceAccessForOrganization",
        "EnabledServicePrincipals",
        owner=owner,
    )
    administrators = aws.items(
        "organizations:ListDelegatedAdministrators", "DelegatedAdministrators", owner=owner
    )
    by_service: dict[str, list[str]] = defaultdict(list)
    for account in sorted(administrator["Id"] for administrator in administrators):
        for service in aws.items(
            _LIST_DELEGATED_SERVICES_FOR_ACCOUNT,
            "DelegatedServices",
            owner=owner,
            AccountId=account,
        ):
            by_service[service["ServicePrincipal"]].append(account)
    names = sorted(trusted_service["ServicePrincipal"] for trusted_service in trusted)
    return tuple(
        TrustedService(service=name, administrators=tuple(by_service[name])) for name in names
    )


@collector(
    ORG_TREE,
    _LIST_ROOTS,
    _LIST_ORGANIZATIONAL_UNITS_FOR_PARENT,
    _LIST_ACCOUNTS_FOR_PARENT,
    after=(ORGANIZATION,),
)
def tree(aws: Aws) -> Tree:
    """Roots, units and accounts, level by level; empty when the account is in no organization."""
    owner = _owner(aws)
    if owner is None:
        return Tree()
    units = [_root(root) for root in aws.items(_LIST_ROOTS, "Roots", owner=owner)]
    members: list[Member] = []
    level = list(units)
    while level:
        below = [
            value_or_refused(children)
            for children in aws.read_each(
                lambda unit: _children(aws, unit, owner),
                level,
                _LIST_ORGANIZATIONAL_UNITS_FOR_PARENT,
            )
        ]
        level = [unit for inner, _ in below for unit in inner]
        units += level
        members += [member for _, inner in below for member in inner]
    return Tree(
        units=tuple(sorted(units, key=lambda unit: unit.id)),
        members=tuple(sorted(members, key=lambda member: member.id)),
    )


@collector(
    ORG_GUARDRAILS,
    _LIST_POLICIES,
    _LIST_TARGETS_FOR_POLICY,
    _DESCRIBE_POLICY,
    after=(ORGANIZATION,),
)
def guardrails(aws: Aws) -> tuple[Guardrail, ...]:
    """The SCPs and RCPs, customer and AWS managed, with their direct targets."""
    owner = _owner(aws)
    if owner is None:
        return ()
    listed = [
        policy
        for kind in _POLICY_TYPES
        for policy in aws.items(_LIST_POLICIES, "Policies", owner=owner, Filter=kind)
    ]
    read = aws.read_each(
        lambda guardrail: _guardrail(aws, guardrail, owner), listed, _LIST_TARGETS_FOR_POLICY
    )
    return tuple(sorted(map(value_or_refused, read), key=lambda guardrail: guardrail.id))


def _owner(aws: Aws) -> str | None:
    """The management account, which a member's misses name; empty in that account itself, None outside organizations."""
    organization = aws.fact(ORGANIZATION)
    if organization is None:
        return None
    management = organization.management_account
    return "" if management == aws.account else management


def _root(data: dict[str, Any]) -> Unit:
    types = data.get("PolicyTypes", ())
    enabled = sorted(
        policy_type["Type"] for policy_type in types if policy_type.get("Status") == "ENABLED"
    )
    return Unit(id=data["Id"], name=data.get("Name", ""), policy_types=tuple(enabled))


def _children(aws: Aws, unit: Unit, owner: str) -> tuple[list[Unit], list[Member]]:
    units = aws.items(
        _LIST_ORGANIZATIONAL_UNITS_FOR_PARENT, "OrganizationalUnits", owner=owner, ParentId=unit.id
    )
    members = aws.items(_LIST_ACCOUNTS_FOR_PARENT, "Accounts", owner=owner, ParentId=unit.id)
    return (
        [Unit(id=child["Id"], name=child.get("Name", ""), parent=unit.id) for child in units],
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


def _guardrail(aws: Aws, data: dict[str, Any], owner: str) -> Guardrail:
    identity = data["Id"]
    return Guardrail(
        id=identity,
        name=data.get("Name", ""),
        type=data.get("Type", ""),
        aws_managed=data.get("AwsManaged", False),
        targets=aws.value_or_miss(lambda: _targets(aws, identity, owner)),
        document=aws.value_or_miss(lambda: _document(aws, identity, owner)),
    )


def _targets(aws: Aws, identity: str, owner: str) -> tuple[str, ...]:
    listed = aws.items(_LIST_TARGETS_FOR_POLICY, "Targets", owner=owner, PolicyId=identity)
    return tuple(sorted(target["TargetId"] for target in listed))


def _document(aws: Aws, identity: str, owner: str) -> str | None:
    text: str | None = aws.need(_DESCRIBE_POLICY, owner=owner, PolicyId=identity)["Policy"].get(
        "Content"
    )
    return text
