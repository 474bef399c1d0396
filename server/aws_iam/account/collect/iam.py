"""IAM: root, users and their credentials, identities and policies, providers, certificates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.credential_report import GENERATE, GET, read_report
from aws_iam.account.facts.fact import RefusedError
from aws_iam.account.facts.governance import ROOT_FEATURES, RootFeatures
from aws_iam.account.facts.identity import (
    AUTHORIZATION,
    CREDENTIAL_REPORT,
    OIDC_PROVIDERS,
    PASSWORD_POLICY,
    POLICY_ENTITIES,
    SAML_PROVIDERS,
    SERVER_CERTIFICATES,
    SUMMARY,
    VIRTUAL_MFA,
    Attached,
    Authorization,
    CredentialReport,
    Group,
    InlinePolicy,
    ManagedPolicy,
    PasswordPolicy,
    PolicyEntities,
    Provider,
    Role,
    ServerCertificate,
    Summary,
    User,
    VirtualMfaDevice,
)

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

_WATCHED_POLICIES = ("AWSCloudShellFullAccess", "AWSSupportAccess")
_WIDEST_PAGE = {"PageSize": 1000}
# An organization without all features has no trusted access:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_getting-started_concepts.html#feature-set
_NO_TRUSTED_ACCESS = (
    "ServiceAccessNotEnabledException",
    "OrganizationNotInAllFeaturesModeException",
)


@collector(CREDENTIAL_REPORT, GENERATE, GET)
def credential_report(aws: Aws) -> CredentialReport:
    """The report that AWS writes on demand; the slowest fact, so it starts first."""
    return read_report(aws)


@collector(SUMMARY, "iam:GetAccountSummary")
def summary(aws: Aws) -> Summary:
    """The counters of the account."""
    counts = aws.need("iam:GetAccountSummary")["SummaryMap"]
    password = counts.get("AccountPasswordPresent")
    return Summary(
        root_mfa=counts["AccountMFAEnabled"] > 0,
        root_access_keys=counts["AccountAccessKeysPresent"],
        root_password=None if password is None else password > 0,
        root_certificates=counts.get("AccountSigningCertificatesPresent", 0),
        users=counts.get("Users"),
    )


@collector(PASSWORD_POLICY, "iam:GetAccountPasswordPolicy")
def password_policy(aws: Aws) -> PasswordPolicy | None:
    """The account's password policy; None when it has none of its own."""
    answer = aws.get("iam:GetAccountPasswordPolicy", absent=("NoSuchEntity",))
    if answer is None:
        return None
    policy = answer["PasswordPolicy"]
    return PasswordPolicy(
        minimum_length=policy.get("MinimumPasswordLength", 6),
        uppercase=policy.get("RequireUppercaseCharacters", False),
        lowercase=policy.get("RequireLowercaseCharacters", False),
        numbers=policy.get("RequireNumbers", False),
        symbols=policy.get("RequireSymbols", False),
        # 0 stands for `never`, as an absent field does.
        max_age_days=policy.get("MaxPasswordAge") or None,
        reuse_prevention=policy.get("PasswordReusePrevention") or None,
    )


@collector(AUTHORIZATION, "iam:GetAccountAuthorizationDetails")
def authorization(aws: Aws) -> Authorization:
    """All identities and the policies that are in use or the account's own, in a few pages."""
    pages = aws.whole_pages("iam:GetAccountAuthorizationDetails", PaginationConfig=_WIDEST_PAGE)
    users = tuple(_user(each) for page in pages for each in page.get("UserDetailList", ()))
    groups = tuple(_group(each) for page in pages for each in page.get("GroupDetailList", ()))
    roles = tuple(_role(each) for page in pages for each in page.get("RoleDetailList", ()))
    uses = _uses((*users, *groups, *roles))
    given = [_policy(each, uses) for page in pages for each in page.get("Policies", ())]
    kept = {each.arn: each for each in given if _in_use_or_own(each)}
    # What is attached but not sent is still attached: without a document, which is no proof of anything.
    for arn, count in uses.items():
        kept.setdefault(arn, ManagedPolicy(name=_last(arn), arn=arn, attachments=count))
    return Authorization(
        users=tuple(sorted(users, key=lambda each: each.arn)),
        groups=tuple(sorted(groups, key=lambda each: each.arn)),
        roles=tuple(sorted(roles, key=lambda each: each.arn)),
        policies=tuple(sorted(kept.values(), key=lambda each: each.arn)),
    )


@collector(POLICY_ENTITIES, "iam:ListEntitiesForPolicy")
def policy_entities(aws: Aws) -> tuple[PolicyEntities, ...]:
    """Who has the AWS managed policies that the benchmark names."""
    return tuple(_entities(aws, name) for name in _WATCHED_POLICIES)


@collector(VIRTUAL_MFA, "iam:ListVirtualMFADevices")
def virtual_mfa(aws: Aws) -> tuple[VirtualMfaDevice, ...]:
    """The virtual MFA devices that belong to somebody, root's among them."""
    listed = aws.pages(
        "iam:ListVirtualMFADevices", "VirtualMFADevices", AssignmentStatus="Assigned"
    )
    devices = (
        VirtualMfaDevice(serial=each["SerialNumber"], user_arn=each.get("User", {}).get("Arn"))
        for each in listed
    )
    return tuple(sorted(devices, key=lambda device: device.serial))


@collector(SERVER_CERTIFICATES, "iam:ListServerCertificates")
def server_certificates(aws: Aws) -> tuple[ServerCertificate, ...]:
    """The certificates stored in IAM."""
    listed = aws.pages("iam:ListServerCertificates", "ServerCertificateMetadataList")
    certificates = (
        ServerCertificate(
            name=each["ServerCertificateName"], arn=each["Arn"], expiration=each.get("Expiration")
        )
        for each in listed
    )
    return tuple(sorted(certificates, key=lambda certificate: certificate.arn))


