"""Who may use a resource, by its own policy: queues, topics, functions, keys, secrets, vaults, event buses.

Each takes a list and, except for event buses, one call for each item; what the resources hold is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, RefusedError, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, customer_keys
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.fact import RegionFact


@slotted
class ResourcePolicy:
    """The JSON text of a resource's policy; None: it has none."""

    arn: str
    document: str | Miss | None = None


@slotted
class EncryptedResourcePolicy(ResourcePolicy):
    """The policy of a queue or topic, and the KMS key as it names it: its ARN, id or alias; empty without one.

    None in snapshots of earlier versions, which did not read it.
    """

    kms_key: str | Miss | None = ""


QUEUE_POLICIES = many_in("sqs.policies", EncryptedResourcePolicy)
TOPIC_POLICIES = many_in("sns.policies", EncryptedResourcePolicy)
FUNCTION_POLICIES = many_in("lambda.policies", ResourcePolicy)
KEY_POLICIES = many_in("kms.policies", ResourcePolicy)
SECRET_POLICIES = many_in("secretsmanager.policies", ResourcePolicy)
VAULT_POLICIES = many_in("glacier.policies", ResourcePolicy)
BUS_POLICIES = many_in("events.policies", ResourcePolicy)
ENCRYPTED_BY_SERVICE = {"sqs": QUEUE_POLICIES, "sns": TOPIC_POLICIES}
"""The facts that name the keys of resources, too."""
POLICIES_BY_SERVICE: Mapping[str, RegionFact[Any]] = {
    "sqs": QUEUE_POLICIES,
    "sns": TOPIC_POLICIES,
    "lambda": FUNCTION_POLICIES,
    "kms": KEY_POLICIES,
    "secretsmanager": SECRET_POLICIES,
    "glacier": VAULT_POLICIES,
    "events": BUS_POLICIES,
}
"""The fact with the policies of a service's resources, by the service's prefix in their ARNs."""
T = TypeVar("T")
_GET_QUEUE_ATTRIBUTES = "sqs:GetQueueAttributes"
_GET_TOPIC_ATTRIBUTES = "sns:GetTopicAttributes"
_KMS_KEY = "KmsMasterKeyId"
_GET_POLICY = "lambda:GetPolicy"
_GET_KEY_POLICY = "kms:GetKeyPolicy"
_GET_RESOURCE_POLICY = "secretsmanager:GetResourcePolicy"
_GET_VAULT_ACCESS_POLICY = "glacier:GetVaultAccessPolicy"
_LIST_EVENT_BUSES = "events:ListEventBuses"
_NOT_FOUND = ("ResourceNotFoundException",)
# Glacier's answer to a customer who stores nothing there, since it takes no new customers:
# https://docs.aws.amazon.com/botocore/latest/reference/services/glacier/client/exceptions/NoLongerSupportedException.html
_NO_STORAGE = "NoLongerSupportedException"
# Without a page size SQS lists 1,000 queues and does not say whether there are more.
_PAGED = {"PageSize": 1000}


@collector_in(QUEUE_POLICIES, "sqs:ListQueues", _GET_QUEUE_ATTRIBUTES)
def queues(aws: Aws, region: str) -> tuple[EncryptedResourcePolicy, ...]:
    """The queues."""

    def attributes(url: str) -> dict[str, str]:
        answer = aws.need(
            _GET_QUEUE_ATTRIBUTES,
            region=region,
            QueueUrl=url,
            AttributeNames=["Policy", _KMS_KEY],
        )
        found: dict[str, str] = answer.get("Attributes", {})
        return found

    def arn(url: str) -> str:
        return (
            f"arn:{aws.partition}:sqs:{region}:{'/'.join(url.split('/')[-2:]).replace('/', ':')}"
        )

    listed = aws.items("sqs:ListQueues", "QueueUrls", region=region, PaginationConfig=_PAGED)
    return _with_keys(aws, listed, arn, attributes, _GET_QUEUE_ATTRIBUTES)


@collector_in(TOPIC_POLICIES, "sns:ListTopics", _GET_TOPIC_ATTRIBUTES)
def topics(aws: Aws, region: str) -> tuple[EncryptedResourcePolicy, ...]:
    """The topics."""

    def attributes(arn: str) -> dict[str, str]:
        answer = aws.need(_GET_TOPIC_ATTRIBUTES, region=region, TopicArn=arn)
        found: dict[str, str] = answer.get("Attributes", {})
        return found

    listed = [topic["TopicArn"] for topic in aws.items("sns:ListTopics", "Topics", region=region)]
    return _with_keys(aws, listed, str, attributes, _GET_TOPIC_ATTRIBUTES)


