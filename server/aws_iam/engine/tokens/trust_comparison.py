"""A token against a trust policy: for each Allow, whether principal, action and each condition match.

    compare_statements(policy, claims)      one Meeting for each Allow, in order

`evaluate` decides; this says what the token lacks for each statement.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.context import Context
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.issuers import mapped_claims
from aws_iam.engine.tokens.oidc_provider import claim_key, host_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Policy, Principal, Statement
    from aws_iam.engine.tokens.claims import Claims

ACTION = "sts:AssumeRoleWithWebIdentity"
_VERSION_WITHOUT_VARIABLES = "2008-10-17"


class ConditionOutcome(StrEnum):
    """How a condition turns out for a token; the value is the text for people."""

    MET = "match"
    NOT_MET = "no match"
    ABSENT = "no match: the token has no such claim"
    NOT_MAPPED = "no match: AWS does not map this claim to a condition key"
    OTHER_ISSUER = "no match: the key belongs to another issuer"
    NOT_A_HOST = "no match: the key has the issuer's URL or ARN in place of its host"
    BY_REQUEST = "depends on the request, not on the token"
    UNREADABLE = "AWS has no such operator"


_PASSING = frozenset({ConditionOutcome.MET, ConditionOutcome.BY_REQUEST})


@slotted
class ConditionMatch:
    """One condition: how it turns out, the claim that it tests, and the values of the claim in the token."""

    condition: Condition
    match: ConditionOutcome
    claim: str
    given: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether it rejects the token."""
        return self.match not in _PASSING


@slotted
class StatementMatch:
    """One Allow of the trust policy, compared with the token."""

    statement: Statement
    principal: Principal | None
    has_action: bool
    conditions: tuple[ConditionMatch, ...]

    @property
    def failing(self) -> tuple[ConditionMatch, ...]:
        """The conditions that reject the token, in written order."""
        return tuple(condition for condition in self.conditions if condition.fails)

    @property
    def distance(self) -> tuple[bool, bool, int]:
        """How much the token lacks; the statement with the smallest value comes closest."""
        return self.principal is None, not self.has_action, len(self.failing)


def conditional_denies(policy: Policy, claims: Claims) -> tuple[StatementMatch, ...]:
    """Every Deny that the token meets and that the request, which is not known, may meet or not."""
    variables = policy.version is not None and policy.version.value != _VERSION_WITHOUT_VARIABLES
    found = (_meeting(s, claims, variables=variables) for s in policy.statements if s.denies)
    return tuple(
        met
        for met in found
        if not met.failing and any(c.match is ConditionOutcome.BY_REQUEST for c in met.conditions)
    )


def compare_statements(policy: Policy, claims: Claims) -> tuple[StatementMatch, ...]:
    """Every Allow of the policy, compared with the token."""
    variables = policy.version is not None and policy.version.value != _VERSION_WITHOUT_VARIABLES
    return tuple(
        _meeting(statement, claims, variables=variables)
        for statement in policy.statements
        if statement.allows
    )


def _meeting(statement: Statement, claims: Claims, *, variables: bool) -> StatementMatch:
    trusted = [principal for principal in statement.principals if host_of(principal)]
    own = next((principal for principal in trusted if host_of(principal) == claims.host), None)
    return StatementMatch(
        statement=statement,
        principal=own,
        has_action=any(matches(a.value, ACTION, ignore_case=True) for a in statement.actions),
        conditions=tuple(_met(statement, claims, variables=variables)),
    )


def _met(statement: Statement, claims: Claims, *, variables: bool) -> Iterator[ConditionMatch]:
    keys = claims.keys(claims.host)
    context = Context(keys)
    lower = {name.lower(): value for name, value in keys.items()}
    for condition in statement.conditions:
        held = condition_holds(condition, context, variables=variables)
        claim = claim_of(condition.key.value)
        yield ConditionMatch(
            condition=condition,
            match=_match(condition, held, claims, present=condition.name in lower),
            claim=claim,
            given=lower.get(condition.name) or claims.values.get(claim, ()),
        )


def claim_of(key: str) -> str:
    """The claim in a condition key, after the issuer; empty for AWS's own keys."""
    found = claim_key(key)
    return found.claim if found else ""


def _match(
    condition: Condition,
    held: bool | None,  # noqa: FBT001 - the condition's own outcome
    claims: Claims,
    *,
    present: bool,
) -> ConditionOutcome:
    if held is None:
        return ConditionOutcome.UNREADABLE
    key = claim_key(condition.key.value)
    if key is None:
        return ConditionOutcome.BY_REQUEST
    if held or present:
        return ConditionOutcome.MET if held else ConditionOutcome.NOT_MET
    if key.host.lower() != claims.host.lower():
        return ConditionOutcome.OTHER_ISSUER
    if key.decoration:
        return ConditionOutcome.NOT_A_HOST
    mapped = set(map(str.lower, mapped_claims(claims.host)))
    return ConditionOutcome.ABSENT if key.claim.lower() in mapped else ConditionOutcome.NOT_MAPPED
