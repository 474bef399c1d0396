"""An account in words, and findings in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.escape import escaped
from aws_iam.report.page import by_urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Failed first, the worst of them first; then unknown, manual, passed; muted ones last."""
    return by_urgency(tuple(findings))


def account_words(account: Account) -> str:
    """The account's id, and its alias where it has one."""
    return f"{account.id} ({escaped(account.alias, 63)})" if account.alias else account.id
