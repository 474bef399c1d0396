"""Custom key stores of KMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStore:
    """A custom key store; `error` is AWS's code of why it is not connected."""

    id: str
    name: str
    type: str
    state: str
    error: str


KEY_STORES = many_in("kms.stores", KeyStore)
STORES = "kms:DescribeCustomKeyStores"


@collector_in(KEY_STORES, STORES)
def stores(aws: Aws, region: str) -> tuple[KeyStore, ...]:
    """Few accounts have one."""
    listed = aws.pages(STORES, "CustomKeyStores", region=region)
    found = (
        KeyStore(
            id=each["CustomKeyStoreId"],
            name=each.get("CustomKeyStoreName", ""),
            type=each.get("CustomKeyStoreType", ""),
            state=each.get("ConnectionState", ""),
            error=each.get("ConnectionErrorCode", ""),
        )
        for each in listed
    )
    return tuple(sorted(found, key=lambda each: each.id))
