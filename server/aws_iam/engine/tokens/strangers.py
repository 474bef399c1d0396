"""Strangers in a trust policy: the values by which customers of a shared issuer get in who are not the one that is meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.tokens.oidc_provider import patterns
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Statement, Text
    from aws_iam.engine.tokens.oidc_provider import Provider


# A workflow of an owner that is written out, in a subject of GitHub.
_CALLED = re.compile(r"(?:^|:)job_workflow_ref:[^:/*?]+/")


@slotted
class OpenValue:
    """A value that tokens of strangers have. `called_workflow`: only such that call the workflow that it names."""

    condition: Condition
    value: Text
    called_workflow: bool


def open_values(provider: Provider, statement: Statement) -> tuple[OpenValue, ...]:
    """The values that let strangers in; none where a condition on some claim keeps them out, or none is compared."""
    if not provider.is_shared or provider.is_pinned(statement, beside="sub"):
        return ()
    by_claim = {
        claim: [c for c in provider.on(statement, claim) if provider.compares(c, claim)]
        for claim in ("sub", provider.required)
    }
    if not by_claim[provider.required]:
        # That no condition compares the required claim is a finding of its own.
        return ()
    found = [
        tuple(_open(provider, statement, condition, claim))
        for claim, conditions in by_claim.items()
        for condition in conditions
    ]
    return tuple(value for values in found for value in values) if all(found) else ()


def denies_others(statement: Statement, provider: Provider, claim: str) -> bool:
    """Whether the Deny refuses every token whose claim has another value than a few, all of one tenant's.

    A further condition of the statement would leave some of them in.
    """
    if not statement.denies or len(statement.conditions) != 1:
        return False
    (condition,) = statement.conditions
    return (
        condition.negated
        and bool(condition.values)
        and condition.name == provider.key(claim).lower()
        and all(_is_narrow(provider, claim, pattern) for pattern in patterns(condition))
    )


def _is_narrow(provider: Provider, claim: str, pattern: str) -> bool:
    if provider.is_shared:
        return provider.names_tenant(claim, pattern)
    return not provider.is_open(pattern)


def _open(
    provider: Provider, statement: Statement, condition: Condition, claim: str
) -> Iterator[OpenValue]:
    for value, pattern in zip(condition.values, patterns(condition), strict=True):
        if provider.names_tenant(claim, pattern):
            continue
        yield OpenValue(
            condition=condition,
            value=value,
            called_workflow=bool(
                provider.names_called_workflow(statement)
                or (claim == "sub" and _CALLED.search(pattern))
            ),
        )
