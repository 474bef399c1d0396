"""Role trust policies: who can assume the role, and with which action."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_closed_to_strangers
from aws_iam.engine.language.document import Kind, Policy, Principal, Statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.language.placeholders import is_known_later
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.tokens.oidc_provider import DECORATION, built_in, host_of
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRUST = (Kind.TRUST,)
_GITHUB = "token.actions.githubusercontent.com"


_ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
_GOOD = trusting(_ROOT)
_PROVIDER = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{_GITHUB}"}
_WEB = "sts:AssumeRoleWithWebIdentity"
_BRANCH = {
    f"{_GITHUB}:aud": "sts.amazonaws.com",
    f"{_GITHUB}:sub": "repo:octo/app:ref:refs/heads/main",
}
_GITHUB_GOOD = trusting(_PROVIDER, _WEB, {"StringEquals": _BRANCH})


@check(
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="A trust policy contains NotPrincipal",
    fix="Name the principals in Principal.",
    kinds=_TRUST,
    bad=[{"Effect": "Allow", "NotPrincipal": _ROOT, "Action": "sts:AssumeRole"}],
    good=[_GOOD],
)
def trust_by_exclusion(statement: Statement) -> Iterator[Fail]:
    """A role's trust policy cannot list whom it does not trust.

    No false alarms: AWS rejects NotPrincipal in a trust policy.
    """
    if statement.has("NotPrincipal"):
        yield Fail(
            statement.place("NotPrincipal"), "`NotPrincipal` is not supported in a trust policy"
        )


@check(
    "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The principal of a trust policy is `*`",
    fix="Name the accounts, roles, services or providers that may assume the role.",
    kinds=_TRUST,
    bad=[trusting("*")],
    good=[_GOOD],
)
def trust_in_star(statement: Statement) -> Iterator[Fail]:
    """A role's trust policy cannot have `*` itself as its principal.

    No false alarms: AWS rejects the policy.
    """
    for principal in statement.principals:
        if principal.type == "*" and principal.value == "*":
            yield Fail(
                principal.name.where, "`*` is not supported as the principal of a trust policy"
            )


@check(
    "TRUST_OPEN_TO_EVERYONE",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Any principal of any AWS account can assume the role",
    fix="Name the accounts or roles in Principal, or add conditions on aws:PrincipalOrgID and aws:PrincipalArn.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
    kinds=_TRUST,
    bad=[
        trusting({"AWS": "*"}),
        trusting({"AWS": "*"}, condition={"StringEquals": {"sts:ExternalId": "a1b2c3"}}),
        trusting(
            {"AWS": "*"}, condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}
        ),
    ],
    good=[
        _GOOD,
        trusting({"AWS": "*"}, condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}),
    ],
)
def open_trust(statement: Statement) -> Iterator[Fail]:
    """The role is public: anyone who learns its ARN gets its permissions.

    False alarm when a Deny in another statement keeps other accounts out.
    """
    if not statement.allows or is_closed_to_strangers(statement):
        return
    for principal in statement.principals:
        if principal.type == "AWS" and principal.is_everyone:
            external_id = statement.conditions_on("sts:externalid")
            but = "; an external id is not a secret and identifies nobody" if external_id else ""
            yield Fail(principal.name.where, f"`*` lets every AWS account assume the role{but}")


@check(
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
    on=Statement,
    severity=Severity.ERROR,
    title="A trust policy contains a resource",
    fix="Remove the element: the resource is the role itself.",
    kinds=_TRUST,
    bad=[{**_GOOD, "Resource": "*"}],
    good=[_GOOD],
)
def trust_with_resource(statement: Statement) -> Iterator[Fail]:
    """A role's trust policy always applies to the role itself.

    No false alarms: AWS rejects Resource in a trust policy.
    """
    for name in ("Resource", "NotResource"):
        if statement.has(name):
            yield Fail(statement.place(name), f"`{name}` is not supported in a trust policy")


_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PROVIDER_ARN = re.compile(
    r"arn:aws[a-z0-9-]*:iam::[0-9]{12}:(saml-provider/[\w+=,.@-]+|oidc-provider/[^/\s]+\.[^\s]+)"
)


@check(
    "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
    on=Statement,
    severity=Severity.ERROR,
    title="A federated principal is not an identity provider",
    fix="Write the ARN of an OIDC or SAML provider, or the host of a built-in one.",
    kinds=_TRUST,
    bad=[
        trusting({"Federated": "arn:aws:iam::111122223333:role/app"}, _WEB),
        trusting({"Federated": _GITHUB}, _WEB),
        trusting({"Federated": f"https://{_GITHUB}"}, _WEB),
    ],
    good=[_GITHUB_GOOD, trusting({"Federated": "accounts.google.com"}, _WEB)],
)
def invalid_provider(statement: Statement) -> Iterator[Fail]:
    """Tokens come from a provider that the account knows; anything else is never trusted.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for principal in _federated(statement):
        value = principal.value
        if "*" in value or is_known_later(value) or _PROVIDER_ARN.fullmatch(value):
            continue
        host = DECORATION.sub("", value)
        if not _HOST.fullmatch(host.partition("/")[0]):
            yield Fail(
                principal.name.where,
                f"{quoted(value)} is neither the ARN of an identity provider nor a host",
            )
        elif not _is_built_in(value):
            yield Fail(
                principal.name.where,
                f"{quoted(value)} trusts no provider, so the statement never matches: an issuer is named by the ARN of the"
                " account's provider for it, and only the issuers that AWS knows itself are named by their host",
                fix=f"Write {quoted(f'arn:aws:iam::ACCOUNT:oidc-provider/{host}')} with the account of the role.",
            )


