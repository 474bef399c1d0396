"""What is recorded and who is told: trails, log groups' filters, alarms, topics, Config."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import Literal

from aws_iam.account.facts.fact import Miss, many, many_in, one
from aws_iam.engine.language.arn import Arn


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailStatus:
    """`GetTrailStatus` of the home Region."""

    logging: bool
    last_delivery: datetime | None = None
    delivery_error: str | None = None
    last_logs_delivery: datetime | None = None
    logs_delivery_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataResource:
    """Objects whose data events a classic selector records, such as `AWS::S3::Object`, `arn:aws:s3`."""

    type: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSelector:
    """A classic event selector."""

    read_write: Literal["ReadOnly", "WriteOnly", "All"] = "All"
    management: bool = True
    data: tuple[DataResource, ...] = ()
    excluded_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSelector:
    """One condition of an advanced selector; `operators` as AWS names them (`Equals`, `NotStartsWith` …)."""

    field: str
    operators: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def values(self, operator: str) -> tuple[str, ...]:
        """The values under one operator, none when it is not used."""
        return dict(self.operators).get(operator, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedSelector:
    """An advanced event selector: all its fields must match."""

    name: str = ""
    fields: tuple[FieldSelector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """Both kinds; a trail that never had any (both empty) records all management events."""

    classic: tuple[EventSelector, ...] = ()
    advanced: tuple[AdvancedSelector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One trail, once: the shadows that `DescribeTrails` shows in other Regions are merged by ARN."""

    name: str
    arn: str
    home_region: str
    multi_region: bool = False
    organization: bool = False
    validation: bool = False
    bucket: str | None = None
    log_group_arn: str | None = None
    kms_key: str | None = None
    sns_topic: str | None = None
    prefix: str = ""
    """What stands before `AWSLogs/` in its bucket."""
    status: TrailStatus | Miss
    selectors: Selectors | Miss

    @property
    def owner(self) -> str:
        """The account id in the trail's ARN; empty when that is none."""
        arn = Arn.of(self.arn)
        return arn.account if arn else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trails:
    """Every trail seen from the account, by ARN.

    `unread`: Regions where there may be more and, without a Region, a trail that is there and could not be read.
    """

    trails: tuple[Trail, ...] = ()
    unread: tuple[Miss, ...] = ()

    def doubts(self, regions: int, *, one_region: bool = False) -> tuple[Miss, ...]:
        """What keeps `there is no such trail` unproved, of so many Regions that were asked."""
        places = [miss for miss in self.unread if miss.region]
        # A multi-Region trail shows in every Region: one that was read is enough to have seen them all.
        if one_region or len(places) >= regions:
            return self.unread
        return tuple(miss for miss in self.unread if not miss.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailInsights:
    """The kinds of Insights events that a trail looks for, such as `ApiCallRateInsight`."""

    trail: str
    kinds: tuple[str, ...] | Miss = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A CloudWatch metric; `dimensions` are their names, sorted. With other dimensions it is another metric."""

    name: str
    namespace: str
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    """A metric filter of a log group."""

    name: str
    log_group: str
    pattern: str
    metrics: tuple[Metric, ...] = ()
    criteria: str | None = ""
    """Which events the pattern is applied to, by the account or Region that they come from; empty: all.

    None in a snapshot of an earlier version: nothing is known of it, nor of its metrics' dimensions.
    """
    transformed: bool | None = False
    """Whether the pattern is applied to what the log group's transformer made of the events; None as above."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """A Config recorder that the owner made or a service did (`service_principal`)."""

    name: str
    all_supported: bool = False
    global_types: bool = False
    strategy: str | None = None
    service_principal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """Whether a recorder records, and how the last delivery went, in AWS's words."""

    name: str
    recording: bool = False
    last_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryChannel:
    """Where Config delivers."""

    name: str
    bucket: str | None = None
    sns_topic: str | None = None


TRAILS = one("cloudtrail.trails", Trails)
TRAIL_INSIGHTS = many("cloudtrail.insights", TrailInsights)
TOPICS = many("sns.alarm_topics", Topic)
METRIC_FILTERS = many_in("logs.metric_filters", MetricFilter)
ALARMS = many_in("cloudwatch.alarms", Alarm)
RECORDERS = many_in("config.recorders", Recorder)
RECORDER_STATUSES = many_in("config.recorder_statuses", RecorderStatus)
DELIVERY_CHANNELS = many_in("config.delivery_channels", DeliveryChannel)
