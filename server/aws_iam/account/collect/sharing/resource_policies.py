"""Who may use a resource, by its own policy: queues, topics, functions, keys, secrets, vaults, event buses.

Each is a list and, but for event buses, one call for each item: nothing of what the resources hold is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, RefusedError, many_in
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """The JSON text of a resource's policy; None: it has none."""

    arn: str
    document: str | Miss | None = None


QUEUE_POLICIES = many_in("sqs.policies", ResourcePolicy)
TOPIC_POLICIES = many_in("sns.policies", ResourcePolicy)
FUNCTION_POLICIES = many_in("lambda.policies", ResourcePolicy)
KEY_POLICIES = many_in("kms.policies", ResourcePolicy)
SECRET_POLICIES = many_in("secretsmanager.policies", ResourcePolicy)
VAULT_POLICIES = many_in("glacier.policies", ResourcePolicy)
BUS_POLICIES = many_in("events.policies", ResourcePolicy)
T = TypeVar("T")
QUEUE = "sqs:GetQueueAttributes"
TOPIC = "sns:GetTopicAttributes"
FUNCTION = "lambda:GetPolicy"
KEY = "kms:GetKeyPolicy"
SECRET = "secretsmanager:GetResourcePolicy"  # noqa: S105 - an operation
VAULT = "glacier:GetVaultAccessPolicy"
BUSES = "events:ListEventBuses"
_NONE = ("ResourceNotFoundException",)
# What Glacier answers a customer who stores nothing there; it takes no new ones.
# https://docs.aws.amazon.com/botocore/latest/reference/services/glacier/client/exceptions/NoLongerSupportedException.html
_NO_STORAGE = "NoLongerSupportedException"
# Without a page size SQS lists a thousand queues and says nothing of further ones.
_PAGED = {"PageSize": 1000}


@collector_in(QUEUE_POLICIES, "sqs:ListQueues", QUEUE)
def queues(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The queues."""

    def policy(url: str) -> str | None:
        answer = aws.need(QUEUE, region=region, QueueUrl=url, AttributeNames=["Policy"])
        return answer.get("Attributes", {}).get("Policy") or None

    def arn(url: str) -> str:
        return (
            f"arn:{aws.partition}:sqs:{region}:{'/'.join(url.split('/')[-2:]).replace('/', ':')}"
        )

    listed = aws.pages("sqs:ListQueues", "QueueUrls", region=region, PaginationConfig=_PAGED)
    return _policies(aws, listed, arn, policy, QUEUE)


@collector_in(TOPIC_POLICIES, "sns:ListTopics", TOPIC)
def topics(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The topics."""

    def policy(arn: str) -> str | None:
        answer = aws.need(TOPIC, region=region, TopicArn=arn)
        return answer.get("Attributes", {}).get("Policy") or None

    listed = [topic["TopicArn"] for topic in aws.pages("sns:ListTopics", "Topics", region=region)]
    return _policies(aws, listed, str, policy, TOPIC)


@collector_in(FUNCTION_POLICIES, "lambda:ListFunctions", FUNCTION)
def functions(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The functions; their settings, which may hold secrets, are dropped here."""

    def policy(arn: str) -> str | None:
        answer = aws.get(FUNCTION, region=region, absent=_NONE, FunctionName=arn)
        return None if answer is None else answer["Policy"]

    listed = aws.pages("lambda:ListFunctions", "Functions", region=region)
    return _policies(aws, [each["FunctionArn"] for each in listed], str, policy, FUNCTION)


@collector_in(KEY_POLICIES, KEY, after=(KMS_KEYS,))
def keys(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The keys that are not AWS's own."""

    def policy(arn: str) -> str | None:
        answer = aws.need(KEY, region=region, KeyId=arn, PolicyName="default")
        policy: str = answer["Policy"]
        return policy

    listed = [
        key.arn
        for key in aws.fact_in(region, KMS_KEYS)
        if not (isinstance(key.details, KeyDetails) and key.details.manager == "AWS")
    ]
    return _policies(aws, listed, str, policy, KEY)


@collector_in(SECRET_POLICIES, "secretsmanager:ListSecrets", SECRET)
def secrets(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The secrets: their policies, never their values."""

    def policy(arn: str) -> str | None:
        return aws.need(SECRET, region=region, SecretId=arn).get("ResourcePolicy") or None

    listed = aws.pages("secretsmanager:ListSecrets", "SecretList", region=region)
    return _policies(aws, [each["ARN"] for each in listed], str, policy, SECRET)


@collector_in(VAULT_POLICIES, "glacier:ListVaults", VAULT)
def vaults(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The vaults of Glacier."""

    def policy(vault: dict[str, Any]) -> str | None:
        name = vault["VaultName"]
        answer = aws.get(VAULT, region=region, absent=_NONE, accountId="-", vaultName=name)
        return None if answer is None else answer["policy"].get("Policy") or None

    try:
        listed = aws.pages("glacier:ListVaults", "VaultList", region=region, accountId="-")
    except RefusedError as refused:
        if refused.miss.code != _NO_STORAGE:
            raise
        listed = []
    return _policies(aws, listed, lambda vault: vault["VaultARN"], policy, VAULT)


@collector_in(BUS_POLICIES, BUSES)
def buses(aws: Aws, region: str) -> tuple[ResourcePolicy, ...]:
    """The event buses; the SDK has no paginator for them."""
    listed: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = aws.need(BUSES, region=region, **more)
        listed += answer.get("EventBuses", ())
        token = answer.get("NextToken")
        if not token or token == more.get("NextToken"):
            break
        more = {"NextToken": token}
    found = (ResourcePolicy(arn=bus["Arn"], document=bus.get("Policy") or None) for bus in listed)
    return tuple(sorted(found, key=lambda each: each.arn))


def _policies(
    aws: Aws,
    items: Sequence[T],
    arn: Callable[[T], str],
    policy: Callable[[T], str | None],
    text: str,
) -> tuple[ResourcePolicy, ...]:
    ordered = sorted(items, key=arn)
    read = aws.each(policy, ordered, text)
    return tuple(
        ResourcePolicy(arn=arn(item), document=found)
        for item, found in zip(ordered, read, strict=True)
    )
