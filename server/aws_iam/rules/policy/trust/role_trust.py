"""Role trust policies: who may take the role, and how narrowly identity providers are let in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_closed_to_strangers
from aws_iam.engine.language.document import Kind, Policy, Principal, Statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.tokens.oidc_provider import host_of
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
    title="A trust policy has NotPrincipal",
    fix="Name the principals in Principal.",
    kinds=_TRUST,
    bad=[{"Effect": "Allow", "NotPrincipal": _ROOT, "Action": "sts:AssumeRole"}],
    good=[_GOOD],
)
def trust_by_exclusion(statement: Statement) -> Iterator[Fail]:
    """AWS refuses NotPrincipal in a role's trust policy."""
    if statement.has("NotPrincipal"):
        yield Fail(statement.place("NotPrincipal"), "a trust policy has no `NotPrincipal`")


@check(
    "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The principal of a trust policy is `*`",
    fix="Name the accounts, roles, services or providers that may take the role.",
    kinds=_TRUST,
    bad=[trusting("*")],
    good=[_GOOD],
)
def trust_in_star(statement: Statement) -> Iterator[Fail]:
    """AWS refuses a bare `*` as principal of a role's trust policy."""
    for principal in statement.principals:
        if principal.type == "*" and principal.value == "*":
            yield Fail(principal.name.where, "`*` is no principal of a trust policy")


@check(
    "TRUST_OPEN_TO_EVERYONE",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Any principal of any account may take the role",
    fix="Name the accounts or roles, or add a condition on aws:PrincipalOrgID, aws:PrincipalAccount or aws:PrincipalArn.",
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
    """The role is public: its permissions belong to everybody who learns its ARN."""
    if not statement.allows or is_closed_to_strangers(statement):
        return
    for principal in statement.principals:
        if principal.type == "AWS" and principal.is_everyone:
            secret = bool(statement.conditions_on("sts:externalid"))
            but = "; an external id is no secret and names nobody" if secret else ""
            yield Fail(principal.name.where, f"`*` lets every AWS account take the role{but}")


@check(
    "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
    on=Statement,
    severity=Severity.ERROR,
    title="A trust policy has a resource",
    fix="Remove the element: the resource is the role that has the policy.",
    kinds=_TRUST,
    bad=[{**_GOOD, "Resource": "*"}],
    good=[_GOOD],
)
def trust_with_resource(statement: Statement) -> Iterator[Fail]:
    """AWS refuses Resource in a role's trust policy."""
    for name in ("Resource", "NotResource"):
        if statement.has(name):
            yield Fail(statement.place(name), f"a trust policy has no `{name}`")


_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PROVIDER_ARN = re.compile(
    r"arn:aws[a-z0-9-]*:iam::[0-9]{12}:(saml-provider/[\w+=,.@-]+|oidc-provider/[^/\s]+\.[^\s]+)"
)


@check(
    "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
    on=Statement,
    severity=Severity.ERROR,
    title="A federated principal is no identity provider",
    fix="Write the ARN of an OIDC or SAML provider, or the host of a built-in one.",
    kinds=_TRUST,
    bad=[trusting({"Federated": "arn:aws:iam::111122223333:role/app"}, _WEB)],
    good=[_GITHUB_GOOD],
)
def no_provider(statement: Statement) -> Iterator[Fail]:
    """Tokens come from a provider that the account knows; anything else is never trusted."""
    for principal in _federated(statement):
        value = principal.value
        if not (_HOST.fullmatch(value) or _PROVIDER_ARN.fullmatch(value) or "*" in value):
            yield Fail(
                principal.name.where, f"{quoted(value)} is neither a provider's ARN nor a host"
            )


def _federated(statement: Statement) -> tuple[Principal, ...]:
    return tuple(principal for principal in statement.principals if principal.type == "Federated")


@check(
    "MISMATCHED_ACTION_FOR_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The action is not the one by which such a principal takes a role",
    fix="Use sts:AssumeRoleWithWebIdentity for OIDC, sts:AssumeRoleWithSAML for SAML, sts:AssumeRole for others.",
    kinds=_TRUST,
    bad=[trusting(_PROVIDER, "sts:AssumeRoleWithSAML"), trusting(_ROOT, _WEB)],
    good=[
        _GITHUB_GOOD,
        _GOOD,
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", _WEB]},
    ],
)
def action_of_other_principal(statement: Statement) -> Iterator[Fail]:
    """Each kind of principal has an action of its own; with another the statement never matches."""
    for entry in statement.actions:
        action = entry.value.lower()
        wanted = {"sts:assumerolewithsaml": "SAML", "sts:assumerolewithwebidentity": "OIDC"}.get(
            action
        )
        for principal in statement.principals if wanted else ():
            # A Deny to everyone names the callers of all kinds together.
            if statement.denies and principal.is_everyone:
                continue
            if _provider_kind(principal) not in {wanted, ""}:
                yield Fail(
                    entry.where, f"{quoted(entry.value)} never matches {quoted(principal.value)}"
                )
    yield from _plain_action(statement)


def _plain_action(statement: Statement) -> Iterator[Fail]:
    plain = [action for action in statement.actions if action.value.lower() == "sts:assumerole"]
    providers = _federated(statement)
    if plain and providers and len(providers) == len(statement.principals):
        # AWS's page does not say that it reports this pair; that it never matches follows from the action.
        yield Fail(
            plain[0].where,
            f"`sts:AssumeRole` never matches {quoted(providers[0].value)}",
            low_confidence=True,
        )


def _provider_kind(principal: Principal) -> str:
    """SAML, OIDC, another kind, or nothing when the value does not tell."""
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
    title="Roles Anywhere lacks an action that it needs",
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
    """IAM Roles Anywhere makes all three calls; without one of them no session is created."""
    trusting = [
        statement
        for statement in policy.statements
        if statement.allows and any(p.value == _ANYWHERE for p in statement.principals)
    ]
    given = [entry.value for trusted in trusting for entry in trusted.actions]
    missing = [
        action
        for action in _ANYWHERE_ACTIONS
        if not any(matches(allowed, action, ignore_case=True) for allowed in given)
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
    """A role's ARN covers all sessions of the role."""
    roles = {named.value for named in statement.principals}
    for principal in statement.principals:
        match = re.fullmatch(
            r"arn:([^:]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+", principal.value
        )
        if match and f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" in roles:
            yield Fail(
                principal.name.where, f"{quoted(principal.value)} is a session of a listed role"
            )


_TAKING = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
)
_LABELS = _TAKING[3:]
_TRUST_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html"
)


