"""CloudTrail: every trail once, with its status, event selectors and Insights from its home Region."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, many, one
from aws_iam.account.names import id_formats
from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class TrailStatus:
    """`GetTrailStatus` of the home Region."""

    logging: bool
    last_delivery: datetime | None = None
    delivery_error: str | None = None
    last_logs_delivery: datetime | None = None
    logs_delivery_error: str | None = None


@slotted
class DataResource:
    """Objects whose data events a classic selector records, such as `AWS::S3::Object`, `arn:aws:s3`."""

    type: str
    values: tuple[str, ...]


@slotted
class EventSelector:
    """A classic event selector."""

    read_write: Literal["ReadOnly", "WriteOnly", "All"] = "All"
    management: bool = True
    data: tuple[DataResource, ...] = ()
    excluded_sources: tuple[str, ...] = ()


@slotted
class FieldSelector:
    """One condition of an advanced selector; `operators` as AWS names them (`Equals`, `NotStartsWith` …)."""

    field: str
    operators: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def values(self, operator: str) -> tuple[str, ...]:
        """The values under one operator, none when it is not used."""
        return dict(self.operators).get(operator, ())


@slotted
class AdvancedSelector:
    """An advanced event selector: all its fields must match."""

    name: str = ""
    fields: tuple[FieldSelector, ...] = ()


@slotted
class Selectors:
    """Both kinds of selectors; a trail without any records all management events."""

    classic: tuple[EventSelector, ...] = ()
    advanced: tuple[AdvancedSelector, ...] = ()


@slotted
class Trail:
    """One trail; its shadow trails, which `DescribeTrails` lists in other Regions, are merged by ARN."""

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
    """The key prefix before `AWSLogs/` in its bucket."""
    status: TrailStatus | Miss
    selectors: Selectors | Miss

    @property
    def owner(self) -> str:
        """The account id in the trail's ARN; empty when that is not an ARN."""
        arn = Arn.of(self.arn)
        return arn.account if arn else ""


@slotted
class Trails:
    """Every trail seen from the account, by ARN.

    `unread`: Regions that may have more trails and, without a Region, trails that exist but could not be read.
    """

    trails: tuple[Trail, ...] = ()
    unread: tuple[Miss, ...] = ()

    def doubts(self, regions: int, *, one_region: bool = False) -> tuple[Miss, ...]:
        """The misses because of which a trail may exist unseen, when so many `regions` were asked."""
        places = [miss for miss in self.unread if miss.region]
        # Multi-Region trails are listed in every Region: one Region that was read shows them all.
        if one_region or len(places) >= regions:
            return self.unread
        return tuple(miss for miss in self.unread if not miss.region)


@slotted
class TrailInsights:
    """The kinds of Insights events that a trail records, such as `ApiCallRateInsight`."""

    trail: str
    kinds: tuple[str, ...] | Miss = ()


TRAILS = one("cloudtrail.trails", Trails)
TRAIL_INSIGHTS = many("cloudtrail.insights", TrailInsights)
_DESCRIBE_TRAILS = "cloudtrail:DescribeTrails"
_GET_TRAIL_STATUS = "cloudtrail:GetTrailStatus"
_GET_EVENT_SELECTORS = "cloudtrail:GetEventSelectors"
_GET_INSIGHT_SELECTORS = "cloudtrail:GetInsightSelectors"
_READ_WRITE_TYPES = ("ReadOnly", "WriteOnly", "All")


@collector(TRAILS, _DESCRIBE_TRAILS, _GET_TRAIL_STATUS, _GET_EVENT_SELECTORS)
def trails(aws: Aws) -> Trails:
    """Every trail. Multi-Region trails are listed in every Region and merged by ARN.

    A trail whose record cannot be read is kept as a miss, so that it does not look as if there were no trail.
    """
    answers = aws.read_each(lambda region: _listed(aws, region), aws.regions, _DESCRIBE_TRAILS)
    by_arn: dict[str, dict[str, Any]] = {}
    for answer in answers:
        if not isinstance(answer, Miss):
            by_arn |= {trail["TrailARN"]: trail for trail in answer}
    ordered = [by_arn[arn] for arn in sorted(by_arn)]
    read = aws.read_each(lambda data: _trail(aws, data), ordered, _GET_TRAIL_STATUS)
    return Trails(
        trails=tuple(trail for trail in read if isinstance(trail, Trail)),
        unread=tuple(miss for miss in (*answers, *read) if isinstance(miss, Miss)),
    )