@collector(SAML_PROVIDERS, "iam:ListSAMLProviders")
def saml_providers(aws: Aws) -> tuple[Provider, ...]:
    """The SAML providers."""
    return _providers(aws.need("iam:ListSAMLProviders").get("SAMLProviderList", ()))


@collector(OIDC_PROVIDERS, "iam:ListOpenIDConnectProviders")
def oidc_providers(aws: Aws) -> tuple[Provider, ...]:
    """The OpenID Connect providers."""
    answer = aws.need("iam:ListOpenIDConnectProviders")
    return _providers(answer.get("OpenIDConnectProviderList", ()))


@collector(ROOT_FEATURES, "iam:ListOrganizationsFeatures")
def root_features(aws: Aws) -> RootFeatures | None:
    """How the organization manages the root users of its members; None outside an organization."""
    try:
        answer = aws.get(
            "iam:ListOrganizationsFeatures", absent=("OrganizationNotFoundException",)
        )
    except RefusedError as refused:
        if refused.miss.code not in _NO_TRUSTED_ACCESS:
            raise
        return RootFeatures(trusted_access=False)
    if answer is None:
        return None
    return RootFeatures(features=tuple(sorted(answer.get("EnabledFeatures", ()))))


def _user(data: dict[str, Any]) -> User:
    return User(
        name=data["UserName"],
        arn=data["Arn"],
        created=data.get("CreateDate"),
        groups=tuple(sorted(data.get("GroupList", ()))),
        attached=_attached(data),
        inline=_inline(data, "UserPolicyList"),
        boundary=_boundary(data),
    )


def _group(data: dict[str, Any]) -> Group:
    return Group(
        name=data["GroupName"],
        arn=data["Arn"],
        attached=_attached(data),
        inline=_inline(data, "GroupPolicyList"),
    )


def _role(data: dict[str, Any]) -> Role:
    return Role(
        name=data["RoleName"],
        arn=data["Arn"],
        path=data.get("Path", "/"),
        trust=_json(data.get("AssumeRolePolicyDocument", "")),
        created=data.get("CreateDate"),
        last_used=data.get("RoleLastUsed", {}).get("LastUsedDate"),
        attached=_attached(data),
        inline=_inline(data, "RolePolicyList"),
        boundary=_boundary(data),
        profiles=tuple(sorted(each["Arn"] for each in data.get("InstanceProfileList", ()))),
    )


def _policy(data: dict[str, Any], uses: dict[str, int]) -> ManagedPolicy:
    arn = data["Arn"]
    versions = data.get("PolicyVersionList", ())
    default = next((version for version in versions if version.get("IsDefaultVersion")), None)
    return ManagedPolicy(
        # An emulator leaves the name out.
        name=data.get("PolicyName") or _last(arn),
        arn=arn,
        attachments=max(data.get("AttachmentCount", 0), uses.get(arn, 0)),
        boundary_uses=data.get("PermissionsBoundaryUsageCount", 0),
        document=_json(default["Document"]) if default and "Document" in default else None,
    )


def _in_use_or_own(policy: ManagedPolicy) -> bool:
    return bool(policy.attachments or policy.boundary_uses) or ":iam::aws:" not in policy.arn


def _uses(identities: tuple[User | Group | Role, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for policy in (each for identity in identities for each in identity.attached):
        counts[policy.arn] = counts.get(policy.arn, 0) + 1
    return counts


def _attached(data: dict[str, Any]) -> tuple[Attached, ...]:
    listed = (
        Attached(name=each["PolicyName"], arn=each["PolicyArn"])
        for each in data.get("AttachedManagedPolicies", ())
    )
    return tuple(sorted(listed, key=lambda policy: policy.arn))


def _inline(data: dict[str, Any], key: str) -> tuple[InlinePolicy, ...]:
    listed = (
        InlinePolicy(name=each["PolicyName"], document=_json(each.get("PolicyDocument", "")))
        for each in data.get(key, ())
    )
    return tuple(sorted(listed, key=lambda policy: policy.name))


def _boundary(data: dict[str, Any]) -> str | None:
    arn: str | None = data.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return arn


def _entities(aws: Aws, name: str) -> PolicyEntities:
    arn = f"arn:{aws.partition}:iam::aws:policy/{name}"
    try:
        # Without the filter AWS lists those too whose permissions boundary it is, and a boundary gives nothing.
        pages = aws.whole_pages(
            "iam:ListEntitiesForPolicy", PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy"
        )
    except RefusedError as refused:
        # A policy that the partition does not have is attached to nobody.
        if refused.miss.code != "NoSuchEntity":
            raise
        pages = []

    def names(key: str, field: str) -> tuple[str, ...]:
        return tuple(sorted(each[field] for page in pages for each in page.get(key, ())))

    return PolicyEntities(
        name=name,
        arn=arn,
        users=names("PolicyUsers", "UserName"),
        groups=names("PolicyGroups", "GroupName"),
        roles=names("PolicyRoles", "RoleName"),
    )


def _providers(listed: Any) -> tuple[Provider, ...]:
    arns = sorted(each["Arn"] for each in listed)
    return tuple(Provider(arn=arn, name=arn.partition("/")[2]) for arn in arns)


def _json(document: Any) -> str:
    """The SDK hands policies over parsed; a snapshot keeps text, as every parser here reads it."""
    return document if isinstance(document, str) else json.dumps(document)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
