"""CloudWatch metric alarms, and who subscribes to the SNS topics that they notify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector, collector_in
from aws_iam.account.collect.fact import Miss, many, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


@slotted
class Metric:
    """A CloudWatch metric; `dimensions` are their names, sorted. With other dimensions it is another metric."""

    name: str
    namespace: str
    dimensions: tuple[str, ...] = ()


@slotted
class Alarm:
    """A metric alarm; `metrics` are those of its own account, from both MetricName and Metrics[].MetricStat."""

    name: str
    arn: str
    actions_enabled: bool = True
    actions: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()


@slotted
class Subscription:
    """A subscription of a topic, without its address."""

    protocol: str
    arn: str

    @property
    def confirmed(self) -> bool:
        """Whether it is confirmed; until then AWS sends `PendingConfirmation` in place of the ARN."""
        return self.arn.startswith("arn:")


@slotted
class Topic:
    """An SNS topic that an alarm of this account notifies."""

    arn: str
    subscriptions: tuple[Subscription, ...] | Miss


ALARMS = many_in("cloudwatch.alarms", Alarm)
TOPICS = many("sns.alarm_topics", Topic)
_LIST_SUBSCRIPTIONS_BY_TOPIC = "sns:ListSubscriptionsByTopic"


@collector_in(ALARMS, "cloudwatch:DescribeAlarms")
def alarms(aws: Aws, region: str) -> tuple[Alarm, ...]:
    """The metric alarms; composite ones watch no metric."""
    listed = aws.items("cloudwatch:DescribeAlarms", "MetricAlarms", region=region)
    metric_alarms = (_alarm(data, aws.account) for data in listed)
    return tuple(sorted(metric_alarms, key=lambda alarm: alarm.arn))


def _alarm(data: dict[str, Any], account: str) -> Alarm:
    return Alarm(
        name=data["AlarmName"],
        arn=data["AlarmArn"],
        actions_enabled=data.get("ActionsEnabled", True),
        actions=tuple(data.get("AlarmActions", ())),
        metrics=tuple(_metrics(data, account)),
    )


def _metrics(data: dict[str, Any], account: str) -> Iterator[Metric]:
    # An alarm on a metric expression has its metrics one level down.
    if "MetricName" in data:
        yield _metric(data)
    for metric in data.get("Metrics", ()):
        # A monitoring account may watch the metric of the same name in another one.
        own = metric.get("AccountId", account) == account
        if own and "Metric" in metric.get("MetricStat", {}):
            yield _metric(metric["MetricStat"]["Metric"])


def _metric(data: dict[str, Any]) -> Metric:
    return Metric(
        name=data["MetricName"],
        namespace=data.get("Namespace", ""),
        dimensions=tuple(sorted(dimension["Name"] for dimension in data.get("Dimensions", ()))),
    )


@collector(TOPICS, _LIST_SUBSCRIPTIONS_BY_TOPIC, after=(ALARMS,))
def topics(aws: Aws) -> tuple[Topic, ...]:
    """The topics in the alarms' actions, each once; alarms that could not be read are missing as a fact of their own."""
    arns: set[str] = set()
    for alarms in aws.read_each(
        lambda region: aws.fact_in(region, ALARMS), aws.regions, ALARMS.name
    ):
        if not isinstance(alarms, Miss):
            arns |= {action for alarm in alarms for action in alarm.actions if _is_topic(action)}
    ordered = sorted(arns)
    listed = aws.read_each(
        lambda arn: _subscriptions(aws, arn), ordered, _LIST_SUBSCRIPTIONS_BY_TOPIC
    )
    return tuple(
        Topic(arn=arn, subscriptions=subscriptions)
        for arn, subscriptions in zip(ordered, listed, strict=True)
    )


def _is_topic(arn: str) -> bool:
    return arn.startswith("arn:") and arn.split(":")[2] == "sns"


def _subscriptions(aws: Aws, arn: str) -> tuple[Subscription, ...]:
    _, _, _, region, account, *_ = arn.split(":")
    owner = "" if account == aws.account else account
    listed = aws.items(
        _LIST_SUBSCRIPTIONS_BY_TOPIC, "Subscriptions", region=region, owner=owner, TopicArn=arn
    )
    subscriptions = (
        Subscription(protocol=data["Protocol"], arn=data["SubscriptionArn"]) for data in listed
    )
    return tuple(
        sorted(subscriptions, key=lambda subscription: (subscription.arn, subscription.protocol))
    )
