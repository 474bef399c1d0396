"""SNS: who listens to the topics that alarms tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.facts.fact import Miss
from aws_iam.account.facts.trails import ALARMS, TOPICS, Subscription, Topic

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

SUBSCRIPTIONS = "sns:ListSubscriptionsByTopic"


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
