"""Every check of `kms check`: those of key policies, and those of an account with its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.facts.identity import AUTHORIZATION
from aws_iam.account.facts.keys import OTHER_POLICIES
from aws_iam.account.facts.sharing import KEY_POLICIES
from aws_iam.rules import (
    document_check,
    kms_access,
    kms_control,
    kms_grants,
    kms_lifecycle,
    kms_paths,
    kms_places,
)
from aws_iam.rules.account_check import checks_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from aws_iam.account.facts.fact import Fact
    from aws_iam.rules.account_check import Check
    from aws_iam.rules.kms_limits import Limits
    from aws_iam.rules.kms_subjects import KeyPolicy

POLICY_FAMILIES: tuple[tuple[str, ModuleType], ...] = (
    ("Whom the policy lets in", kms_access),
    ("Who controls the key", kms_control),
    ("On which paths it is used", kms_paths),
)
ACCOUNT_FAMILIES: tuple[tuple[str, ModuleType], ...] = (
    ("The life of keys", kms_lifecycle),
    ("Aliases, key stores and copies", kms_places),
    ("Grants and identity policies", kms_grants),
)

ON_POLICY: Mapping[str, document_check.Check[KeyPolicy]] = {
    each.code: each
    for each in document_check.checks_in(*(module for _, module in POLICY_FAMILIES))
}
"""The checks of a key policy by their codes."""

ON_ACCOUNT: Mapping[str, Check[Limits]] = {
    each.code: each for each in checks_in(*(module for _, module in ACCOUNT_FAMILIES))
}
"""The checks of an account by their codes."""

CODES: tuple[str, ...] = (*ON_POLICY, *ON_ACCOUNT)

POLICY_NEEDS: tuple[Fact[Any], ...] = (KEY_POLICIES, OTHER_POLICIES, AUTHORIZATION)
"""What the checks of key policies read of an account."""


def needs(codes: Iterable[str]) -> tuple[Fact[Any], ...]:
    """The facts that these checks take, each once."""
    wanted: dict[str, Fact[Any]] = {}
    for code in codes:
        facts = POLICY_NEEDS if code in ON_POLICY else ON_ACCOUNT[code].needs
        wanted |= {fact.name: fact for fact in facts}
    return tuple(wanted.values())
