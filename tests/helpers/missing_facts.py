"""Checks of an account whose facts are missing: unknown, never a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.answer import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding


def assert_never_a_pass_without(
    fact: Any, check: Any, found: Callable[[Account], Sequence[Finding]], region: str
) -> None:
    """Refuse the fact in each example of the check: the bad ones do not pass, and the reason names the permission."""
    refused = Miss(
        kind=MissKind.DENIED,
        call="service:Operation",
        code="AccessDenied",
        permission="service:Operation",
        region=region,
    )
    unknown = []
    for account in (*check.bad, *check.good):
        places = {key for key in account.facts if key[0] == fact.name}
        told = found(replace(account, facts={**account.facts, **dict.fromkeys(places, refused)}))
        unknown += [finding.reason or "" for finding in told if finding.status is Status.UNKNOWN]
        if account in check.bad:
            assert Status.PASS not in {finding.status for finding in told}
    assert any("service:Operation" in reason for reason in unknown)
