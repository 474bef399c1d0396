"""The checks of `kms check` on the page `references/kms-patterns.md`, and one check's entry for `guide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.rules import checks_page
from aws_iam.tools.kms.checks.catalogue import CHECKS, FAMILIES, ON_ACCOUNT
from aws_iam.tools.kms.terms import KeyTerms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer

_PLACE = "references/kms-patterns.md#checks"


def page() -> Iterator[str]:
    """Every family as a table."""
    return checks_page.tables(FAMILIES)


def explained(topic: str) -> Answer | None:
    """What a check of keys finds, and why."""
    check = checks_page.check_named(topic, CHECKS.values())
    if check is None:
        return None
    terms = KeyTerms() if check.code in ON_ACCOUNT else None
    return checks_page.explained(check, _PLACE, terms)
