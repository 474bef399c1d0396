"""Trust in too many of a tenant's tokens: those of a whole organization, and those for other services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind, Policy, Statement
from aws_iam.engine.tokens.audience import asks_for_audience, missing_audience
from aws_iam.engine.tokens.dead_conditions import never_matches
from aws_iam.engine.tokens.oidc_provider import Provider, providers
from aws_iam.engine.tokens.strangers import denies_others
from aws_iam.engine.tokens.subject_width import Width, narrower_value, widest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import policy_with, trusting_issuer
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRUST = (Kind.TRUST,)
_ROLE_FOR_OIDC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html"
)
_GITHUB = "token.actions.githubusercontent.com"
_SUB, _AUD = f"{_GITHUB}:sub", f"{_GITHUB}:aud"
_FOR_US = {_AUD: "sts.amazonaws.com"}
_BRANCH = trusting_issuer({"StringEquals": {**_FOR_US, _SUB: "repo:octo/app:ref:refs/heads/main"}})
_OCTO = {"StringEquals": _FOR_US, "StringLike": {_SUB: "repo:octo/*"}}


def _accepted(policy: Policy) -> Iterator[tuple[Statement, Provider]]:
    """The providers whose tokens a statement accepts; the tokens of EKS clusters have checks of their own."""
    for statement in policy.statements:
        if statement.allows and not never_matches(statement):
            yield from ((statement, own) for own in providers(statement) if not own.is_kubernetes)


def _is_denied(policy: Policy, provider: Provider, claim: str) -> bool:
    """Whether a Deny of the policy tests the claim, which narrows what the patterns of the Allow show."""
    return any(denies_others(statement, provider, claim) for statement in policy.statements)


@check(
    "OIDC-ORG-WIDE",
    on=Policy,
    severity=Severity.SECURITY_WARNING,
    title="Every repository, project or workspace of the tenant can assume the role",
    fix="Write the full name of the repository, project or workspace.",
    source=_ROLE_FOR_OIDC,
    kinds=_TRUST,
    bad=[policy_with(trusting_issuer(_OCTO))],
    good=[
        policy_with(_BRANCH),
        policy_with(
            trusting_issuer({"StringEquals": _FOR_US, "StringLike": {_SUB: "repo:octo/app:*"}})
        ),
        policy_with(
            trusting_issuer(
                {
                    "StringEquals": {**_FOR_US, f"{_GITHUB}:repository_id": "456"},
                    "StringLike": {_SUB: "repo:octo/*"},
                }
            )
        ),
    ],
)
def whole_tenant(policy: Policy) -> Iterator[Fail]:
    """Anyone who can create a repository of the tenant, or push to its least protected one, gets the role.

    False alarm when the role is meant for the whole tenant and allows nothing sensitive.
    """
    for statement, provider in _accepted(policy):
        subject = widest(provider, statement)
        if subject and subject.width is Width.TENANT and not _is_denied(policy, provider, "sub"):
            yield Fail(
                subject.value.where,
                f"{quoted(subject.value.value)} of {quoted(subject.condition.key.value)} matches every"
                " repository, project or workspace that fits, including ones created later",
                fix=narrower_value(provider, subject),
            )


@check(
    "OIDC-NO-AUD",
    on=Policy,
    severity=Severity.WARNING,
    title="The audience of the token is not tested",
    fix="Add StringEquals on the issuer's aud key.",
    source=_ROLE_FOR_OIDC,
    kinds=_TRUST,
    bad=[
        policy_with(trusting_issuer({"StringEquals": {_SUB: "repo:octo/app:ref:refs/heads/main"}}))
    ],
    good=[policy_with(_BRANCH)],
)
def no_audience(policy: Policy) -> Iterator[Fail]:
    """Without this condition, a token that was issued for another service can also be used to assume the role.

    False alarm when the provider has one client id and the issuer uses it for nothing else.
    """
    for statement, provider in _accepted(policy):
        # MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL reports a statement that tests no claim at all.
        tested = any(map(provider.claim, statement.conditions))
        if not (tested and asks_for_audience(provider)):
            continue
        lack = missing_audience(provider, statement)
        if lack:
            yield Fail(lack[1], lack[0])
