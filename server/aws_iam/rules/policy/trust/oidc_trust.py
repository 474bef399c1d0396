"""Trust in OIDC providers: whose tokens are let in, and conditions that no token meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_present
from aws_iam.engine.language.document import Condition, Kind, Statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.tokens.oidc_provider import (
    Provider,
    dead_key,
    dead_value,
    never_matches,
    providers,
)
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting_issuer
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRUST = (Kind.TRUST,)
_CONTROLS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html"
_KEYS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"
)
_OPERATORS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
_EKS_PAGE = "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"
_GITHUB = "token.actions.githubusercontent.com"
_SUB, _AUD = f"{_GITHUB}:sub", f"{_GITHUB}:aud"
_FOR_US = {_AUD: "sts.amazonaws.com"}
_BRANCH = {**_FOR_US, _SUB: "repo:octo/app:ref:refs/heads/main"}
_CLUSTER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
_POD_AUD = {f"{_CLUSTER}:aud": "sts.amazonaws.com"}
_POOL = "cognito-identity.amazonaws.com"


_GOOD = trusting_issuer({"StringEquals": _BRANCH})
_POD = {"StringEquals": {**_POD_AUD, f"{_CLUSTER}:sub": "system:serviceaccount:shop:cart"}}
_GITLAB = {"StringEquals": {"gitlab.com:aud": "https://gitlab.com"}}
_GITLAB_PROJECT = {"StringLike": {"gitlab.com:sub": "project_path:octo/app:*"}}


def _tested(provider: Provider, statement: Statement) -> bool:
    """Whether some condition is about the provider's tokens."""
    return any(map(provider.claim, statement.conditions)) or _is_asked(provider, statement)


def _asking(provider: Provider, statement: Statement) -> tuple[Condition, ...]:
    """The conditions that compare the claim which tells the tenant."""
    required = provider.required
    found = provider.on(statement, required) if required else ()
    return tuple(condition for condition in found if condition.base != "Null")


def _is_asked(provider: Provider, statement: Statement) -> bool:
    return any(c.demanded for c in _asking(provider, statement))


def _unasked(statement: Statement) -> Iterator[Provider]:
    """The providers whose tokens of all tenants pass for want of a condition on the claim that tells them apart."""
    if never_matches(statement):
        return
    for provider in providers(statement):
        if provider.required and not _asking(provider, statement):
            yield provider


def _graded(provider: Provider, statement: Statement) -> Severity | None:
    """Lower where another claim names the tenant: AWS wants the claim all the same."""
    return Severity.WARNING if provider.is_pinned(statement) else None


@check(
    "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Every token of the identity provider may take the role",
    fix="Add conditions on the provider's aud and sub keys.",
    kinds=_TRUST,
    bad=[trusting_issuer({})],
    good=[_GOOD],
)
def any_token(statement: Statement) -> Iterator[Fail]:
    """The provider issues tokens to all its users, not only to those that were meant."""
    if never_matches(statement):
        return
    for provider in providers(statement):
        if not _tested(provider, statement):
            key = provider.key(provider.required or "sub")
            yield Fail(
                provider.principal.name.where,
                f"no condition has a key of {quoted(provider.host)}, such as {quoted(key)}",
            )


@check(
    "MISSING_GITHUB_REPO_CONDITION_KEY",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Workflows of every GitHub repository may take the role",
    fix="Add StringEquals on token.actions.githubusercontent.com:sub with the repository and branch.",
    kinds=_TRUST,
    bad=[trusting_issuer({"StringEquals": _FOR_US})],
    good=[_GOOD],
)
def any_repository(statement: Statement) -> Iterator[Fail]:
    """GitHub issues tokens to everybody's workflows; the sub claim says whose it is."""
    for provider in _unasked(statement):
        if provider.host.lower() == _GITHUB:
            yield Fail(
                statement.place("Condition"),
                f"no condition has the key {quoted(provider.key('sub'))}",
                # AWS wants the claim also where another one names the repository.
                low_confidence=provider.is_pinned(statement),
            )


