"""What is read of metric filters and alarms: everything that keeps one from watching the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.logging.alarms import ALARMS, Metric
from aws_iam.account.collect.logging.metric_filters import METRIC_FILTERS
from helpers.rich_account import RICH
from helpers.scripted_aws import ACCOUNT, Script

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import Fact


def read(fact: Fact[Any], **changed: Any) -> Any:
    """The fact in the rich account, with some answers changed (`service__Operation`)."""
    changes = {name.replace("__", ":"): answer for name, answer in changed.items()}
    aws = Script(RICH | changes).aws()
    try:
        return aws.fact_or_miss(fact, "us-east-1")
    finally:
        aws.close()


def _alarm_on(**more: Any) -> dict[str, Any]:
    (alarm,) = RICH["cloudwatch:DescribeAlarms"]["MetricAlarms"]
    (query,) = alarm["Metrics"]
    return {"MetricAlarms": [alarm | {"Metrics": [query | more]}]}


def test_an_alarm_on_another_accounts_metric_watches_no_metric_of_this_one() -> None:
    (own,) = read(ALARMS, cloudwatch__DescribeAlarms=_alarm_on(AccountId=ACCOUNT))
    assert own.metrics == (Metric(name="root", namespace="CIS"),)
    (other,) = read(ALARMS, cloudwatch__DescribeAlarms=_alarm_on(AccountId="999999999999"))
    assert other.metrics == ()


def test_criteria_and_dimensions_of_a_metric_filter_are_kept() -> None:
    (plain,) = read(METRIC_FILTERS)
    assert (plain.criteria, plain.transformed) == ("", False)
    (known,) = RICH["logs:DescribeMetricFilters"]["metricFilters"]
    (metric,) = known["metricTransformations"]
    narrow = known | {
        "metricTransformations": [metric | {"dimensions": {"user": "$.userIdentity.arn"}}],
        "emitSystemFieldDimensions": ["@aws.region", "@aws.account"],
        "fieldSelectionCriteria": '@aws.account = "999999999999"',
        "applyOnTransformedLogs": True,
    }
    (found,) = read(METRIC_FILTERS, logs__DescribeMetricFilters={"metricFilters": [narrow]})
    assert found.criteria == '@aws.account = "999999999999"'
    assert found.transformed
    assert found.metrics == (
        Metric(name="root", namespace="CIS", dimensions=("@aws.account", "@aws.region", "user")),
    )
