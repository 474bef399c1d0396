"""Every check of `secrets check`: the families, which facts they take, and the verdict on a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules import (
    secrets_access,
    secrets_exposed,
    secrets_functions,
    secrets_grants,
    secrets_lifecycle,
    secrets_references,
    secrets_rotation,
)
from aws_iam.rules.account_check import checks_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from aws_iam.account.facts.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.rules.account_check import Check
    from aws_iam.rules.secrets_limits import Limits

FAMILIES: tuple[ModuleType, ...] = (
    secrets_rotation,
    secrets_functions,
    secrets_access,
    secrets_grants,
    secrets_lifecycle,
    secrets_exposed,
    secrets_references,
)

CHECKS: Mapping[str, Check[Limits]] = {each.code: each for each in checks_in(*FAMILIES)}
"""Every check by its code, in order."""

ON_REQUEST = frozenset({"SSM-PLAINTEXT-VALUE"})
"""Made only for who asks to look into String parameters."""


def needs(checks: Iterable[Check[Limits]]) -> tuple[Fact[Any], ...]:
    """The facts that these checks take, each once."""
    return tuple({fact.name: fact for each in checks for fact in each.needs}.values())


def judge(
    account: Account, checks: Iterable[Check[Limits]], limits: Limits
) -> tuple[Finding, ...]:
    """The findings of these checks, in their order."""
    return tuple(finding for each in checks for finding in each.findings(account, limits))