@check(
    "OIDC-NO-TENANT",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Every customer of the identity provider may take the role",
    fix="Add StringEquals on the claim that tells the provider's customers apart.",
    source=_CONTROLS,
    kinds=_TRUST,
    bad=[
        trusting_issuer(_GITLAB, "gitlab.com"),
        trusting_issuer({"ForAnyValue:StringLike": {f"{_POOL}:amr": "authenticated"}}, _POOL),
    ],
    good=[
        trusting_issuer({**_GITLAB, **_GITLAB_PROJECT}, "gitlab.com"),
        trusting_issuer(
            {"StringEquals": {f"{_POOL}:aud": "eu-west-1:11111111-2222-3333-4444-5555"}}, _POOL
        ),
        trusting_issuer(
            {"StringEquals": {"gitlab.example.com:aud": "https://aws"}}, "gitlab.example.com"
        ),
        trusting_issuer(
            {"StringEquals": {"oidc.vercel.com:aud": "https://vercel.com/octo"}}, "oidc.vercel.com"
        ),
    ],
)
def any_customer(statement: Statement) -> Iterator[Fail]:
    """All customers of a shared issuer get tokens of the same issuer; only this claim says which customer a token belongs to.

    Wrong where another claim already names the tenant; AWS refuses to save such a policy all the
    same.
    """
    for provider in _unasked(statement):
        if provider.is_eks or provider.host.lower() == _GITHUB or not _tested(provider, statement):
            continue
        key = provider.key(provider.required)
        yield Fail(
            statement.place("Condition"),
            f"no condition has the key {quoted(key)}, and {quoted(provider.host)} is the issuer of all"
            " its customers",
            severity=_graded(provider, statement),
        )


@check(
    "IRSA-NO-SUB",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Every pod of the EKS cluster may take the role",
    fix="Add StringEquals on the issuer's sub key: system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT.",
    source=_EKS_PAGE,
    kinds=_TRUST,
    bad=[trusting_issuer({"StringEquals": _POD_AUD}, _CLUSTER)],
    good=[trusting_issuer(_POD, _CLUSTER)],
)
def any_pod(statement: Statement) -> Iterator[Fail]:
    """The cluster issues a token to every service account; the sub claim says which one.

    Wrong where the cluster runs a single workload and nobody else may create pods.
    """
    for provider in _unasked(statement):
        if provider.is_eks and _tested(provider, statement):
            yield Fail(
                statement.place("Condition"),
                f"no condition has the key {quoted(provider.key('sub'))}",
            )


def _open_values(provider: Provider, statement: Statement) -> Iterator[tuple[Condition, Fail]]:
    """The values that let several tenants in; none when another condition on the claim shuts them out."""
    found = []
    for condition in (c for c in _asking(provider, statement) if c.demanded):
        like = "Like" in condition.base
        wide = [value for value in condition.values if like and provider.is_open(value.value)]
        if not wide:
            return
        found += [(condition, Fail(pattern.where, quoted(pattern.value))) for pattern in wide]
    yield from found


