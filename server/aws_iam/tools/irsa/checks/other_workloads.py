"""Roles for AWS services, certificates (IAM Roles Anywhere) and Cognito users, and tokens for services outside AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.gather import one_policy
from aws_iam.engine.tokens.dead_conditions import dead_principal
from aws_iam.engine.tokens.oidc_provider import IDENTITY_POOLS, providers
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting
from aws_iam.rules.outcomes import Fail
from aws_iam.rules.policy.principals import confused_deputy, principal_format
from aws_iam.rules.policy.trust import role_trust, saml_cognito_pods
from aws_iam.tools.irsa.checks.issuers import GOOD, graded, of_rule
from aws_iam.tools.irsa.checks.roles import policies
from aws_iam.tools.irsa.checks.roles import roles as roles_of
from aws_iam.tools.irsa.checks.samples import for_github, role, roles, workloads
from aws_iam.tools.irsa.checks.subject import FACTS, Trust, Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.engine.language.document import Statement

_ANYWHERE_PAGE = "https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html"
_DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_OUTBOUND = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_policies.html"
)
_PRINCIPALS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
)
_WEB = "sts:AssumeRoleWithWebIdentity"
_ANYWHERE = {"Service": "rolesanywhere.amazonaws.com"}
_ALL_THREE = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
_ANCHOR = {
    "ArnEquals": {
        "aws:SourceArn": "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/11111111-2222"
    }
}
_SCHEDULER = {"Service": "scheduler.amazonaws.com"}


@check(
    "TRUST_OPEN_TO_EVERYONE",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title=role_trust.open_trust.title,
    fix=role_trust.open_trust.fix,
    source=_PRINCIPALS,
    bad=[trusting({"AWS": "*"})],
    good=[
        trusting({"AWS": "*"}, condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}),
        GOOD,
    ],
)
def everyone(trust: Trust) -> Iterator[Fail]:
    """The role is public: anyone who learns its ARN gets its permissions.

    False alarm when a Deny in another statement keeps other accounts out.
    """
    yield from of_rule(trust, role_trust.open_trust)


@check(
    "TRUST-PRINCIPAL",
    on=Trust,
    severity=Severity.HIGH,
    needs=FACTS,
    title="AWS refuses the principal of the trust policy, or it names nobody",
    fix="Name the providers, services, accounts or roles that may assume the role.",
    source=_PRINCIPALS,
    bad=[
        trusting("*", _WEB),
        {"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"},
        trusting({"Federated": "arn:aws:iam::111122223333:oidc-provider/*"}, _WEB),
        trusting({"Federated": "token.actions.githubusercontent.com"}, _WEB),
    ],
    good=[GOOD, trusting({"AWS": "*"}), trusting({"Federated": IDENTITY_POOLS}, _WEB)],
)
def refused_principal(trust: Trust) -> Iterator[Fail]:
    """A role's trust policy names each of its principals: AWS does not save one with `*`, a wildcard or NotPrincipal.

    An issuer that AWS does not know itself is trusted by the ARN of its provider in the account, never by its URL or host.

    False alarm when the wildcard belongs to a placeholder that is filled in before deployment.
    """
    for statement in trust.policy.statements:
        # OIDC-NEVER-MATCH reports an ARN with more than the host.
        dead = {own.principal.name.where for own in providers(statement) if dead_principal(own)}
        for rule in (
            role_trust.trust_by_exclusion,
            role_trust.trust_in_star,
            principal_format.wildcard_principal,
            role_trust.invalid_provider,
        ):
            for problem in rule.failures(statement):
                if problem.where not in dead:
                    yield graded(problem, fix=problem.fix)


@check(
    "ROLES_ANYWHERE_TRUST_OPEN",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="Anyone with a certificate from any trust anchor can assume the role",
    fix="Add ArnEquals on aws:SourceArn (the trust anchor) and StringEquals on aws:PrincipalTag/x509Subject/CN or another field of the certificate.",
    source=_ANYWHERE_PAGE,
    bad=[trusting(_ANYWHERE, _ALL_THREE)],
    good=[trusting(_ANYWHERE, _ALL_THREE, _ANCHOR), GOOD],
)
def any_certificate(trust: Trust) -> Iterator[Fail]:
    """Anyone who has a certificate from one of the account's authorities and knows a profile gets the role.

    False alarm when the trust anchor issues certificates to this workload only.
    """
    yield from of_rule(trust, saml_cognito_pods.any_certificate)


@check(
    "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
    on=Trust,
    severity=Severity.HIGH,
    needs=FACTS,
    title="IAM Roles Anywhere lacks an action that it needs",
    fix="Allow sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession.",
    source=_ANYWHERE_PAGE,
    bad=[trusting(_ANYWHERE, "sts:AssumeRole", _ANCHOR)],
    good=[trusting(_ANYWHERE, _ALL_THREE, _ANCHOR), GOOD],
)
def incomplete(trust: Trust) -> Iterator[Fail]:
    """IAM Roles Anywhere makes all three calls; without one of them it creates no session.

    Never wrong: the service makes these calls for every session.
    """
    for problem in role_trust.roles_anywhere_incomplete.failures(trust.policy):
        yield graded(problem)


@check(
    "TRUST_WITHOUT_SOURCE_CONDITION",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="A service can assume the role on behalf of any account",
    fix="Add StringEquals on aws:SourceAccount, or ArnLike on aws:SourceArn, as the service's documentation asks.",
    source=_DEPUTY,
    bad=[trusting(_SCHEDULER)],
    good=[
        trusting(_SCHEDULER, condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        trusting({"Service": "lambda.amazonaws.com"}),
        GOOD,
    ],
)
def any_account(trust: Trust) -> Iterator[Fail]:
    """The service works for all accounts, and somebody else's resource can make it use your role.

    Only services whose documentation is known to ask for the condition are judged; the answer names the others.
    """
    yield from of_rule(trust, confused_deputy.source_not_required, own_fix=True)


_OF_POOL = {
    "StringEquals": {f"{IDENTITY_POOLS}:aud": "eu-west-1:11111111-2222-3333-4444-555555555555"}
}
_SIGNED_IN = {"ForAnyValue:StringLike": {f"{IDENTITY_POOLS}:amr": "authenticated"}}


@check(
    "COGNITO_TRUST_WITHOUT_AMR",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="Guests of the identity pool can assume the role like signed-in users",
    fix='Add "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}, or "unauthenticated" for the guests\' role.',
    source="https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html",
    bad=[trusting({"Federated": IDENTITY_POOLS}, _WEB, _OF_POOL)],
    good=[trusting({"Federated": IDENTITY_POOLS}, _WEB, {**_OF_POOL, **_SIGNED_IN}), GOOD],
)
def guests(trust: Trust) -> Iterator[Fail]:
    """A pool gives tokens to signed-in users and, if it allows guests, to anyone; only amr tells them apart.

    False alarm when the pool does not allow guests.
    """
    yield from of_rule(trust, saml_cognito_pods.guests_included)


_GUESTS = {"ForAnyValue:StringLike": {f"{IDENTITY_POOLS}:amr": "unauthenticated"}}


@check(
    "COGNITO_TRUST_FOR_GUESTS",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title=saml_cognito_pods.guests.title,
    fix=saml_cognito_pods.guests.fix,
    source="https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html",
    bad=[trusting({"Federated": IDENTITY_POOLS}, _WEB, {**_OF_POOL, **_GUESTS})],
    good=[trusting({"Federated": IDENTITY_POOLS}, _WEB, {**_OF_POOL, **_SIGNED_IN}), GOOD],
)
def guests_alone(trust: Trust) -> Iterator[Fail]:
    """A pool that allows guests gives credentials to everyone who sends its id, which every copy of the app contains.

    False alarm when the app is meant for visitors who do not sign in, and the role allows no more than they may do.
    """
    yield from of_rule(trust, saml_cognito_pods.guests)


_TOKEN = "sts:GetWebIdentityToken"  # noqa: S105 - an action
_AUDIENCE = "sts:identitytokenaudience"
_ASKS = {"Effect": "Allow", "Action": _TOKEN, "Resource": "*"}
_ONE_AUDIENCE = {
    "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "https://api.example.com"},
    "Null": {"sts:IdentityTokenAudience": "false"},
}


@check(
    "OUTBOUND-AUDIENCE",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(AUTHORIZATION,),
    title="The role can get a token for any service outside AWS",
    fix='Add "ForAllValues:StringEquals" on sts:IdentityTokenAudience with the services that it calls.',
    source=_OUTBOUND,
    bad=[workloads(roles(role("app", for_github(), allows=[_ASKS])))],
    good=[
        workloads(
            roles(role("app", for_github(), allows=[{**_ASKS, "Condition": _ONE_AUDIENCE}]))
        ),
        workloads(roles(role("app", for_github()))),
        workloads(roles(role("admin", for_github(), allows=[{**_ASKS, "Action": "*"}]))),
    ],
)
def any_audience(at: Workloads) -> Iterator[Fail]:
    """Whoever runs as the role can prove its identity to every service that trusts the account's issuer.

    False alarm when only one service outside AWS trusts the issuer of the account. Statements that allow every action
    are left out: whoever has them needs no token to do harm.
    """
    for found in roles_of(at).values():
        if any(map(_asks_for_any, _statements(at, found))):
            yield Fail(found.arn, f"{quoted(_TOKEN)} is allowed for every audience")


def _statements(at: Workloads, found: Role) -> Iterator[Statement]:
    for text in policies(at, found):
        # Few policies name the action: the others need not be parsed.
        if "sts:get" not in text.lower():
            continue
        try:
            yield from one_policy(text, Kind.IDENTITY).statements
        except InputError:
            continue


def _asks_for_any(statement: Statement) -> bool:
    named = any(
        action.value.lower().startswith("sts:get")
        and matches(action.value, _TOKEN, ignore_case=True)
        for action in statement.actions
    )
    if not (statement.allows and named):
        return False
    tested = statement.conditions_on(_AUDIENCE)
    return not any(
        condition.demanded or (condition.qualifier == "ForAllValues" and not condition.negated)
        for condition in tested
    )
