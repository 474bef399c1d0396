"""The accounts that were read for a question, and those that were not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.reading.snapshot import Account


@slotted
class ReadAccounts:
    """The accounts that were read, by their ids, and why the others were not."""

    accounts: tuple[Account, ...]
    not_read: tuple[dict[str, str], ...] = ()
