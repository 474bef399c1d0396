"""Trust in OIDC providers: whose tokens are accepted, and conditions that no token meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Kind, Statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.tokens.dead_conditions import (
    dead_beside_audience,
    dead_key,
    dead_principal,
    dead_value,
    doubtful_value,
    doubts,
    never_matches,
)
from aws_iam.engine.tokens.oidc_provider import IDENTITY_POOLS, Provider, providers
from aws_iam.engine.tokens.strangers import open_values
from aws_iam.engine.tokens.subject_width import Width, widest
from aws_iam.engine.tokens.vacuous_conditions import vacuous_conditions
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting_issuer
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.tokens.strangers import OpenValue

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


_GOOD = trusting_issuer({"StringEquals": _BRANCH})
_POD = {"StringEquals": {**_POD_AUD, f"{_CLUSTER}:sub": "system:serviceaccount:shop:cart"}}
_GITLAB = {"StringEquals": {"gitlab.com:aud": "https://gitlab.com"}}
_GITLAB_PROJECT = {"StringLike": {"gitlab.com:sub": "project_path:octo/app:*"}}


# https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations
ONLY_CALLED_WORKFLOW = (
    "; `job_workflow_ref` names the workflow that the job calls, and if the repository of that workflow is public, jobs of any"
    " repository may call it"
)


def _tests_a_claim(provider: Provider, statement: Statement) -> bool:
    """Whether a condition tests a claim of the provider's tokens."""
    return any(map(provider.claim, statement.conditions)) or any(
        condition.demanded for condition in _tenant_conditions(provider, statement)
    )


def _tenant_conditions(provider: Provider, statement: Statement) -> tuple[Condition, ...]:
    """The conditions that compare the claim that identifies the tenant."""
    conditions = provider.on(statement, provider.required) if provider.required else ()
    return tuple(condition for condition in conditions if condition.base != "Null")


def _without_tenant(statement: Statement) -> Iterator[Provider]:
    """The providers whose tokens are accepted for every tenant, because no condition compares the claim that identifies it."""
    if never_matches(statement):
        return
    for provider in providers(statement):
        if not provider.required or _tenant_conditions(provider, statement):
            continue
        if not provider.is_identified(statement):
            yield provider


def _graded(provider: Provider, statement: Statement) -> Severity | None:
    """Lower where another claim identifies the tenant: AWS requires this claim all the same."""
    return Severity.WARNING if provider.is_pinned(statement) else None


@check(
    "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Anyone with a token of the identity provider can assume the role",
    fix="Add conditions on the provider's aud and sub keys.",
    kinds=_TRUST,
    bad=[trusting_issuer({})],
    good=[_GOOD],
)
def any_token(statement: Statement) -> Iterator[Fail]:
    """The provider issues tokens to all of its users, not only to those that you mean.

    False alarm when the provider is private and everyone with a token of it may use the role.
    """
    if never_matches(statement):
        return
    for provider in providers(statement):
        if not _tests_a_claim(provider, statement):
            key = provider.key(provider.required or "sub")
            yield Fail(
                provider.principal.name.where,
                f"no condition tests a claim of {quoted(provider.host)}, such as {quoted(key)}",
            )


@check(
    "MISSING_GITHUB_REPO_CONDITION_KEY",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="No condition tests which GitHub repository a token belongs to",
    fix="Add StringEquals on token.actions.githubusercontent.com:sub with the repository and branch.",
    kinds=_TRUST,
    bad=[trusting_issuer({"StringEquals": _FOR_US})],
    good=[_GOOD],
)
def any_repository(statement: Statement) -> Iterator[Fail]:
    """GitHub issues tokens to everybody's workflows; the sub claim says which repository a token belongs to.

    False alarm when another claim already names the repository; AWS wants a condition on sub all the same.
    """
    for provider in _without_tenant(statement):
        if provider.host.lower() == _GITHUB:
            yield Fail(
                statement.place("Condition"),
                f"no condition compares {quoted(provider.key('sub'))} with a value"
                + ONLY_CALLED_WORKFLOW * provider.names_called_workflow(statement),
                # AWS wants this claim even where another one names the repository.
                low_confidence=provider.is_pinned(statement),
            )


