"""Trust in too many of a tenant's tokens: those of a whole organization or of every user, and those for other services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind, Policy, Statement
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.tokens.audience import asks_for_audience, missing_audience
from aws_iam.engine.tokens.dead_conditions import never_matches
from aws_iam.engine.tokens.oidc_provider import Provider, names_app, providers
from aws_iam.engine.tokens.strangers import denies_others
from aws_iam.engine.tokens.subject_width import (
    Width,
    narrower_value,
    whole_tenant_reach,
    widest,
)
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.check import check
from aws_iam.rules.examples import policy_with, trusting_issuer
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Where
    from aws_iam.engine.language.document import Condition

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
                f"{quoted(subject.value.value)} of {quoted(subject.condition.key.value)}"
                f" {whole_tenant_reach(provider, subject)}",
                fix=narrower_value(provider, subject),
            )


@slotted
class OpenToAll:
    """A place that accepts the tokens of every user of a tenant, and what to write there."""

    where: Where
    message: str
    severity: Severity
    """High where the subjects of the issuer name projects, low where the users may be meant."""
    fix: str | None


def open_to_all(provider: Provider, statement: Statement, *, denied: bool) -> Iterator[OpenToAll]:
    """Where the statement accepts the tokens of all users and jobs of one tenant; `denied` if a Deny tests the subject."""
    yield from _users_of_client(provider, statement)
    if not _names_tenant_only(provider) or (
        provider.required and not compared(provider, statement, provider.required)
    ):
        return
    if denied or provider.is_pinned(statement):
        return
    subject = widest(provider, statement)
    # The narrower patterns of an issuer whose subjects name projects are high, too.
    of_projects = bool(provider.grammar and provider.grammar.parts)
    severity = Severity.HIGH if of_projects else Severity.MEDIUM
    if not compared(provider, statement, "sub"):
        yield OpenToAll(
            where=statement.place("Condition"),
            message=f"no condition compares {quoted(provider.key('sub'))} with a value",
            severity=severity,
            fix=condition_to_add(provider, "sub"),
        )
    elif subject and subject.width is Width.EVERYBODY and not provider.is_shared:
        yield OpenToAll(
            where=subject.value.where,
            message=f"{quoted(subject.value.value)} of {quoted(provider.key('sub'))} matches {_subjects(subject.value.value)}",
            severity=severity,
            fix=narrower_value(provider, subject),
        )


def _subjects(pattern: str) -> str:
    """The subjects of an issuer of which only the pattern is known."""
    if not pattern.strip("*?"):
        return "every subject of the issuer"
    begun = pattern.rstrip("*")
    return f"every subject that {f'begins with {quoted(begun)}' if is_literal(begun) else 'fits'}"


def _users_of_client(provider: Provider, statement: Statement) -> Iterator[OpenToAll]:
    """An app of Google as the audience, without a user."""
    if provider.issuer is None or provider.issuer.id != "google":
        return
    if any(compared(provider, statement, claim) for claim in ("sub", "email")):
        return
    for condition in compared(provider, statement, "aud"):
        for value in condition.values:
            if names_app(provider.host, "aud", value.value):
                yield OpenToAll(
                    where=value.where,
                    message=f"{quoted(value.value)} of {quoted(condition.key.value)} is an app: every Google user who signs"
                    " in to it can assume the role",
                    severity=Severity.LOW,
                    fix=condition_to_add(provider, "sub"),
                )


def _names_tenant_only(provider: Provider) -> bool:
    """Whether everything but the subject only says whose tokens they are."""
    issuer = provider.issuer
    if issuer is None or issuer.kind == "private":
        return not provider.is_kubernetes and not provider.required
    # Of a built-in issuer the audience is an app, and its users are meant.
    return issuer.requires == "aud" and bool(issuer.subject) and not issuer.built_in


def compared(provider: Provider, statement: Statement, claim: str) -> tuple[Condition, ...]:
    """The conditions that compare the claim with values, whatever their operator."""
    return tuple(
        condition for condition in provider.on(statement, claim) if condition.base != "Null"
    )


def condition_to_add(provider: Provider, claim: str) -> str:
    """The condition that is missing, as it is to be written."""
    known = provider.issuer
    if claim.startswith("sts:"):
        value = "SESSION_NAME"
    elif claim in {"aud", "app_id"}:
        value = known.audience[0] if known and known.audience else "AUDIENCE"
    else:
        value = known.subject[0] if known and known.subject and claim == "sub" else claim.upper()
    return f'Add "StringEquals": {{"{provider.key(claim)}": "{value}"}} with your own names.'


_AS_AWS = {
    Severity.HIGH: Severity.SECURITY_WARNING,
    Severity.MEDIUM: Severity.WARNING,
    Severity.LOW: Severity.SUGGESTION,
}
_VERCEL = {"oidc.vercel.com:aud": "https://vercel.com/octo"}


@check(
    "OIDC-NO-SUB",
    on=Policy,
    severity=Severity.WARNING,
    title="Anyone with a token of the tenant can assume the role",
    fix="Add StringEquals on the issuer's sub key.",
    source=_ROLE_FOR_OIDC,
    kinds=_TRUST,
    bad=[
        policy_with(trusting_issuer({"StringEquals": {"idp.example.com:aud": "aws"}}, "idp.example.com")),
        policy_with(trusting_issuer({"StringEquals": _VERCEL}, "oidc.vercel.com")),
    ],
    good=[
        policy_with(_BRANCH),
        policy_with(
            trusting_issuer(
                {"StringEquals": {"idp.example.com:aud": "aws", "idp.example.com:sub": "job-7"}}, "idp.example.com"
            )
        ),
    ],
)  # fmt: skip
def any_subject(policy: Policy) -> Iterator[Fail]:
    """The issuer, or the audience, belongs to one tenant, but all of the tenant's users and jobs get such tokens.

    False alarm when the issuer gives tokens to one workload only.
    """
    for statement, provider in _accepted(policy):
        # MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL reports a statement that tests no claim at all.
        if not any(map(provider.claim, statement.conditions)):
            continue
        denied = _is_denied(policy, provider, "sub")
        for found in open_to_all(provider, statement, denied=denied):
            yield Fail(found.where, found.message, severity=_AS_AWS[found.severity], fix=found.fix)


@check(
    "OIDC-NO-AUD",
    on=Policy,
    severity=Severity.WARNING,
    title="The audience of the token is not required",
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