@check(
    "OIDC-TENANT-WILD",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="The pattern matches tokens of strangers",
    fix="Write the organization in full, up to and including the character that ends its name.",
    source=_CONTROLS,
    kinds=_TRUST,
    bad=[
        trusting_issuer({"StringEquals": _FOR_US, "StringLike": {_SUB: "repo:*"}}),
        trusting_issuer(
            {"StringEquals": _FOR_US, "StringLike": {_SUB: ["repo:octo/app:*", "repo:octo*"]}}
        ),
        trusting_issuer(
            {**_GITLAB, "StringLike": {"gitlab.com:sub": "project_path:*"}}, "gitlab.com"
        ),
        trusting_issuer(
            {"StringLike": {"app.terraform.io:sub": "organization:*"}}, "app.terraform.io"
        ),
    ],
    good=[
        _GOOD,
        trusting_issuer({"StringEquals": _FOR_US, "StringLike": {_SUB: "repo:octo/*"}}),
        trusting_issuer({**_GITLAB, **_GITLAB_PROJECT}, "gitlab.com"),
        trusting_issuer(
            {
                "StringEquals": {**_FOR_US, f"{_GITHUB}:repository_owner_id": "123456"},
                "StringLike": {_SUB: "repo:*"},
            }
        ),
    ],
)
def strangers_in_pattern(statement: Statement) -> Iterator[Fail]:
    """Anyone may choose a name that the pattern matches: `repo:octo*` also lets in the organization octo-evil.

    Wrong where another claim, such as an immutable id, already names the tenant.
    """
    for provider in () if never_matches(statement) else providers(statement):
        if provider.is_eks or provider.is_pinned(statement):
            continue
        for condition, value in _open_values(provider, statement):
            yield Fail(
                value.where,
                f"{value.message} of {quoted(condition.key.value)} matches tokens of strangers",
            )


@check(
    "IRSA-WILD",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="The pattern matches several service accounts of the cluster",
    fix="Write namespace and service account in full.",
    source=_EKS_PAGE,
    kinds=_TRUST,
    bad=[
        trusting_issuer(
            {"StringLike": {f"{_CLUSTER}:sub": "system:serviceaccount:*:*"}}, _CLUSTER
        ),
        trusting_issuer(
            {"StringLike": {f"{_CLUSTER}:sub": "system:serviceaccount:shop:*"}}, _CLUSTER
        ),
    ],
    good=[trusting_issuer(_POD, _CLUSTER)],
)
def several_pods(statement: Statement) -> Iterator[Fail]:
    """Whoever may create pods in one of the namespaces gets the role's permissions.

    Wrong where all matching service accounts are meant and share one owner.
    """
    for provider in () if never_matches(statement) else providers(statement):
        if not provider.is_eks:
            continue
        for _, value in _open_values(provider, statement):
            yield Fail(value.where, f"{value.message} matches pods of every namespace")
        for condition in (c for c in _asking(provider, statement) if c.demanded):
            for pattern in condition.values if "Like" in condition.base else ():
                if pattern.value.endswith(":*") and not provider.is_open(pattern.value):
                    yield Fail(
                        pattern.where,
                        f"{quoted(pattern.value)} matches every service account of the namespace",
                        severity=Severity.WARNING,
                    )


@check(
    "OIDC-VACUOUS",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="A claim is tested by an operator that keeps nobody out",
    fix="Use StringEquals or StringLike, without ForAllValues: and IfExists.",
    source=_OPERATORS,
    kinds=_TRUST,
    bad=[
        trusting_issuer({"StringEquals": _FOR_US, "StringNotEquals": {_SUB: "repo:octo/old:*"}}),
        trusting_issuer({"ForAllValues:StringEquals": _BRANCH}),
        trusting_issuer(
            {"StringEquals": _FOR_US, "StringLikeIfExists": {_SUB: "repo:octo/app:*"}}
        ),
    ],
    good=[
        _GOOD,
        trusting_issuer(
            {"ForAllValues:StringEquals": _BRANCH, "Null": {_SUB: "false", _AUD: "false"}}
        ),
    ],
)
def tested_in_vain(statement: Statement) -> Iterator[Fail]:
    """Such an operator also holds without the claim, or for every value but a few: strangers pass.

    Wrong where another condition of the statement already limits the same claim.
    """
    for provider in () if never_matches(statement) else providers(statement):
        for claim in dict.fromkeys((provider.required, "aud", "sub")):
            if claim:
                yield from _in_vain(provider, statement, claim)