@check(
    "TRUST_ACTION_NOT_SUPPORTED",
    on=Statement,
    severity=Severity.ERROR,
    title="A trust policy has an action that does not take a role",
    fix="Write sts:AssumeRole, sts:AssumeRoleWithSAML or sts:AssumeRoleWithWebIdentity; permissions go into the role's policies.",
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
def no_taking_of_roles(statement: Statement) -> Iterator[Fail]:
    """A trust policy is asked only when somebody takes the role, so another action there never matches."""
    for entry in statement.actions:
        if "${" in entry.value or catalog().tier(entry.value.partition(":")[0]) == "unknown":
            continue
        # What does not exist at all has a code of its own.
        exists = not is_literal(entry.value) or catalog().tier(entry.value) != "unknown"
        if exists and not any(
            matches(entry.value, taking, ignore_case=True) for taking in _TAKING
        ):
            yield Fail(entry.where, f"{quoted(entry.value)} never matches: no role is taken by it")


@check(
    "TRUST_ACTION_TOO_WIDE",
    on=Statement,
    severity=Severity.WARNING,
    title="A trust policy allows more than taking the role",
    fix="Write the one action that the principal needs, such as sts:AssumeRole.",
    source=_TRUST_PAGE,
    kinds=_TRUST,
    bad=[
        trusting(_ROOT, "*"),
        trusting(_ROOT, "sts:*"),
        {"Effect": "Allow", "Principal": _ROOT, "NotAction": "sts:TagSession"},
    ],
    good=[_GOOD, {**trusting(_ROOT, "sts:*"), "Effect": "Deny"}],
)
def labels_included(statement: Statement) -> Iterator[Fail]:
    """Who may set tags, source identity or context of the session chooses what policies by tag and the logs then see."""
    if not statement.allows:
        return
    for entry in statement.actions:
        given = [label for label in _LABELS if matches(entry.value, label, ignore_case=True)]
        if given and not is_literal(entry.value):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} also gives `{given[-1]}`: the principal chooses the session's"
                " tags, source identity and context",
            )
    if statement.not_actions:
        listed = quoted(statement.not_actions[0].value)
        yield Fail(
            statement.place("NotAction"),
            f"everything but {listed} is allowed, be it taking the role or naming the session",
        )