def _is_built_in(host: str) -> bool:
    # Identity pools have other hosts in GovCloud and China.
    return host in built_in() or host.startswith("cognito-identity")


def _federated(statement: Statement) -> tuple[Principal, ...]:
    return tuple(principal for principal in statement.principals if principal.type == "Federated")


@check(
    "MISMATCHED_ACTION_FOR_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The action does not fit the type of principal",
    fix="Use sts:AssumeRoleWithWebIdentity for OIDC, sts:AssumeRoleWithSAML for SAML and sts:AssumeRole for others.",
    kinds=_TRUST,
    bad=[trusting(_PROVIDER, "sts:AssumeRoleWithSAML"), trusting(_ROOT, _WEB)],
    good=[
        _GITHUB_GOOD,
        _GOOD,
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", _WEB]},
    ],
)
def mismatched_action(statement: Statement) -> Iterator[Fail]:
    """Each type of principal assumes a role with its own action; with another action the statement never matches.

    False alarm when one statement lists principals of several types with the action of each.
    """
    for entry in statement.actions:
        action = entry.value.lower()
        provider_type = {
            "sts:assumerolewithsaml": "SAML",
            "sts:assumerolewithwebidentity": "OIDC",
        }.get(action)
        for principal in statement.principals if provider_type else ():
            # A Deny for everyone covers callers of every type.
            if statement.denies and principal.is_everyone:
                continue
            if _provider_kind(principal) not in {provider_type, ""}:
                yield Fail(
                    entry.where, f"{quoted(entry.value)} never matches {quoted(principal.value)}"
                )
    yield from _plain_action(statement)


def _plain_action(statement: Statement) -> Iterator[Fail]:
    plain = [action for action in statement.actions if action.value.lower() == "sts:assumerole"]
    providers = _federated(statement)
    if plain and providers and len(providers) == len(statement.principals):
        # AWS's page does not say that it reports this pair; it follows from the action that the pair never matches.
        yield Fail(
            plain[0].where,
            f"`sts:AssumeRole` never matches {quoted(providers[0].value)}",
            low_confidence=True,
        )


def _provider_kind(principal: Principal) -> str:
    """SAML, OIDC or other; empty when the value does not show it."""
    if principal.type != "Federated":
        return "" if principal.type == "*" else "other"
    if ":saml-provider/" in principal.value:
        return "SAML"
    return "OIDC" if host_of(principal) else ""


_ANYWHERE = "rolesanywhere.amazonaws.com"
_ANYWHERE_ACTIONS = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")


@check(
    "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
    on=Policy,
    severity=Severity.ERROR,
    title="IAM Roles Anywhere lacks an action that it needs",
    fix="Allow sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession.",
    kinds=_TRUST,
    bad=[{"Version": "2012-10-17", "Statement": [trusting({"Service": _ANYWHERE})]}],
    good=[
        {
            "Version": "2012-10-17",
            "Statement": [trusting({"Service": _ANYWHERE}, list(_ANYWHERE_ACTIONS))],
        }
    ],
)
def roles_anywhere_incomplete(policy: Policy) -> Iterator[Fail]:
    """IAM Roles Anywhere makes all three calls; without one of them it creates no session."""
    trusting = [
        statement
        for statement in policy.statements
        if statement.allows and any(p.value == _ANYWHERE for p in statement.principals)
    ]
    allowed = [entry.value for trusted in trusting for entry in trusted.actions]
    missing = [
        action
        for action in _ANYWHERE_ACTIONS
        if not any(matches(pattern, action, ignore_case=True) for pattern in allowed)
    ]
    if trusting and missing:
        yield Fail(
            trusting[0].place("Action"),
            f"`{_ANYWHERE}` also needs {', '.join(f'`{m}`' for m in missing)}",
        )


