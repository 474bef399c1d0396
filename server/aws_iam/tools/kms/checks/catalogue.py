"""Every check of `kms check`: those of key policies, and those of an account with its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.kms.other_policies import OTHER_POLICIES
from aws_iam.account.collect.sharing.resource_policies import KEY_POLICIES
from aws_iam.rules import document_check
from aws_iam.rules.account_check import checks_in
from aws_iam.tools.kms.checks import (
    access,
    administration,
    aliases_and_stores,
    grants,
    lifecycle,
    via_service,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from aws_iam.account.collect.fact import Fact
    from aws_iam.rules.account_check import Check
    from aws_iam.tools.kms.checks.limits import Limits
    from aws_iam.tools.kms.checks.subject import KeyPolicy

POLICY_FAMILIES: tuple[tuple[str, ModuleType], ...] = (
    ("Whom the policy lets in", access),
    ("Who controls the key", administration),
    ("On which paths it is used", via_service),
)
ACCOUNT_FAMILIES: tuple[tuple[str, ModuleType], ...] = (
    ("The life of keys", lifecycle),
    ("Aliases, key stores and copies", aliases_and_stores),
    ("Grants and identity policies", grants),
)

ON_POLICY: Mapping[str, document_check.Check[KeyPolicy]] = {
    check.code: check
    for check in document_check.checks_in(*(module for _, module in POLICY_FAMILIES))
}
"""The checks of a key policy by their codes."""

ON_ACCOUNT: Mapping[str, Check[Limits]] = {
    check.code: check for check in checks_in(*(module for _, module in ACCOUNT_FAMILIES))
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
