"""What the programs of `kms envelope` are run against: keys of an account that moto plays, and a table of branch keys."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from aws_iam.tools.kms.actions import tool
from demo_account.moto_keys import one_private_key

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = bytes(range(256)) * 4_096
CONTEXT = {"app": "orders", "tenant": "17"}
BRANCH_KEY_TABLE = "branch-keys"


def answer(**arguments: Any) -> Any:
    """The answer of `kms envelope`."""
    return tool.run({"action": "envelope", **arguments})


def content_of(library: str, language: str, name: str) -> str:
    """The content of a file that the answer writes."""
    found = answer(library=library, language=language).artifacts
    (program,) = (artifact for artifact in found if artifact.name == name)
    return str(program.content)


@contextmanager
def two_keys() -> Iterator[tuple[str, str]]:
    """Two keys of an account that moto plays, and a table for branch keys."""
    with mock_aws(), one_private_key():
        kms: Any = boto3.client("kms")
        one, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        parts = {"branch-key-id": "HASH", "type": "RANGE"}
        dynamodb: Any = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName=BRANCH_KEY_TABLE,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in parts.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in parts],
            BillingMode="PAY_PER_REQUEST",
        )
        yield one, other
