"""Who can act: root, users, roles, policies, providers, and the account's contacts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints

from aws_iam.account.facts.fact import many, maybe, one

ROOT_ROW = "<root_account>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`GetAccountSummary`: current, where the credential report may be four hours old."""

    root_mfa: bool
    root_access_keys: int = 0
    root_password: bool | None = None
    """None: the summary does not say, which is not the same as no password."""
    root_certificates: int = 0
    users: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """The account's own password policy; an account without one uses AWS's default of 8 characters."""

    minimum_length: int
    uppercase: bool = False
    lowercase: bool = False
    numbers: bool = False
    symbols: bool = False
    max_age_days: int | None = None
    reuse_prevention: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedKey:
    """One access key column group of the credential report; `last_used` None: never, as far as AWS knows."""

    number: int
    active: bool
    last_rotated: datetime | None = None
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialReportRow:
    """One row of the credential report; None stands for its `N/A`, `no_information` and `not_supported`."""

    user: str
    arn: str
    created: datetime | None = None
    password_enabled: bool | None = None
    password_last_used: datetime | None = None
    password_last_changed: datetime | None = None
    mfa_active: bool | None = None
    keys: tuple[ReportedKey, ...] = ()
    active_certificates: int = 0
    additional: str | None = None
    """`additional_credentials_info`, where AWS sends it: what the other columns leave out."""

    @property
    def is_root(self) -> bool:
        """Whether the row is the root user's."""
        return self.user == ROOT_ROW


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialReport:
    """The whole report; `generated_at` because AWS may serve one that is up to four hours old."""

    generated_at: datetime
    rows: tuple[CredentialReportRow, ...]

    @property
    def root(self) -> CredentialReportRow | None:
        """The root user's row; None when the report has none, which proves nothing."""
        return next((row for row in self.rows if row.is_root), None)

    @property
    def users(self) -> tuple[CredentialReportRow, ...]:
        """The rows of IAM users."""
        return tuple(row for row in self.rows if not row.is_root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A managed policy attached to an identity."""

    name: str
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePolicy:
    """A policy that lives inside one identity; `document` is its JSON text."""

    name: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user with what is attached to it."""

    name: str
    arn: str
    created: datetime | None = None
    groups: tuple[str, ...] = ()
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()
    boundary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An IAM group with what is attached to it."""

    name: str
    arn: str
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role; `trust` is the JSON text of its trust policy, `profiles` the ARNs of instance profiles with it."""

    name: str
    arn: str
    path: str = "/"
    trust: str = ""
    created: datetime | None = None
    last_used: datetime | None = None
    attached: tuple[Attached, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()
    boundary: str | None = None
    profiles: tuple[str, ...] = ()

    @property
    def is_service_linked(self) -> bool:
        """Whether the role is an AWS service's own, which the account's owner cannot change."""
        return self.path.startswith("/aws-service-role/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A managed policy; `document` is the JSON text of its default version, None where AWS did not send it."""

    name: str
    arn: str
    attachments: int = 0
    boundary_uses: int = 0
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """`GetAccountAuthorizationDetails`: every identity and every policy in use, in four lists."""

    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    roles: tuple[Role, ...] = ()
    policies: tuple[ManagedPolicy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntities:
    """Who has one AWS managed policy attached (names); `name` as `AWSSupportAccess`."""

    name: str
    arn: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMfaDevice:
    """A virtual MFA device that belongs to somebody; root may have several, under any name."""

    serial: str
    user_arn: str | None = None

    @property
    def is_root(self) -> bool:
        """Whether it is the root user's: by its owner, or by the historic serial number."""
        owner = self.user_arn or ""
        return owner.endswith(":root") or self.serial.endswith(":mfa/root-account-mfa-device")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """A TLS certificate stored in IAM (not in ACM)."""

    name: str
    arn: str
    expiration: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An identity provider; for OpenID Connect `name` is the issuer without `https://`."""

    arn: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContact:
    """The account's main contact; phone and address are cut to their last characters on purpose."""

    full_name: str = ""
    company: str = ""
    country: str = ""
    phone_end: str = ""
    address_end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateContact:
    """An alternate contact: whether its three values are filled in; the name is the evidence."""

    name: str = ""
    has_email: bool = False
    has_phone: bool = False


SUMMARY = one("iam.summary", Summary)
PASSWORD_POLICY = maybe("iam.password_policy", PasswordPolicy)
CREDENTIAL_REPORT = one("iam.credential_report", CredentialReport)
AUTHORIZATION = one("iam.authorization", Authorization)
POLICY_ENTITIES = many("iam.policy_entities", PolicyEntities)
"""For `AWSSupportAccess` and `AWSCloudShellFullAccess`."""
VIRTUAL_MFA = many("iam.virtual_mfa", VirtualMfaDevice)
SERVER_CERTIFICATES = many("iam.server_certificates", ServerCertificate)
SAML_PROVIDERS = many("iam.saml_providers", Provider)
OIDC_PROVIDERS = many("iam.oidc_providers", Provider)
CONTACT = one("account.contact", AccountContact)
SECURITY_CONTACT = maybe("account.security_contact", AlternateContact)
