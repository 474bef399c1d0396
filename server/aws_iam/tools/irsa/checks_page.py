"""The checks of `irsa check` on the page `references/irsa-oidc.md`, and one check's entry for `guide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.rules import checks_page
from aws_iam.tools.irsa.checks.catalogue import CHECKS, FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer

_PLACE = "references/irsa-oidc.md#checks"


def page() -> Iterator[str]:
    """Every family as a table."""
    return checks_page.tables(FAMILIES)


def explained(topic: str) -> Answer | None:
    """What a check of workload identity finds, and why."""
    check = checks_page.check_named(topic, CHECKS)
    return checks_page.explained(check, _PLACE) if check else None
