"""Every check of `secrets check`: the families, which facts they take, and the verdict on a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules.account_check import checks_in
from aws_iam.tools.secrets.checks import (
    access,
    container_references,
    lifecycle,
    plaintext,
    rotation,
    rotation_functions,
    wide_grants,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.rules.account_check import Check
    from aws_iam.tools.secrets.checks.limits import Limits

FAMILIES: tuple[ModuleType, ...] = (
    rotation,
    rotation_functions,
    access,
    wide_grants,
    lifecycle,
    plaintext,
    container_references,
)

CHECKS: Mapping[str, Check[Limits]] = {check.code: check for check in checks_in(*FAMILIES)}
"""Every check by its code, in order."""

ON_REQUEST = frozenset({"SSM-PLAINTEXT-VALUE"})
"""Made only for who asks to look into String parameters."""


def needs(checks: Iterable[Check[Limits]]) -> tuple[Fact[Any], ...]:
    """The facts that these checks take, each once."""
    return tuple({fact.name: fact for check in checks for fact in check.needs}.values())


def judge(
    account: Account, checks: Iterable[Check[Limits]], limits: Limits
) -> tuple[Finding, ...]:
    """The findings of these checks, in their order."""
    return tuple(finding for check in checks for finding in check.findings(account, limits))
