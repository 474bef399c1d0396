"""How a token meets a trust policy: each Allow with its principal, its action and each of its conditions.

    met = meetings(policy, claims)      one Meeting for each Allow, in order

The decision itself is `evaluate`'s; this says what of each statement the token lacks.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.conditions import holds
from aws_iam.engine.evaluation.context import Context
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.issuers import issuers, mapped_claims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Policy, Principal, Statement
    from aws_iam.engine.tokens.claims import Claims

ACTION = "sts:AssumeRoleWithWebIdentity"
_OIDC = ":oidc-provider/"
_OLD = "2008-10-17"


class Match(StrEnum):
    """What a condition comes to for a token; the value is the word for people."""

    MET = "match"
    NOT_MET = "no match"
    ABSENT = "no match: the token has no such claim"
    NOT_MAPPED = "no match: AWS makes no condition key of this claim"
    OTHER_ISSUER = "no match: the key is another issuer's"
    BY_REQUEST = "depends on the request, not on the token"
    UNREADABLE = "the operator is none that AWS has"


_FINE = frozenset({Match.MET, Match.BY_REQUEST})


@slotted
class Met:
    """One condition, what it comes to, the claim that it tests and what the token says there."""

    condition: Condition
    match: Match
    claim: str
    given: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether it keeps the token out."""
        return self.match not in _FINE


@slotted
class Meeting:
    """One Allow of the trust policy before the token."""

    statement: Statement
    principal: Principal | None
    has_action: bool
    conditions: tuple[Met, ...]

    @property
    def failing(self) -> tuple[Met, ...]:
        """The conditions that keep the token out, in the order in which they are written."""
        return tuple(condition for condition in self.conditions if condition.fails)

    @property
    def distance(self) -> tuple[bool, bool, int]:
        """How far the token is from getting through: smaller is nearer."""
        return self.principal is None, not self.has_action, len(self.failing)


def host_of(principal: Principal) -> str:
    """The issuer whose tokens the principal means; empty when it is no such provider."""
    if principal.type != "Federated":
        return ""
    before, oidc, host = principal.value.partition(_OIDC)
    if oidc and before.startswith("arn:"):
        return host
    return principal.value if principal.value in built_in() else ""


def built_in() -> frozenset[str]:
    """The issuers that are principals by their host, without a provider in IAM."""
    return frozenset(issuer.issuer for issuer in issuers() if issuer.built_in)


def meetings(policy: Policy, claims: Claims) -> tuple[Meeting, ...]:
    """Every Allow of the policy before the token."""
    variables = policy.version is not None and policy.version.value != _OLD
    return tuple(
        _meeting(statement, claims, variables=variables)
        for statement in policy.statements
        if statement.allows
    )


def _meeting(statement: Statement, claims: Claims, *, variables: bool) -> Meeting:
    trusted = [principal for principal in statement.principals if host_of(principal)]
    own = next((each for each in trusted if host_of(each) == claims.host), None)
    return Meeting(
        statement=statement,
        principal=own,
        has_action=any(matches(a.value, ACTION, ignore_case=True) for a in statement.actions),
        conditions=tuple(_met(statement, claims, variables=variables)),
    )


def _met(statement: Statement, claims: Claims, *, variables: bool) -> Iterator[Met]:
    keys = claims.keys(claims.host)
    context = Context(keys)
    lower = {name.lower(): value for name, value in keys.items()}
    for condition in statement.conditions:
        held = holds(condition, context, variables=variables)
        claim = claim_of(condition.key.value)
        yield Met(
            condition=condition,
            match=_match(condition, held, claims, present=condition.name in lower),
            claim=claim,
            given=lower.get(condition.name) or claims.values.get(claim, ()),
        )


def claim_of(key: str) -> str:
    """The claim that a condition key means: what follows the issuer; empty for AWS's own keys."""
    host, _, claim = key.partition(":")
    return claim if "." in host else ""


def _match(
    condition: Condition,
    held: bool | None,  # noqa: FBT001 - the condition's own outcome
    claims: Claims,
    *,
    present: bool,
) -> Match:
    if held is None:
        return Match.UNREADABLE
    host, _, claim = condition.key.value.partition(":")
    if "." not in host:
        return Match.MET if held and condition.negated else Match.BY_REQUEST
    if held or present:
        return Match.MET if held else Match.NOT_MET
    if host.lower() != claims.host.lower():
        return Match.OTHER_ISSUER
    mapped = {each.lower() for each in mapped_claims(claims.host)}
    return Match.ABSENT if claim.lower() in mapped else Match.NOT_MAPPED