def _in_vain(provider: Provider, statement: Statement, claim: str) -> Iterator[Fail]:
    tested = [condition for condition in provider.on(statement, claim) if condition.base != "Null"]
    if any(c.demanded for c in tested):
        return
    present = is_present(statement, provider.key(claim).lower())
    for condition in tested:
        open_ = condition.negated or not present
        # Only the claim that tells the tenant must be compared with values to hold strangers off.
        if not (open_ and (claim == provider.required or condition.qualifier == "ForAllValues")):
            continue
        needed = claim == provider.required
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} {_why_open(condition)}",
            severity=_graded(provider, statement) if needed else Severity.WARNING,
        )


def _why_open(condition: Condition) -> str:
    if condition.negated:
        return "lets in everyone but the values listed"
    return "also holds for a request without the key"


@check(
    "OIDC-NEVER-MATCH",
    on=Statement,
    severity=Severity.ERROR,
    title="No token of the identity provider meets the condition",
    fix="Use StringLike for a pattern, the issuer of the principal in the key, and a claim that AWS passes on.",
    source=_KEYS,
    kinds=_TRUST,
    bad=[
        trusting_issuer({"StringEquals": {**_FOR_US, _SUB: "repo:octo/*"}}),
        trusting_issuer({"StringEquals": {**_BRANCH, "gitlab.com:sub": "project_path:octo/app"}}),
        trusting_issuer({"StringEquals": {**_BRANCH, f"{_GITHUB}:event_name": "push"}}),
    ],
    good=[
        _GOOD,
        trusting_issuer({"StringEquals": {**_BRANCH, f"{_GITHUB}:repository_id": "456"}}),
    ],
)
def no_token_fits(statement: Statement) -> Iterator[Fail]:
    """All conditions must hold, so one that never does closes the role to everybody.

    Wrong where AWS passes on a claim of the issuer that is not known here yet.
    """
    if not any(True for _ in providers(statement)):
        return
    for condition in statement.conditions:
        why = dead_key(statement, condition)
        if why:
            yield Fail(
                condition.key.where, f"{quoted(condition.key.value)} never matches: it {why}"
            )
        dead = [
            (value, reason)
            for value in condition.values
            if (reason := dead_value(condition, value.value))
        ]
        for value, reason in dead if condition.demanded else ():
            yield Fail(
                value.where,
                f"{quoted(value.value)} never matches: {reason}",
                severity=None if len(dead) == len(condition.values) else Severity.WARNING,
            )


@check(
    "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
    on=Statement,
    severity=Severity.WARNING,
    title="The GitHub subject has a wildcard",
    fix="Write the repository and the branch, tag or environment in full.",
    kinds=_TRUST,
    bad=[trusting_issuer({"StringLike": {_SUB: "repo:octo/*"}})],
    good=[_GOOD],
)
def several_repositories(statement: Statement) -> Iterator[Fail]:
    """Every repository and branch that the pattern matches may take the role, including those created later.

    Wrong where all of them are meant and the role allows nothing sensitive.
    """
    if not any(provider.host.lower() == _GITHUB for provider in providers(statement)):
        return
    for condition in statement.conditions_on(_SUB):
        if condition.negated or "Like" not in condition.base:
            continue
        for value in condition.values:
            if is_literal(value.value):
                continue
            repository = ":".join(value.value.split(":")[:2])
            pulls = ", pull requests among them" if _takes_pulls(value.value) else ""
            yield Fail(
                value.where,
                f"{quoted(value.value)} matches several subjects{pulls}",
                # Whether AWS accepts a wildcard after a repository written in full is not known.
                low_confidence=is_literal(repository),
            )


def _takes_pulls(subject: str) -> bool:
    """Whether the pattern matches runs for pull requests, whose subject ends with `:pull_request`."""
    _, *fields = subject.split(":")
    if len(fields) <= 1:
        return subject.endswith("*")
    return len(fields) == 2 and matches(fields[1], "pull_request")  # noqa: PLR2004 - repository and run
