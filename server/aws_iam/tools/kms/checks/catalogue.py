"""Every check of `kms check`: those of key policies, and those of an account with its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.snapshot import Account
from aws_iam.rules.check import Check, checks_in, needs_of
from aws_iam.tools.kms.checks import (
    access,
    administration,
    aliases_and_stores,
    grants,
    lifecycle,
    no_effect,
    via_service,
)
from aws_iam.tools.kms.checks.subject import KeyPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.account.collect.fact import Fact
    from aws_iam.rules.checks_page import Families

FAMILIES: Families = (
    ("Who the policy lets in", access),
    ("Who controls the key", administration),
    ("How the key may be used", via_service),
    ("What has no effect", no_effect),
    ("Lifecycle of keys", lifecycle),
    ("Aliases, key stores and copies", aliases_and_stores),
    ("Grants and identity policies", grants),
)

CHECKS: Mapping[str, Check[Any]] = {
    check.code: check for check in checks_in(*(module for _, module in FAMILIES))
}
"""Every check by its code, in order."""

ON_POLICY: Mapping[str, Check[KeyPolicy]] = {
    code: check for code, check in CHECKS.items() if check.on is KeyPolicy
}
ON_ACCOUNT: Mapping[str, Check[Account]] = {
    code: check for code, check in CHECKS.items() if check.on is Account
}

CODES: tuple[str, ...] = tuple(CHECKS)


def needs(codes: Iterable[str]) -> tuple[Fact[Any], ...]:
    """The facts that these checks need, each once."""
    return needs_of(CHECKS[code] for code in codes)