@check(
    "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
    on=Statement,
    severity=Severity.SUGGESTION,
    title="A session is trusted in addition to its role",
    fix="Remove the session: the role covers it.",
    kinds=_TRUST,
    bad=[
        trusting(
            {
                "AWS": [
                    "arn:aws:iam::111122223333:role/app",
                    "arn:aws:sts::111122223333:assumed-role/app/session",
                ]
            }
        )
    ],
    good=[trusting({"AWS": "arn:aws:iam::111122223333:role/app"})],
)
def session_beside_role(statement: Statement) -> Iterator[Fail]:
    """The ARN of a role covers all sessions of the role."""
    principals = {principal.value for principal in statement.principals}
    for principal in statement.principals:
        match = re.fullmatch(
            r"arn:([^:]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+", principal.value
        )
        if match and f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" in principals:
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is a session of a role that is listed too",
            )


_TRUST_ACTIONS = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
)
_LABELS = _TRUST_ACTIONS[3:]
_TRUST_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html"
)


@check(
    "TRUST_ACTION_NOT_SUPPORTED",
    on=Statement,
    severity=Severity.ERROR,
    title="A trust policy contains an action that does not assume a role",
    fix="Use sts:AssumeRole, sts:AssumeRoleWithSAML or sts:AssumeRoleWithWebIdentity; put permissions into the role's own policies.",
    source=_TRUST_PAGE,
    kinds=_TRUST,
    bad=[
        trusting(_ROOT, "s3:GetObject"),
        trusting(_ROOT, ["sts:AssumeRole", "sts:GetCallerIdentity"]),
    ],
    good=[
        _GOOD,
        trusting(_ROOT, ["sts:AssumeRole", "sts:TagSession"]),
        trusting(_ROOT, "sts:Assume*"),
    ],
)
def unsupported_trust_action(statement: Statement) -> Iterator[Fail]:
    """AWS evaluates a trust policy only when somebody assumes the role, so any other action in it never matches.

    False alarm when the action is newer than the list here.
    """
    for entry in statement.actions:
        if "${" in entry.value or catalog().tier(entry.value.partition(":")[0]) == "unknown":
            continue
        # INVALID_ACTION reports an action that does not exist.
        exists = not is_literal(entry.value) or catalog().tier(entry.value) != "unknown"
        if exists and not any(
            matches(entry.value, action, ignore_case=True) for action in _TRUST_ACTIONS
        ):
            yield Fail(
                entry.where, f"{quoted(entry.value)} never matches: it does not assume a role"
            )


@check(
    "TRUST_ACTION_TOO_WIDE",
    on=Statement,
    severity=Severity.WARNING,
    title="A trust policy allows more than assuming the role",
    fix="List only the action that the principal needs, such as sts:AssumeRole.",
    source=_TRUST_PAGE,
    kinds=_TRUST,
    bad=[
        trusting(_ROOT, "*"),
        trusting(_ROOT, "sts:*"),
        {"Effect": "Allow", "Principal": _ROOT, "NotAction": "sts:TagSession"},
    ],
    good=[_GOOD, {**trusting(_ROOT, "sts:*"), "Effect": "Deny"}],
)
def broad_trust_action(statement: Statement) -> Iterator[Fail]:
    """A principal that can set the session's tags, source identity or context controls what tag-based policies and the logs see.

    False alarm when the principal is trusted to set them.
    """
    if not statement.allows:
        return
    for entry in statement.actions:
        labels = [label for label in _LABELS if matches(entry.value, label, ignore_case=True)]
        if labels and not is_literal(entry.value):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} also allows {', '.join(f'`{label}`' for label in labels)}:"
                " the principal chooses what it sets for its own session",
            )
    if statement.not_actions:
        first = quoted(statement.not_actions[0].value)
        more = f" and {len(statement.not_actions) - 1} more" if statement.not_actions[1:] else ""
        yield Fail(
            statement.place("NotAction"), f"`NotAction` allows every action except {first}{more}"
        )
