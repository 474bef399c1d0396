"""Who watches over the account: Security Hub, Macie, Access Analyzer, Identity Center, the organization."""

from __future__ import annotations

from dataclasses import dataclass

from aws_iam.account.facts.fact import Miss, many, many_in, maybe, maybe_in, one


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityHub:
    """Security Hub CSPM, switched on."""

    arn: str
    subscribed_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Macie:
    """A Macie session: `ENABLED` or `PAUSED`."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """An Access Analyzer analyzer: `ACCOUNT`, `ORGANIZATION`, `…_UNUSED_ACCESS`, `…_INTERNAL_ACCESS`."""

    name: str
    arn: str
    type: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerFinding:
    """An active finding of an analyzer."""

    id: str
    type: str
    resource: str = ""
    resource_type: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerFindings:
    """The active findings of one analyzer (archived and resolved ones left out); `more`: the list was cut."""

    analyzer: str
    findings: tuple[AnalyzerFinding, ...] | Miss
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCenter:
    """An IAM Identity Center instance."""

    arn: str
    owner: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The organization that the account is in."""

    id: str
    management_account: str
    feature_set: str = ""
    analyzers_read: tuple[str, ...] = ()
    """The Regions in which every account that may hold an analyzer of the organization was read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFeatures:
    """Central management of root credentials: `RootCredentialsManagement`, `RootSessions`."""

    features: tuple[str, ...] = ()
    trusted_access: bool = True


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


SECURITY_HUB = maybe_in("securityhub.hub", SecurityHub)
MACIE = maybe_in("macie.session", Macie)
ANALYZERS = many_in("accessanalyzer.analyzers", Analyzer)
ANALYZER_FINDINGS = many_in("accessanalyzer.findings", AnalyzerFindings)
IDENTITY_CENTER = many_in("sso.instances", IdentityCenter)
ORGANIZATION = maybe("organizations.organization", Organization)
ORG_DELEGATION = maybe("organizations.resource_policy", str)
"""The JSON text of the organization's delegation policy."""
ORG_SERVICES = many("organizations.services", TrustedService)
ORG_TREE = one("organizations.tree", Tree)
ORG_GUARDRAILS = many("organizations.guardrails", Guardrail)
ROOT_FEATURES = maybe("iam.root_features", RootFeatures)
"""None: the account is in no organization."""