@check(
    "OIDC-NO-TENANT",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="No condition tests which customer of the identity provider a token belongs to",
    fix="Add StringEquals on the claim that identifies the customer.",
    source=_CONTROLS,
    kinds=_TRUST,
    bad=[
        trusting_issuer(_GITLAB, "gitlab.com"),
        trusting_issuer(
            {"ForAnyValue:StringLike": {f"{IDENTITY_POOLS}:amr": "authenticated"}}, IDENTITY_POOLS
        ),
    ],
    good=[
        trusting_issuer({**_GITLAB, **_GITLAB_PROJECT}, "gitlab.com"),
        trusting_issuer(
            {"StringEquals": {f"{IDENTITY_POOLS}:aud": "eu-west-1:11111111-2222-3333-4444-5555"}},
            IDENTITY_POOLS,
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
    """All customers of a shared issuer get tokens from the same issuer; only this claim says which customer a token belongs to.

    False alarm when another claim already identifies the customer.
    """
    for provider in _without_tenant(statement):
        if (
            provider.is_kubernetes
            or provider.host.lower() == _GITHUB
            or not _tests_a_claim(provider, statement)
        ):
            continue
        key = provider.key(provider.required)
        yield Fail(
            statement.place("Condition"),
            f"no condition compares {quoted(key)} with a value, and {quoted(provider.host)} issues tokens to"
            " all of its customers",
            severity=_graded(provider, statement),
        )


@check(
    "IRSA-NO-SUB",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Every pod of the cluster can assume the role",
    fix="Add StringEquals on the issuer's sub key: system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT.",
    source=_EKS_PAGE,
    kinds=_TRUST,
    bad=[trusting_issuer({"StringEquals": _POD_AUD}, _CLUSTER)],
    good=[trusting_issuer(_POD, _CLUSTER)],
)
def any_pod(statement: Statement) -> Iterator[Fail]:
    """The cluster issues a token to every service account; only the sub claim says which one.

    False alarm when the cluster runs a single workload and nobody else can create pods.
    """
    for provider in _without_tenant(statement):
        if provider.is_kubernetes and _tests_a_claim(provider, statement):
            yield Fail(
                statement.place("Condition"),
                f"no condition compares {quoted(provider.key('sub'))} with a value",
            )


PODS_THAT_FIT = {
    Width.NAMES: "every service account of the namespace whose name fits",
    Width.ANY_RUN: "every service account of the namespace",
    Width.TENANT: "pods of every namespace whose name fits: `*` also stands for text with a colon",
    Width.EVERYBODY: "pods of every namespace",
}


def matched_by_strangers(value: OpenValue) -> str:
    """What a value that lets strangers in matches, as a sentence."""
    written = f"{quoted(value.value.value)} of {quoted(value.condition.key.value)}"
    if value.called_workflow:
        return f"{written} does not name the owner of the job{ONLY_CALLED_WORKFLOW}"
    return f"{written} matches tokens of strangers"


@check(
    "OIDC-TENANT-WILD",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="Tokens of strangers also match",
    fix="Write the full name of the organization, including the character that ends it.",
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
    """Anyone can choose a name that the pattern matches: `repo:octo*` also lets in the organization octo-evil.

    False alarm when another claim, such as an immutable id, already identifies the tenant.
    """
    for provider in () if never_matches(statement) else providers(statement):
        for found in open_values(provider, statement):
            yield Fail(found.value.where, matched_by_strangers(found))


@check(
    "IRSA-WILD",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="The pattern matches several service accounts of the cluster",
    fix="Write the namespace and the service account in full.",
    source=_EKS_PAGE,
    kinds=_TRUST,
    bad=[
        trusting_issuer(
            {"StringLike": {f"{_CLUSTER}:sub": "system:serviceaccount:shop*"}}, _CLUSTER
        ),
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
    """Anyone who can create pods in one of the matching namespaces gets the role's permissions.

    False alarm when all matching service accounts are meant and have the same owner.
    """
    for provider in () if never_matches(statement) else providers(statement):
        subject = widest(provider, statement) if provider.is_kubernetes else None
        if subject and subject.width in PODS_THAT_FIT:
            yield Fail(
                subject.value.where,
                f"{quoted(subject.value.value)} matches {PODS_THAT_FIT[subject.width]}",
                severity=None if subject.width >= Width.TENANT else Severity.WARNING,
            )


@check(
    "OIDC-VACUOUS",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="A claim is tested with an operator that does not require it",
    fix="Use StringEquals or StringLike without ForAllValues: or IfExists.",
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
def vacuous_condition(statement: Statement) -> Iterator[Fail]:
    """Such an operator also holds when the claim is missing, or for every value except a few.

    Where every token has the claim, the condition works as it is written, and a typing error in the key would open the
    role. False alarm when another claim or another statement already keeps strangers out.
    """
    for provider in () if never_matches(statement) else providers(statement):
        for vacuous in vacuous_conditions(provider, statement):
            operator, key = vacuous.condition.operator, vacuous.condition.key
            pinned = provider.is_pinned(statement, beside=vacuous.claim)
            yield Fail(
                operator.where,
                f"{quoted(operator.value)} on {quoted(key.value)} {vacuous.why}",
                severity=Severity.WARNING if pinned or not vacuous.is_tenant_claim else None,
            )


@check(
    "OIDC-NEVER-MATCH",
    on=Statement,
    severity=Severity.ERROR,
    title="No token of the identity provider meets the condition",
    fix="Write the value as the issuer sends it, StringLike for a pattern, and in the key the principal's issuer and a claim that AWS passes on.",
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
    """All conditions of a statement must hold, so one that never holds locks everyone out of the role.

    False alarm when AWS passes on a claim of this issuer that is not known here yet.
    """
    if not any(True for _ in providers(statement)):
        return
    for provider in providers(statement):
        if why := dead_principal(provider):
            yield Fail(
                provider.principal.name.where,
                f"{quoted(provider.principal.value)} never matches: it {why}",
                fix="Name the ARN of a provider whose name is the issuer's host, as the issuer writes it.",
            )
        for unmet in doubts(provider, statement):
            yield Fail(
                unmet.at.where,
                f"{quoted(unmet.at.value)} never matches by default: {unmet.why}",
                fix=unmet.fix or None,
                severity=Severity.WARNING,
                low_confidence=True,
            )
        yield from _of_other_audiences(provider, statement)
    for condition in statement.conditions:
        why = dead_key(statement, condition)
        if why:
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} never matches: it {why}",
                fix="Write in the key the host of the principal's issuer, and a claim that AWS passes on.",
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
                fix="Write the value as the issuer sends it, under StringLike if it is a pattern.",
                severity=None if len(dead) == len(condition.values) else Severity.WARNING,
            )
        for value in condition.values if condition.demanded else ():
            if doubt := doubtful_value(condition, value.value):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} never matches a default subject: {doubt}",
                    severity=Severity.WARNING,
                    low_confidence=True,
                )


def _of_other_audiences(provider: Provider, statement: Statement) -> Iterator[Fail]:
    """Subjects whose tokens have another audience than the statement accepts."""
    for condition in provider.on(statement, "sub"):
        dead = [
            (value, why)
            for value in condition.values
            if condition.demanded
            and (why := dead_beside_audience(provider, statement, value.value))
        ]
        for value, why in dead:
            yield Fail(
                value.where,
                f"{quoted(value.value)} never matches: {why}",
                fix=f"Write that audience under {quoted(provider.key('aud'))}, or the subject whose tokens have yours.",
                severity=None if len(dead) == len(condition.values) else Severity.WARNING,
            )


@check(
    "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
    on=Statement,
    severity=Severity.WARNING,
    title="The GitHub subject contains a wildcard",
    fix="Write the repository and the branch, tag or environment in full.",
    kinds=_TRUST,
    bad=[trusting_issuer({"StringLike": {_SUB: "repo:octo/*"}})],
    good=[_GOOD],
)
def several_repositories(statement: Statement) -> Iterator[Fail]:
    """Every repository and branch that the pattern matches can assume the role, including ones created later.

    False alarm when all of them are meant and the role allows nothing sensitive.
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
            pulls = ", including pull requests" if _matches_pull_requests(value.value) else ""
            yield Fail(
                value.where,
                f"{quoted(value.value)} matches several subjects{pulls}",
                # It is not known whether AWS accepts a wildcard after a repository written in full.
                low_confidence=is_literal(repository),
            )


def _matches_pull_requests(subject: str) -> bool:
    """Whether the pattern matches runs for pull requests, whose subjects end with `:pull_request`."""
    _, *fields = subject.split(":")
    if len(fields) <= 1:
        return subject.endswith("*")
    return len(fields) == 2 and matches(fields[1], "pull_request")  # noqa: PLR2004 - repository and run
