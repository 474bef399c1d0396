"""Custom key stores of KMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class KeyStore:
    """A custom key store; `error` is AWS's code for why it is not connected."""

    id: str
    name: str
    type: str
    state: str
    error: str


KEY_STORES = many_in("kms.stores", KeyStore)
_DESCRIBE_CUSTOM_KEY_STORES = "kms:DescribeCustomKeyStores"


@collector_in(KEY_STORES, _DESCRIBE_CUSTOM_KEY_STORES)
def stores(aws: Aws, region: str) -> tuple[KeyStore, ...]:
    """The custom key stores."""
    listed = aws.items(_DESCRIBE_CUSTOM_KEY_STORES, "CustomKeyStores", region=region)
    key_stores = (
        KeyStore(
            id=data["CustomKeyStoreId"],
            name=data.get("CustomKeyStoreName", ""),
            type=data.get("CustomKeyStoreType", ""),
            state=data.get("ConnectionState", ""),
            error=data.get("ConnectionErrorCode", ""),
        )
        for data in listed
    )
    return tuple(sorted(key_stores, key=lambda store: store.id))
