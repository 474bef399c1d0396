"""CloudWatch metric alarms, and who subscribes to the SNS topics that they notify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector, collector_in
from aws_iam.account.collect.fact import Miss, many, many_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A CloudWatch metric; `dimensions` are their names, sorted. With other dimensions it is another metric."""

    name: str
    namespace: str
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A metric alarm; `metrics` of its own account, from both MetricName and Metrics[].MetricStat."""

    name: str
    arn: str
    actions_enabled: bool = True
    actions: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber of a topic; its address stays with AWS."""

    protocol: str
    arn: str

    @property
    def confirmed(self) -> bool:
        """Until it is confirmed, `PendingConfirmation` stands where the ARN will be."""
        return self.arn.startswith("arn:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """An SNS topic that an alarm of this account tells."""

    arn: str
    subscriptions: tuple[Subscription, ...] | Miss


ALARMS = many_in("cloudwatch.alarms", Alarm)
TOPICS = many("sns.alarm_topics", Topic)
SUBSCRIPTIONS = "sns:ListSubscriptionsByTopic"


@collector_in(ALARMS, "cloudwatch:DescribeAlarms")
def alarms(aws: Aws, region: str) -> tuple[Alarm, ...]:
    """The metric alarms; composite ones watch no metric."""
    listed = aws.pages("cloudwatch:DescribeAlarms", "MetricAlarms", region=region)
    found = (_alarm(each, aws.account) for each in listed)
    return tuple(sorted(found, key=lambda alarm: alarm.arn))


def _alarm(data: dict[str, Any], account: str) -> Alarm:
    return Alarm(
        name=data["AlarmName"],
        arn=data["AlarmArn"],
        actions_enabled=data.get("ActionsEnabled", True),
        actions=tuple(data.get("AlarmActions", ())),
        metrics=tuple(_metrics(data, account)),
    )


def _metrics(data: dict[str, Any], account: str) -> Iterator[Metric]:
    # An alarm on a metric expression keeps its metrics one level down.
    if "MetricName" in data:
        yield _metric(data)
    for each in data.get("Metrics", ()):
        # A monitoring account may watch the metric of the same name in another one.
        own = each.get("AccountId", account) == account
        if own and "Metric" in each.get("MetricStat", {}):
            yield _metric(each["MetricStat"]["Metric"])


def _metric(data: dict[str, Any]) -> Metric:
    return Metric(
        name=data["MetricName"],
        namespace=data.get("Namespace", ""),
        dimensions=tuple(sorted(each["Name"] for each in data.get("Dimensions", ()))),
    )


@collector(TOPICS, SUBSCRIPTIONS, after=(ALARMS,))
def topics(aws: Aws) -> tuple[Topic, ...]:
    """The topics in the alarms' actions, each once; alarms that could not be read are their own miss."""
    arns: set[str] = set()
    for alarms in aws.each(lambda region: aws.fact_in(region, ALARMS), aws.regions, ALARMS.name):
        if not isinstance(alarms, Miss):
            arns |= {action for alarm in alarms for action in alarm.actions if _is_topic(action)}
    ordered = sorted(arns)
    listed = aws.each(lambda arn: _subscriptions(aws, arn), ordered, SUBSCRIPTIONS)
    return tuple(
        Topic(arn=arn, subscriptions=found) for arn, found in zip(ordered, listed, strict=True)
    )


def _is_topic(arn: str) -> bool:
    return arn.startswith("arn:") and arn.split(":")[2] == "sns"


def _subscriptions(aws: Aws, arn: str) -> tuple[Subscription, ...]:
    _, _, _, region, account, *_ = arn.split(":")
    owner = "" if account == aws.account else account
    listed = aws.pages(SUBSCRIPTIONS, "Subscriptions", region=region, owner=owner, TopicArn=arn)
    found = (
        Subscription(protocol=each["Protocol"], arn=each["SubscriptionArn"]) for each in listed
    )
    return tuple(sorted(found, key=lambda each: (each.arn, each.protocol)))
