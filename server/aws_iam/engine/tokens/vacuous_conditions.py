"""Conditions on a provider's claims under an operator that also holds without the claim, or for all values but a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.caller_conditions import is_present
from aws_iam.engine.tokens.oidc_provider import ALWAYS, patterns
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.tokens.oidc_provider import Provider


@slotted
class VacuousCondition:
    """A condition that does not require the claim; `is_tenant_claim` says that the claim tells tenants apart.

    `lets_others_in`: tokens without one of the values meet it. Otherwise every token has the claim, and the condition
    compares it; only a typing error in its key would open the role.
    """

    condition: Condition
    claim: str
    is_tenant_claim: bool
    lets_others_in: bool

    @property
    def why(self) -> str:
        """What the operator does."""
        if self.condition.negated:
            return "accepts every value except those listed"
        if self.lets_others_in:
            return "also holds when the request lacks the key"
        return (
            "also holds when the request lacks the key; every token has this claim, so the condition works as it is"
            " written, but one typing error in the key would open the role"
        )


def vacuous_conditions(provider: Provider, statement: Statement) -> Iterator[VacuousCondition]:
    """The conditions on audience, subject and the claims that identify the tenant, where no other one requires the claim."""
    for claim in dict.fromkeys((provider.required, "aud", "sub")):
        if claim:
            yield from _of_claim(provider, statement, claim)
    if not provider.is_shared or _tenant_is_required(provider, statement):
        return
    for claim in sorted(provider.tenant_claims - {provider.required, *ALWAYS}):
        # Without the claim nothing would keep strangers out; where tokens may lack it, nothing does.
        if provider.always_has(claim):
            yield from _of_claim(provider, statement, claim, keeps_strangers_out=True)


def _tenant_is_required(provider: Provider, statement: Statement) -> bool:
    """Whether a condition that holds only with its claim names the tenant."""
    return any(
        condition.demanded
        and all(provider.names_tenant(claim, pattern) for pattern in patterns(condition))
        for claim in provider.tenant_claims
        for condition in provider.on(statement, claim)
    )


def _of_claim(
    provider: Provider, statement: Statement, claim: str, *, keeps_strangers_out: bool = False
) -> Iterator[VacuousCondition]:
    tested = [condition for condition in provider.on(statement, claim) if condition.base != "Null"]
    if any(condition.demanded for condition in tested):
        return
    present = is_present(statement, provider.key(claim).lower())
    is_tenant_claim = keeps_strangers_out or claim == provider.required
    for condition in tested:
        if present and not condition.negated:
            continue
        # Every value but a few keeps nobody out; that no claim identifies the tenant is then reported.
        if keeps_strangers_out and condition.negated:
            continue
        # Only the claim that identifies the caller must be compared with values to keep others out.
        if is_tenant_claim or claim == "sub" or condition.qualifier == "ForAllValues":
            yield VacuousCondition(
                condition=condition,
                claim=claim,
                is_tenant_claim=is_tenant_claim,
                lets_others_in=condition.negated or not provider.always_has(claim),
            )
