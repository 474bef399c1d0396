"""CIS controls on policies, roles and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.account.collect.identity.identity_center import IDENTITY_CENTER
from aws_iam.account.collect.identity.identity_providers import OIDC_PROVIDERS, SAML_PROVIDERS
from aws_iam.account.collect.identity.policy_entities import POLICY_ENTITIES
from aws_iam.account.collect.identity.server_certificates import SERVER_CERTIFICATES
from aws_iam.account.collect.organization.organization import ORGANIZATION
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.on_account import policy_of, where_offered
from aws_iam.rules.outcomes import Fail, Manual, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control
from aws_iam.tools.audit.evidence.admin_statements import (
    admin_statements,
    is_every_known_action,
    is_everything,
)
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.collect.identity.authorization import Authorization, ManagedPolicy
    from aws_iam.account.collect.identity.policy_entities import PolicyEntities
    from aws_iam.account.collect.identity.server_certificates import ServerCertificate
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Policy, Statement

_SHOWN = 5
_DETAILS = "iam:GetAccountAuthorizationDetails"


@control("support_role", needs=(POLICY_ENTITIES,))
def support_role(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Only roles count, and only this policy: not users or groups, and not the same permissions in another policy."""
    roles = _entities(account, "AWSSupportAccess").roles
    if roles:
        yield Pass(account.root_arn, f"AWSSupportAccess is attached to {_names('role', roles)}")
    else:
        yield Fail(account.root_arn, "AWSSupportAccess is not attached to any role")


