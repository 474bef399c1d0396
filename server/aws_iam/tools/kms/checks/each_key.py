"""The keys of an account one by one, and how messages call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyDetails, KmsKey
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import NotApplicable, Outcome, each, in_regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.reading.snapshot import Account


def each_key(
    account: Account, test: Callable[[str, KmsKey, KeyDetails], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every key of the customer's."""

    def of_region(region: str, keys: tuple[KmsKey, ...]) -> Iterator[Outcome]:
        def of_key(key: KmsKey) -> Iterator[Outcome]:
            details = known(key.details)
            if details.manager != "AWS":
                yield from test(region, key, details)

        yield from each(keys, of_key, name=lambda key: key.arn, region=region)
        if not keys:
            yield NotApplicable(None, "there is no customer managed key", region)

    return in_regions(account, KMS_KEYS, of_region)


def named(key: KmsKey) -> str:
    """The key by its alias, else by its id."""
    return f"key {quoted(key.aliases[0] if key.aliases else key.id)}"


def lacking(key: KmsKey, call: str) -> NotCollected:
    """What keeps a check from judging a key that another fact does not know."""
    return NotCollected(
        f"{named(key)} is not part of this snapshot",
        call=call,
        code="not collected",
        permission=call,
    )
