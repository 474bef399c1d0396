"""Policies of KMS keys other than the default one, such as those of shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, customer_keys
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.kms.keys import KmsKey


@slotted
class OtherPolicies:
    """The names and JSON texts of a key's policies other than the default one; `AWS_RAM` is that of shares."""

    arn: str
    names: tuple[str, ...] | Miss
    documents: tuple[str | Miss, ...]


OTHER_POLICIES = many_in("kms.other_policies", OtherPolicies)
_LIST_KEY_POLICIES = "kms:ListKeyPolicies"
_GET_KEY_POLICY = "kms:GetKeyPolicy"
_DEFAULT = "default"


@collector_in(OTHER_POLICIES, _LIST_KEY_POLICIES, _GET_KEY_POLICY, after=(KMS_KEYS,))
def other_policies(aws: Aws, region: str) -> tuple[OtherPolicies, ...]:
    """The policies of each key other than the default one, which is a fact of its own."""
    keys = customer_keys(aws, region)

    def read(key: KmsKey) -> OtherPolicies:
        listed = aws.value_or_miss(
            lambda: aws.items(_LIST_KEY_POLICIES, "PolicyNames", region=region, KeyId=key.arn)
        )
        if isinstance(listed, Miss):
            return OtherPolicies(arn=key.arn, names=listed, documents=())
        names = tuple(sorted(policy_name for policy_name in listed if policy_name != _DEFAULT))
        documents = tuple(aws.value_or_miss(_policy(aws, region, key.arn, name)) for name in names)
        return OtherPolicies(arn=key.arn, names=names, documents=documents)

    policies = aws.read_each(read, keys, _LIST_KEY_POLICIES)
    return tuple(
        key_policies for key_policies in policies if isinstance(key_policies, OtherPolicies)
    )


def _policy(aws: Aws, region: str, arn: str, name: str) -> Callable[[], str]:
    def read() -> str:
        answer = aws.need(_GET_KEY_POLICY, region=region, KeyId=arn, PolicyName=name)
        return str(answer["Policy"])

    return read