@control("cloudshell_full", needs=(POLICY_ENTITIES,))
def cloudshell_full(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Users and groups count as well as roles, although some instructions check roles only.

    False alarm when these people need CloudShell and may move files with it.
    """
    entities = _entities(account, "AWSCloudShellFullAccess")
    holders = [
        _names(word, names)
        for word, names in (
            ("user", entities.users),
            ("group", entities.groups),
            ("role", entities.roles),
        )
        if names
    ]
    if holders:
        yield Fail(
            account.root_arn, f"AWSCloudShellFullAccess is attached to {', '.join(holders)}"
        )
    else:
        yield Pass(account.root_arn, "AWSCloudShellFullAccess is not attached to any identity")


@control("expired_certs", needs=(SERVER_CERTIFICATES,))
def expired_certificates(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Without any certificate the control does not apply; certificates in ACM are not in this list.

    False alarm when the expired certificate is not used anywhere.
    """

    def test(certificate: ServerCertificate) -> Iterator[Outcome]:
        message, until = f"certificate {quoted(certificate.name)}", certificate.expiration
        if until is None:
            raise NotCollected(
                f"{message} has no expiry date", call="iam:ListServerCertificates", code="no value"
            )
        if until > account.collected_at:
            yield Pass(certificate.arn, f"{message} is valid until {until:%Y-%m-%d}")
        else:
            yield Fail(certificate.arn, f"{message} expired on {until:%Y-%m-%d}")

    certificates = account.require(SERVER_CERTIFICATES)
    if not certificates:
        yield NotApplicable(None, "no server certificate is stored in IAM")
    yield from for_each(certificates, test, name=lambda item: item.arn)


@control("no_full_admin_policies", needs=(AUTHORIZATION,))
def full_admin(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Every pattern that matches all actions counts, and every pattern that matches all ARNs; so does all but a few of them.

    So do words that leave no known action out, in one statement or several without conditions.

    AWS's AdministratorAccess is not exempt, and PowerUserAccess, which leaves out IAM, is no administrator.

    False alarm when the policy belongs to a role that is meant to administer the account.
    """
    authorization = account.require(AUTHORIZATION)
    used = _attached(authorization)
    attached = [policy for policy in authorization.policies if policy.arn in used]
    inline = _inline(authorization, account)

    def test(policy: ManagedPolicy) -> Iterator[Outcome]:
        message = f"policy {quoted(policy.name)}"
        if policy.document is None:
            raise NotCollected(
                f"the document of {message} was not sent", call=_DETAILS, code="no document"
            )
        full = _of_administrator(policy_of(policy.document, _DETAILS), account)
        if full:
            conditional = all(statement.conditions for statement in full)
            limited = " under a condition" if conditional else ""
            holders = _holders(authorization, policy.arn)
            yield Fail(
                policy.arn,
                f"{message}, attached to {holders}, allows {_extent(full, account)}{limited}",
            )
        else:
            yield Pass(
                policy.arn,
                f"no statement of {message} allows every action on every resource; {inline}",
            )

    if not attached:
        yield NotApplicable(
            None, f"no managed policy is attached to a user, group or role; {inline}"
        )
    yield from for_each(attached, test, name=lambda item: item.arn)


@control(
    "federation",
    needs=(SAML_PROVIDERS, OIDC_PROVIDERS, IDENTITY_CENTER, ORGANIZATION, CREDENTIAL_REPORT),
)
def federation(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A SAML provider alone does not prove that people use it, and OIDC providers are often for pipelines: a person decides."""
    saml, oidc = account.require(SAML_PROVIDERS), account.require(OIDC_PROVIDERS)
    organization = account.require(ORGANIZATION)
    rows = account.require(CREDENTIAL_REPORT).users
    local = [row.user for row in rows if row.password_enabled]
    centers = [
        center.arn
        for _, value in where_offered(account, IDENTITY_CENTER)
        for center in known(value)
    ]
    message = (
        f"SAML providers: {len(saml)}, OIDC providers: {len(oidc)}, Identity Center instances:"
        f" {len(centers)}, {'in an organization' if organization else 'in no organization'},"
        f" IAM users with a console password: {len(local)}"
    )
    yield Manual(account.root_arn, terms.question(message))


def _of_administrator(policy: Policy, account: Account) -> tuple[Statement, ...]:
    try:
        return admin_statements(policy, account)
    except InputError as error:
        raise NotCollected(error.message, call=_DETAILS, code="too many wildcards") from None


def _extent(full: Sequence[Statement], account: Account) -> str:
    """What the statements allow, in words."""
    if any(is_everything(statement, account.partition) for statement in full):
        return "every action on every resource"
    if is_every_known_action(full, account.partition):
        return "every known action on every resource"
    left_out = [text.value for text in (*full[0].not_actions, *full[0].not_resources)]
    names = joined([quoted(name) for name in left_out], shown=_SHOWN)
    return f"everything but {names}, and with it to grant oneself the rest"


def _inline(authorization: Authorization, account: Account) -> str:
    """That the control leaves inline policies out, and which of them allow everything."""
    holders = [(user.name, user.inline) for user in authorization.users]
    holders += [(group.name, group.inline) for group in authorization.groups]
    holders += [(role.name, role.inline) for role in authorization.roles]
    wide = [
        f"{quoted(policy.name)} of {quoted(name)}"
        for name, inline in holders
        for policy in inline
        if _gives_all(policy.document, account)
    ]
    if not wide:
        return "inline policies are not part of this control and were not judged"
    more = f" and {len(wide) - _SHOWN} more" if len(wide) > _SHOWN else ""
    names = f"{', '.join(wide[:_SHOWN])}{more}"
    return f"inline policies are not part of this control, but these allow everything: {names}"


def _gives_all(text: str, account: Account) -> bool:
    try:
        return bool(admin_statements(one_policy(text), account))
    except InputError:
        return False


def _attached(authorization: Authorization) -> frozenset[str]:
    """The attached policies; a permissions boundary does not count."""
    lists = [user.attached for user in authorization.users]
    lists += [group.attached for group in authorization.groups]
    lists += [role.attached for role in authorization.roles]
    return frozenset(policy.arn for attached in lists for policy in attached)


def _holders(authorization: Authorization, arn: str) -> str:
    def having(kind: str) -> tuple[str, ...]:
        return tuple(
            holder.name
            for holder in getattr(authorization, kind)
            if any(policy.arn == arn for policy in holder.attached)
        )

    words = (("user", "users"), ("group", "groups"), ("role", "roles"))
    return ", ".join(_names(word, names) for word, kind in words if (names := having(kind)))


def _entities(account: Account, name: str) -> PolicyEntities:
    for entities in account.require(POLICY_ENTITIES):
        if entities.name == name:
            return entities
    raise NotCollected(
        f"this snapshot does not contain who has {name}",
        call="iam:ListEntitiesForPolicy",
        code="not collected",
        permission="iam:ListEntitiesForPolicy",
    )


def _names(word: str, names: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    plural = "s" if len(names) > 1 else ""
    return f"{word}{plural} {', '.join(map(quoted, names[:most]))}{more}"
