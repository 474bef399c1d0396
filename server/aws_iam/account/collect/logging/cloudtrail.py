"""CloudTrail: every trail once, with its status, event selectors and Insights from its home Region."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError, many, one
from aws_iam.account.names import id_formats
from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


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


TRAILS = one("cloudtrail.trails", Trails)
TRAIL_INSIGHTS = many("cloudtrail.insights", TrailInsights)
DESCRIBE = "cloudtrail:DescribeTrails"
STATUS = "cloudtrail:GetTrailStatus"
SELECTORS = "cloudtrail:GetEventSelectors"
INSIGHTS = "cloudtrail:GetInsightSelectors"
_KINDS = ("ReadOnly", "WriteOnly", "All")


@collector(TRAILS, DESCRIBE, STATUS, SELECTORS)
def trails(aws: Aws) -> Trails:
    """Multi-Region trails cast a shadow in every Region: merged by ARN, whichever Region answers first.

    A trail whose record cannot be read is kept as a miss: dropped, it would look like no trail.
    """
    answers = aws.each(lambda region: _listed(aws, region), aws.regions, DESCRIBE)
    found: dict[str, dict[str, Any]] = {}
    for answer in answers:
        if not isinstance(answer, Miss):
            found |= {each["TrailARN"]: each for each in answer}
    ordered = [found[arn] for arn in sorted(found)]
    read = aws.each(lambda data: _trail(aws, data), ordered, STATUS)
    return Trails(
        trails=tuple(each for each in read if isinstance(each, Trail)),
        unread=tuple(each for each in (*answers, *read) if isinstance(each, Miss)),
    )


@collector(TRAIL_INSIGHTS, INSIGHTS, after=(TRAILS,))
def insights(aws: Aws) -> tuple[TrailInsights, ...]:
    """What each trail looks for beside the events themselves; a trail without Insights answers with an error."""

    def kinds(trail: Trail) -> tuple[str, ...]:
        answer = aws.get(
            INSIGHTS,
            region=trail.home_region,
            owner="" if trail.owner == aws.account else trail.owner,
            absent=("InsightNotEnabledException",),
            TrailName=trail.arn,
        )
        selectors = (answer or {}).get("InsightSelectors", ())
        return tuple(sorted(selector["InsightType"] for selector in selectors))

    trails = aws.fact(TRAILS).trails
    read = aws.each(kinds, trails, INSIGHTS)
    return tuple(
        TrailInsights(trail=trail.arn, kinds=found)
        for trail, found in zip(trails, read, strict=True)
    )


def _listed(aws: Aws, region: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = aws.need(DESCRIBE, region=region).get("trailList", [])
    return listed


def _trail(aws: Aws, data: dict[str, Any]) -> Trail:
    arn = data["TrailARN"]
    named = Arn.of(arn)
    home = data.get("HomeRegion") or (named.region if named else "")
    if (
        named is None
        or not id_formats.fits(id_formats.ARN, arn)
        or not id_formats.fits(id_formats.REGION, home)
    ):
        raise RefusedError(_unnamed(arn))
    owner = "" if named.account == aws.account else named.account
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
        status=aws.tried(lambda: _status(aws.need(STATUS, region=home, owner=owner, Name=arn))),
        selectors=aws.tried(
            lambda: _selectors(aws.need(SELECTORS, region=home, owner=owner, TrailName=arn))
        ),
    )


def _unnamed(arn: str) -> Miss:
    return Miss(
        kind=MissKind.BROKEN,
        call=DESCRIBE,
        code="IncompleteAnswer",
        permission=DESCRIBE,
        message=f"a trail is named {arn}, which tells no account and Region",
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
        classic=tuple(_classic(each) for each in data.get("EventSelectors") or ()),
        advanced=tuple(_advanced(each) for each in data.get("AdvancedEventSelectors") or ()),
    )


def _classic(data: dict[str, Any]) -> EventSelector:
    kind = data.get("ReadWriteType", "All")
    if kind not in _KINDS:
        # A new kind records something; whether it is enough is not known.
        raise RefusedError(
            Miss(
                kind=MissKind.BROKEN,
                call=SELECTORS,
                code="UnknownWord",
                permission=SELECTORS,
                message=f"a selector records the events {quoted(kind)}, which is none of {', '.join(_KINDS)}",
            )
        )
    return EventSelector(
        read_write=kind,
        management=data.get("IncludeManagementEvents", True),
        data=tuple(
            DataResource(type=each["Type"], values=tuple(each.get("Values", ())))
            for each in data.get("DataResources", ())
        ),
        excluded_sources=tuple(data.get("ExcludeManagementEventSources", ())),
    )


def _advanced(data: dict[str, Any]) -> AdvancedSelector:
    return AdvancedSelector(
        name=data.get("Name", ""),
        fields=tuple(_field(each) for each in data.get("FieldSelectors", ())),
    )


def _field(data: dict[str, Any]) -> FieldSelector:
    operators = (
        (name, tuple(values)) for name, values in data.items() if name != "Field" and values
    )
    return FieldSelector(field=data["Field"], operators=tuple(sorted(operators)))