@collector_in(FUNCTION_POLICIES, "lambda:ListFunctions", _GET_POLICY)
def functions(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The functions; their environment, which may hold secrets, is dropped here."""

    def policy(arn: str) -> str | None:
        answer = aws.get(_GET_POLICY, region=region, absent=_NOT_FOUND, FunctionName=arn)
        return None if answer is None else answer["Policy"]

    listed = aws.items("lambda:ListFunctions", "Functions", region=region)
    return _policies(
        aws, [function["FunctionArn"] for function in listed], str, policy, _GET_POLICY
    )


@collector_in(KEY_POLICIES, _GET_KEY_POLICY, after=(KMS_KEYS,))
def keys(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The keys that are not AWS managed: their default policies."""

    def policy(arn: str) -> str | None:
        answer = aws.need(_GET_KEY_POLICY, region=region, KeyId=arn, PolicyName="default")
        policy: str = answer["Policy"]
        return policy

    listed = [key.arn for key in customer_keys(aws, region)]
    return _policies(aws, listed, str, policy, _GET_KEY_POLICY)


@collector_in(SECRET_POLICIES, "secretsmanager:ListSecrets", _GET_RESOURCE_POLICY)
def secrets(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The secrets: their policies, never their values."""

    def policy(arn: str) -> str | None:
        return (
            aws.need(_GET_RESOURCE_POLICY, region=region, SecretId=arn).get("ResourcePolicy")
            or None
        )

    listed = aws.items("secretsmanager:ListSecrets", "SecretList", region=region)
    return _policies(aws, [secret["ARN"] for secret in listed], str, policy, _GET_RESOURCE_POLICY)


@collector_in(VAULT_POLICIES, "glacier:ListVaults", _GET_VAULT_ACCESS_POLICY)
def vaults(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The Glacier vaults."""

    def policy(vault: dict[str, Any]) -> str | None:
        name = vault["VaultName"]
        answer = aws.get(
            _GET_VAULT_ACCESS_POLICY,
            region=region,
            absent=_NOT_FOUND,
            accountId="-",
            vaultName=name,
        )
        return None if answer is None else answer["policy"].get("Policy") or None

    try:
        listed = aws.items("glacier:ListVaults", "VaultList", region=region, accountId="-")
    except RefusedError as refused:
        if refused.miss.code != _NO_STORAGE:
            raise
        listed = []
    return _policies(
        aws, listed, lambda vault: vault["VaultARN"], policy, _GET_VAULT_ACCESS_POLICY
    )


@collector_in(BUS_POLICIES, _LIST_EVENT_BUSES)
def buses(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The event buses; the list has their policies."""
    policies = (
        ResourcePolicy(arn=bus["Arn"], document=bus.get("Policy") or None)
        for bus in aws.items(_LIST_EVENT_BUSES, "EventBuses", region=region)
    )
    return tuple(sorted(policies, key=lambda policy: policy.arn))


def _policies(
    aws: Aws,
    items: Sequence[T],
    arn: Callable[[T], str],
    policy: Callable[[T], str | None],
    operation: str,
) -> tuple[ResourcePolicy, ...]:
    ordered = sorted(items, key=arn)
    read = aws.read_each(policy, ordered, operation)
    return tuple(
        ResourcePolicy(arn=arn(item), document=document)
        for item, document in zip(ordered, read, strict=True)
    )


def _with_keys(
    aws: Aws,
    items: Sequence[str],
    arn: Callable[[str], str],
    attributes: Callable[[str], dict[str, str]],
    operation: str,
) -> tuple[EncryptedResourcePolicy, ...]:
    ordered = sorted(items, key=arn)
    read = aws.read_each(attributes, ordered, operation)
    return tuple(
        EncryptedResourcePolicy(arn=arn(item), document=found, kms_key=found)
        if isinstance(found, Miss)
        else EncryptedResourcePolicy(
            arn=arn(item), document=found.get("Policy") or None, kms_key=found.get(_KMS_KEY, "")
        )
        for item, found in zip(ordered, read, strict=True)
    )
