"""Trust of token issuers: whether strangers get in, and conditions that say nothing or never hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.identity_providers import OIDC_SETTINGS
from aws_iam.answer import Severity
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.tokens.audience import asks_for_audience, missing_audience
from aws_iam.engine.tokens.dead_conditions import never_matches, never_matches_by_keys
from aws_iam.engine.tokens.oidc_provider import providers
from aws_iam.engine.tokens.strangers import denies_others
from aws_iam.engine.tokens.trust_comparison import ACTION
from aws_iam.engine.tokens.vacuous_conditions import vacuous_conditions
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting_issuer
from aws_iam.rules.outcomes import Fail
from aws_iam.rules.policy.conditions import never_matches as contradictions
from aws_iam.rules.policy.trust import oidc_trust, token_scope
from aws_iam.rules.policy.trust.token_scope import compared, condition_to_add
from aws_iam.tools.irsa.checks.subject import FACTS, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.tokens.oidc_provider import Provider
    from aws_iam.engine.tokens.vacuous_conditions import VacuousCondition
    from aws_iam.rules.check import Check

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
CONTROLS = f"{_GUIDE}/id_roles_providers_oidc_secure-by-default.html"
KEYS = f"{_GUIDE}/reference_policies_iam-condition-keys.html"
_OPERATORS = f"{_GUIDE}/reference_policies_condition-single-vs-multi-valued-context-keys.html"
ROLE_FOR_OIDC = f"{_GUIDE}/id_roles_create_for-idp_oidc.html"
IRSA = "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"
GITHUB = "token.actions.githubusercontent.com"
CLUSTER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
FOR_US = {f"{GITHUB}:aud": "sts.amazonaws.com"}
POD_AUD = {f"{CLUSTER}:aud": "sts.amazonaws.com"}
POD = {"StringEquals": {**POD_AUD, f"{CLUSTER}:sub": "system:serviceaccount:shop:cart"}}


def on_sub(operator: str, *values: str) -> dict[str, object]:
    """A statement that trusts GitHub subjects, for examples."""
    tested = {f"{GITHUB}:sub": list(values) if len(values) > 1 else values[0]}
    if operator == "StringEquals":
        return trusting_issuer({"StringEquals": {**FOR_US, **tested}})
    return trusting_issuer({"StringEquals": FOR_US, operator: tested})


GOOD = on_sub("StringEquals", "repo:octo@1/app@2:ref:refs/heads/main")
_POOL = {"cognito-identity.amazonaws.com:aud": "eu-west-1:11111111-2222-3333-4444-555555555555"}
_SIGNED_IN = {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}}


def trusted(trust: Trust) -> tuple[tuple[Statement, Provider], ...]:
    """Every provider whose tokens the policy takes, by statement; none of a statement that no token ever meets."""
    # Nearly every check asks, so that the first answer is kept with the policy.
    key = ("trusted", trust.stands_for_any)
    if key not in trust.policy.derived:
        trust.policy.derived[key] = tuple(_trusted(trust))
    found: tuple[tuple[Statement, Provider], ...] = trust.policy.derived[key]
    return found


def _trusted(trust: Trust) -> Iterator[tuple[Statement, Provider]]:
    for statement in trust.policy.statements:
        # A wildcard that stands for an unknown value does not close the statement.
        judge = never_matches_by_keys if trust.stands_for_any else never_matches
        closed = judge(statement)
        if not _takes_tokens(statement) or closed:
            continue
        for provider in providers(statement):
            yield statement, provider


def _takes_tokens(statement_: Statement) -> bool:
    if statement_.has("NotAction"):
        return not any(
            matches(action.value, ACTION, ignore_case=True) for action in statement_.not_actions
        )
    return any(matches(action.value, ACTION, ignore_case=True) for action in statement_.actions)


def is_denied_elsewhere(trust: Trust, provider: Provider, claim: str) -> bool:
    """Whether a Deny of the policy refuses tokens by the claim: then the Allow need not test it to keep strangers out."""
    if "denying" not in trust.policy.derived:
        denying = tuple(s for s in trust.policy.statements if s.denies and _takes_tokens(s))
        trust.policy.derived["denying"] = denying
    return any(
        denies_others(statement, provider, claim) for statement in trust.policy.derived["denying"]
    )


def graded(failure: Fail, severity: Severity | None = None, fix: str | None = None) -> Fail:
    """What a rule of policy validation found, under the severity and the fix of the check here."""
    return replace(failure, severity=severity, fix=fix)


def of_rule(trust: Trust, rule: Check[Any], *, own_fix: bool = False) -> Iterator[Fail]:
    """What a rule of policy validation finds in each statement; with `own_fix` its fixes too, where they know more."""
    for statement in trust.policy.statements:
        for failure in rule.failures(statement):
            yield graded(failure, fix=failure.fix if own_fix else None)


@check(
    "OIDC-NO-TENANT",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title=oidc_trust.any_customer.title,
    fix=oidc_trust.any_customer.fix,
    source=CONTROLS,
    bad=[
        trusting_issuer({"StringEquals": FOR_US}),
        trusting_issuer({"StringEquals": {"gitlab.com:aud": "https://gitlab.com"}}, "gitlab.com"),
        trusting_issuer(_SIGNED_IN, "cognito-identity.amazonaws.com"),
    ],
    good=[
        GOOD,
        trusting_issuer({"StringEquals": _POOL, **_SIGNED_IN}, "cognito-identity.amazonaws.com"),
        trusting_issuer(
            {"StringEquals": {"oidc.vercel.com:aud": "https://vercel.com/octo"}}, "oidc.vercel.com"
        ),
        trusting_issuer(
            {"StringEquals": {"api.pulumi.com/oidc:aud": "octo"}}, "api.pulumi.com/oidc"
        ),
    ],
)
def any_customer(trust: Trust) -> Iterator[Fail]:
    """All customers of a shared issuer get tokens from the same issuer; only this claim says which customer a token belongs to.

    Less certain where a Deny of the policy tests the claim: whether AWS's own control looks at a
    Deny is not known.
    """
    for statement, provider in trusted(trust):
        if provider.is_kubernetes or not provider.required:
            continue
        if compared(provider, statement, provider.required) or provider.is_identified(statement):
            continue
        pinned = provider.is_pinned(statement)
        denied = is_denied_elsewhere(trust, provider, provider.required)
        key = quoted(provider.key(provider.required))
        yield Fail(
            statement.place("Condition"),
            f"no condition compares {key} with a value, and {quoted(provider.host)} issues tokens to all of its customers"
            + _though(provider, statement, denied=denied, pinned=pinned),
            severity=_without_tenant(provider, statement, denied=denied, pinned=pinned),
            fix=condition_to_add(provider, provider.required),
            # Whether AWS's own control looks at a Deny is not known.
            low_confidence=denied,
        )


def _without_tenant(
    provider: Provider, statement: Statement, *, denied: bool, pinned: bool
) -> Severity | None:
    if denied:
        return Severity.LOW
    if pinned:
        return Severity.MEDIUM
    return Severity.HIGH if provider.names_called_workflow(statement) else None


def _though(provider: Provider, statement: Statement, *, denied: bool, pinned: bool) -> str:
    """What else the policy tests of the tenant."""
    if denied:
        return "; a Deny statement refuses tokens by it"
    if pinned:
        return _though_pinned(provider, statement)
    if provider.names_called_workflow(statement):
        return oidc_trust.ONLY_CALLED_WORKFLOW
    return ""


def _though_pinned(provider: Provider, statement: Statement) -> str:
    """What follows where another claim identifies the tenant: AWS documents its refusal for some issuers."""
    documented = provider.issuer is not None and CONTROLS in provider.issuer.sources
    # Whether AWS takes this claim of GitHub for the required one is not documented.
    if not documented or provider.on(statement, "job_workflow_ref"):
        return "; another claim identifies the tenant"
    return "; another claim identifies the tenant, but AWS refuses to save such a policy"


@check(
    "OIDC-NO-SUB",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title=token_scope.any_subject.title,
    fix=token_scope.any_subject.fix,
    source=ROLE_FOR_OIDC,
    bad=[
        trusting_issuer({"StringEquals": {"idp.example.com:aud": "aws"}}, "idp.example.com"),
        trusting_issuer({"StringEquals": {"oidc.vercel.com:aud": "https://vercel.com/octo"}}, "oidc.vercel.com"),
    ],
    good=[
        trusting_issuer(
            {"StringEquals": {"idp.example.com:aud": "aws", "idp.example.com:sub": "job-7"}},
            "idp.example.com",
        ),
        trusting_issuer({"StringEquals": FOR_US}),
    ],
)  # fmt: skip
def any_subject(trust: Trust) -> Iterator[Fail]:
    """The issuer, or the audience, belongs to one tenant, but all of the tenant's users and jobs get such tokens.

    False alarm when the issuer gives tokens to one workload only.
    """
    for statement, provider in trusted(trust):
        denied = is_denied_elsewhere(trust, provider, "sub")
        for found in token_scope.open_to_all(provider, statement, denied=denied):
            yield Fail(found.where, found.message, severity=found.severity, fix=found.fix)


@check(
    "OIDC-VACUOUS",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title=oidc_trust.vacuous_condition.title,
    fix=oidc_trust.vacuous_condition.fix,
    source=_OPERATORS,
    bad=[
        trusting_issuer({"ForAllValues:StringEquals": {**FOR_US, f"{GITHUB}:sub": "repo:octo/app:ref:refs/heads/main"}}),
        on_sub("StringLikeIfExists", "repo:octo/app:*"),
        on_sub("StringNotEquals", "repo:octo/old:ref:refs/heads/main"),
    ],
    good=[
        GOOD,
        trusting_issuer(
            {
                "ForAllValues:StringEquals": {f"{GITHUB}:sub": "repo:octo/app:ref:refs/heads/main"},
                "StringEquals": FOR_US,
                "Null": {f"{GITHUB}:sub": "false"},
            }
        ),
    ],
)  # fmt: skip
def vacuous_condition(trust: Trust) -> Iterator[Fail]:
    """Such an operator also holds when the claim is missing, or for every value except a few.

    High where every token has the claim: then the condition works as it is written, and a typing error in the key would
    open the role. False alarm when another claim or another statement already keeps strangers out.
    """
    for statement, provider in trusted(trust):
        for vacuous in vacuous_conditions(provider, statement):
            operator, key = vacuous.condition.operator, vacuous.condition.key
            yield Fail(
                operator.where,
                f"{quoted(operator.value)} on {quoted(key.value)} {vacuous.why}",
                severity=_grade(
                    vacuous, pinned=provider.is_pinned(statement, beside=vacuous.claim)
                ),
            )
    yield from _misspelt(trust)


def _grade(vacuous: VacuousCondition, *, pinned: bool) -> Severity | None:
    if pinned or not vacuous.is_tenant_claim:
        return Severity.MEDIUM
    return None if vacuous.lets_others_in else Severity.HIGH


def _misspelt(trust: Trust) -> Iterator[Fail]:
    """A key that no token has, under an operator that holds without the key: the condition limits nothing."""
    for statement, provider in trusted(trust):
        for condition in statement.conditions:
            host, _, claim = condition.name.partition(":")
            if condition.demanded or condition.base == "Null" or "." not in host:
                continue
            own = provider.claim(condition)
            dead = not own or not provider.maps(claim)
            alone = sum(1 for _ in providers(statement)) == 1
            if dead and alone:
                yield Fail(
                    condition.key.where,
                    f"no request with a token of {quoted(provider.host)} has {quoted(condition.key.value)}, and "
                    f"{quoted(condition.operator.value)} holds without the key",
                    severity=Severity.MEDIUM,
                    fix=f"Write the key as {quoted(provider.key('sub'))} under StringEquals, or remove the condition.",
                )


@check(
    "OIDC-NEVER-MATCH",
    on=Trust,
    severity=Severity.HIGH,
    needs=FACTS,
    title=oidc_trust.no_token_fits.title,
    fix=oidc_trust.no_token_fits.fix,
    source=KEYS,
    bad=[
        on_sub("StringEquals", "repo:octo/*"),
        trusting_issuer({"StringEquals": {**FOR_US, "gitlab.com:sub": "project_path:octo/app"}}),
        trusting_issuer(
            {"StringEquals": {**FOR_US, f"{GITHUB}:sub": "repo:o/a:ref:refs/heads/x", f"{GITHUB}:event_name": "push"}}
        ),
    ],
    good=[
        GOOD,
        on_sub("StringLike", "repo:octo/app:*"),
        trusting_issuer(
            {"StringEquals": {**FOR_US, f"{GITHUB}:sub": "repo:o/a:ref:refs/heads/x", f"{GITHUB}:repository_id": "4"}}
        ),
    ],
)  # fmt: skip
def no_token_fits(trust: Trust) -> Iterator[Fail]:
    """All conditions of a statement must hold, so one that never holds locks everyone out of the role.

    False alarm when AWS passes on a claim of this issuer that is not known here yet.
    """
    for statement in trust.policy.statements:
        if not any(True for _ in providers(statement)):
            continue
        for problem in oidc_trust.no_token_fits.failures(statement):
            yield graded(problem, Severity.MEDIUM if problem.severity else None, problem.fix)
        for problem in (
            () if trust.stands_for_any else contradictions.never_together.failures(statement)
        ):
            yield graded(problem)
        if statement.actions and not _takes_tokens(statement):
            yield Fail(
                statement.place("Action"),
                f"the statement never matches: exchanging a token calls `{ACTION}`, which it does not allow",
                fix=f"Write {ACTION}.",
            )


@check(
    "OIDC-NO-AUD",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=(*FACTS, OIDC_SETTINGS),
    title=token_scope.no_audience.title,
    fix=token_scope.no_audience.fix,
    source=ROLE_FOR_OIDC,
    bad=[
        trusting_issuer(
            {"StringEquals": {f"{GITHUB}:sub": "repo:octo@1/app@2:ref:refs/heads/main"}}
        )
    ],
    good=[GOOD, trusting_issuer({"StringEquals": _POOL}, "cognito-identity.amazonaws.com")],
)
def audience_not_tested(trust: Trust) -> Iterator[Fail]:
    """Without this condition, a token that was issued for another service can also be used to assume the role.

    False alarm when the provider has one client id and the issuer uses it for nothing else.
    """
    for statement, provider in trusted(trust):
        if provider.is_kubernetes or not asks_for_audience(provider):
            continue
        if lack := missing_audience(provider, statement):
            ids = (trust.client_ids or {}).get(provider.host, ())
            several = f", and the provider accepts {len(ids)} client ids" if len(ids) > 1 else ""
            yield Fail(
                lack[1],
                f"{lack[0]}{several}",
                severity=Severity.HIGH if several else None,
                fix=condition_to_add(provider, "aud"),
            )


@check(
    "OIDC-FED-ACTION",
    on=Trust,
    severity=Severity.LOW,
    needs=FACTS,
    title="A token provider is allowed other actions than the one that takes tokens",
    fix="Write sts:AssumeRoleWithWebIdentity, and sts:TagSession where the token carries session tags.",
    source=ROLE_FOR_OIDC,
    bad=[
        trusting_issuer({"StringEquals": FOR_US}, action="sts:AssumeRole"),
        trusting_issuer({"StringEquals": FOR_US}, action="sts:*"),
    ],
    good=[GOOD, trusting_issuer(POD, CLUSTER, [ACTION, "sts:TagSession"])],
)
def other_action(trust: Trust) -> Iterator[Fail]:
    """Tokens are exchanged by one action only: other actions do nothing today, or allow what AWS adds later.

    Never wrong about the extra actions; they may be harmless.
    """
    for statement in trust.policy.statements:
        if not any(True for _ in providers(statement)):
            continue
        for action in statement.actions:
            if action.value.lower() in {"sts:assumerole", "sts:*", "*"}:
                yield Fail(
                    action.where, f"{quoted(action.value)} is allowed to a provider of tokens"
                )