@collector(TRAIL_INSIGHTS, _GET_INSIGHT_SELECTORS, after=(TRAILS,))
def insights(aws: Aws) -> tuple[TrailInsights, ...]:
    """The Insights events that each trail records; for a trail without Insights AWS answers with an error."""

    def kinds(trail: Trail) -> tuple[str, ...]:
        answer = aws.get(
            _GET_INSIGHT_SELECTORS,
            region=trail.home_region,
            owner="" if trail.owner == aws.account else trail.owner,
            absent=("InsightNotEnabledException",),
            TrailName=trail.arn,
        )
        selectors = (answer or {}).get("InsightSelectors", ())
        return tuple(sorted(selector["InsightType"] for selector in selectors))

    trails = aws.fact(TRAILS).trails
    read = aws.read_each(kinds, trails, _GET_INSIGHT_SELECTORS)
    return tuple(
        TrailInsights(trail=trail.arn, kinds=insight_kinds)
        for trail, insight_kinds in zip(trails, read, strict=True)
    )


def _listed(aws: Aws, region: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = aws.need(_DESCRIBE_TRAILS, region=region).get("trailList", [])
    return listed


def _trail(aws: Aws, data: dict[str, Any]) -> Trail:
    arn = data["TrailARN"]
    parsed = Arn.of(arn)
    home = data.get("HomeRegion") or (parsed.region if parsed else "")
    if (
        parsed is None
        or not id_formats.has_format(id_formats.ARN, arn)
        or not id_formats.has_format(id_formats.REGION, home)
    ):
        raise RefusedError(_unreadable_arn(arn))
    owner = "" if parsed.account == aws.account else parsed.account
    return Trail(
        name=data["Name"],
        arn=arn,
        home_region=home,
        multi_region=data.get("IsMultiRegionTrail", False),
        organization=data.get("IsOrganizationTrail", False),
        validation=data.get("LogFileValidationEnabled", False),
        bucket=data.get("S3BucketName"),
        log_group_arn=data.get("CloudWatchLogsLogGroupArn") or None,
        kms_key=data.get("KmsKeyId") or None,
        sns_topic=data.get("SnsTopicARN") or None,
        prefix=data.get("S3KeyPrefix") or "",
        status=aws.value_or_miss(
            lambda: _status(aws.need(_GET_TRAIL_STATUS, region=home, owner=owner, Name=arn))
        ),
        selectors=aws.value_or_miss(
            lambda: _selectors(
                aws.need(_GET_EVENT_SELECTORS, region=home, owner=owner, TrailName=arn)
            )
        ),
    )


def _unreadable_arn(arn: str) -> Miss:
    return Miss(
        kind=MissKind.BROKEN,
        call=_DESCRIBE_TRAILS,
        code="IncompleteAnswer",
        permission=_DESCRIBE_TRAILS,
        message=f"a trail has the ARN {arn}, which names no account and Region",
    )


def _status(data: dict[str, Any]) -> TrailStatus:
    return TrailStatus(
        logging=data.get("IsLogging", False),
        last_delivery=data.get("LatestDeliveryTime"),
        delivery_error=data.get("LatestDeliveryError") or None,
        last_logs_delivery=data.get("LatestCloudWatchLogsDeliveryTime"),
        logs_delivery_error=data.get("LatestCloudWatchLogsDeliveryError") or None,
    )


def _selectors(data: dict[str, Any]) -> Selectors:
    return Selectors(
        classic=tuple(_classic(selector) for selector in data.get("EventSelectors") or ()),
        advanced=tuple(
            _advanced(selector) for selector in data.get("AdvancedEventSelectors") or ()
        ),
    )


def _classic(data: dict[str, Any]) -> EventSelector:
    kind = data.get("ReadWriteType", "All")
    if kind not in _READ_WRITE_TYPES:
        # A new kind records some events; whether they are enough is unknown.
        raise RefusedError(
            Miss(
                kind=MissKind.BROKEN,
                call=_GET_EVENT_SELECTORS,
                code="UnknownWord",
                permission=_GET_EVENT_SELECTORS,
                message=f"an event selector has the type {quoted(kind)}, which is none of {', '.join(_READ_WRITE_TYPES)}",
            )
        )
    return EventSelector(
        read_write=kind,
        management=data.get("IncludeManagementEvents", True),
        data=tuple(
            DataResource(type=resource["Type"], values=tuple(resource.get("Values", ())))
            for resource in data.get("DataResources", ())
        ),
        excluded_sources=tuple(data.get("ExcludeManagementEventSources", ())),
    )


def _advanced(data: dict[str, Any]) -> AdvancedSelector:
    return AdvancedSelector(
        name=data.get("Name", ""),
        fields=tuple(_field(selector) for selector in data.get("FieldSelectors", ())),
    )


def _field(data: dict[str, Any]) -> FieldSelector:
    operators = (
        (name, tuple(values)) for name, values in data.items() if name != "Field" and values
    )
    return FieldSelector(field=data["Field"], operators=tuple(sorted(operators)))
