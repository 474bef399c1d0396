"""Policies of KMS keys other than the default one, such as those of shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, _owned

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPolicies:
    """The JSON texts of a key's policies beside the default one, each with its name: `AWS_RAM` is that of shares."""

    arn: str
    names: tuple[str, ...] | Miss
    documents: tuple[str | Miss, ...]


OTHER_POLICIES = many_in("kms.other_policies", OtherPolicies)
NAMES = "kms:ListKeyPolicies"
POLICY = "kms:GetKeyPolicy"
_DEFAULT = "default"


@collector_in(OTHER_POLICIES, NAMES, POLICY, after=(KMS_KEYS,))
def other_policies(aws: Aws, region: str) -> tuple[OtherPolicies, ...]:
    """Nearly every key has the default policy alone, which is a fact of its own."""
    keys = _owned(aws, region)

    def read(key: KmsKey) -> OtherPolicies:
        listed = aws.tried(lambda: aws.pages(NAMES, "PolicyNames", region=region, KeyId=key.arn))
        if isinstance(listed, Miss):
            return OtherPolicies(arn=key.arn, names=listed, documents=())
        names = tuple(sorted(each for each in listed if each != _DEFAULT))
        documents = tuple(aws.tried(_policy(aws, region, key.arn, name)) for name in names)
        return OtherPolicies(arn=key.arn, names=names, documents=documents)

    found = aws.each(read, keys, NAMES)
    return tuple(each for each in found if isinstance(each, OtherPolicies))


def _policy(aws: Aws, region: str, arn: str, name: str) -> Callable[[], str]:
    def read() -> str:
        answer = aws.need(POLICY, region=region, KeyId=arn, PolicyName=name)
        return str(answer["Policy"])

    return read
