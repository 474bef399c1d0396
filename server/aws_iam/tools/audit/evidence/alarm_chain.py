"""The chain by which an event reaches a person: trail → log group → metric filter → alarm → topic → subscriber.

A filter is judged by the records it matches. Several filters, each with its own chain, may share the coverage.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.logging.alarms import ALARMS, TOPICS
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.logging.metric_filters import METRIC_FILTERS
from aws_iam.engine.language.arn import Arn
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.evidence import event_selectors, filter_pattern
from aws_iam.tools.audit.evidence.sample_records import sample_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.collect.logging.alarms import Alarm, Metric
    from aws_iam.account.collect.logging.cloudtrail import Selectors, Trail
    from aws_iam.account.collect.logging.metric_filters import MetricFilter
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.evidence.sample_records import SampleEvent

    Record = Mapping[str, Any]
    ByMetric = dict[Metric, list[Alarm]]

# An everyday call: a filter that matches it too is only noise.
_EVERYDAY: Record = {
    "eventSource": "ec2.amazonaws.com",
    "eventName": "DescribeInstances",
    "userIdentity": {"type": "AssumedRole"},
}


class Link(IntEnum):
    """How far a filter's chain reaches: its first broken link, or complete."""

    ALARM = 0
    DIMENSIONS = 1
    ACTIONS = 2
    TOPIC = 3
    SUBSCRIBER = 4
    COMPLETE = 5


_BROKEN = {
    Link.ALARM: "no alarm watches its metric",
    Link.DIMENSIONS: "its metric has dimensions, and no alarm watches it with them",
    Link.ACTIONS: "the actions of its alarm are disabled",
    Link.TOPIC: "its alarm notifies no SNS topic",
    Link.SUBSCRIBER: "its alarm's topic has no confirmed subscriber",
}


@slotted
class FilterChain:
    """A metric filter on a good trail's log group, and its chain; `miss` says why the chain beyond `link` is unknown."""

    filter: MetricFilter
    account: Account
    region: str
    pattern: filter_pattern.Pattern | None
    link: Link
    alarm: str = ""
    miss: NotCollected | None = None

    def matches(self, event: SampleEvent) -> bool | None:
        """Whether the filter matches every record of the event; None if its pattern does not decide that."""
        if self.pattern is None:
            return None
        answers = {self.pattern.matches(record) for record in event.records}
        if False in answers:
            return False
        return None if None in answers else True

    @property
    def noisy(self) -> bool:
        """Whether it matches an everyday call too."""
        return self.matches(sample_event(_EVERYDAY, self.account)) is True


@slotted
class AlarmCoverage:
    """All filters that watch the account's events; `gap` says which link is missing altogether.

    `group` and `region` are the log group where a new filter would see the events, and its Region.
    """

    watchers: tuple[FilterChain, ...] = ()
    misses: tuple[NotCollected, ...] = ()
    gap: str = ""
    group: str = ""
    region: str = ""


def alarm_coverage(account: Account, *, kms: bool = False) -> AlarmCoverage:
    """The filters on the log groups of all good trails; with `kms`, a good trail must record KMS events."""
    found = account.require(TRAILS)
    misses = [miss.error() for miss in found.doubts(len(account.regions.read))]
    good: list[Trail] = []
    gaps: list[str] = []
    for trail in found.trails:
        try:
            lacks = _lacks(trail, kms=kms)
        except NotCollected as missing:
            misses.append(missing)
            continue
        if lacks:
            gaps.append(f"{quoted(trail.name)} {lacks}")
        else:
            good.append(trail)
    if not good:
        why = "; ".join(gaps) or "there is none"
        return AlarmCoverage(misses=tuple(misses), gap=f"no trail records these events ({why})")
    return _on_groups(account, good, misses)


def _on_groups(account: Account, good: list[Trail], misses: list[NotCollected]) -> AlarmCoverage:
    groups = dict.fromkeys(trail.log_group_arn for trail in good if trail.log_group_arn)
    if not groups:
        names = ", ".join(quoted(trail.name) for trail in good)
        return AlarmCoverage(
            misses=tuple(misses),
            gap=f"trail{'s' if len(good) > 1 else ''} {names} deliver{'' if len(good) > 1 else 's'} to no log group",
        )
    watchers: list[FilterChain] = []
    for arn in groups:
        try:
            watchers += _watchers(account, arn)
        except NotCollected as missing:
            misses.append(missing)
    names = ", ".join(quoted(_group(arn)) for arn in groups)
    gap = "" if watchers else f"log group {names} has no metric filter"
    first = next(iter(groups))
    arn_of_first = Arn.of(first)
    return AlarmCoverage(
        watchers=tuple(watchers),
        misses=tuple(misses),
        gap=gap,
        group=_group(first),
        region=arn_of_first.region if arn_of_first else "",
    )


def broken_link(watchers: Iterable[FilterChain]) -> str:
    """Where the best of these chains breaks."""
    best = max(watchers, key=lambda watcher: watcher.link)
    about = f" (alarm {quoted(best.alarm)})" if best.alarm else ""
    return f"filter {quoted(best.filter.name)} matches, but {_BROKEN[best.link]}{about}"


def _lacks(trail: Trail, *, kms: bool) -> str | None:
    if not trail.multi_region:
        return "covers one Region only"

    def lacks(chosen: Selectors) -> str | None:
        recorded = event_selectors.management_events(chosen)
        if not recorded.everything:
            return f"records {recorded} of management events"
        # Disabling and deleting a key are writes.
        missed = kms and event_selectors.KMS in recorded.writes_without
        return "excludes KMS events" if missed else None

    return event_selectors.proved_gap(trail, lacks)


def _watchers(account: Account, group_arn: str) -> Iterator[FilterChain]:
    arn = Arn.of(group_arn)
    if arn is None:
        raise NotCollected(
            f"log group {quoted(group_arn)} is not an ARN",
            call="cloudtrail:DescribeTrails",
            code="no value",
        )
    region = arn.region
    if arn.account != account.id:
        raise NotCollected(
            f"log group {quoted(_group(group_arn))} belongs to account {quoted(arn.account)}",
            call="logs:DescribeMetricFilters",
            code="elsewhere",
            permission="logs:DescribeMetricFilters",
            region=region,
        )
    filters = account.require_in(region, METRIC_FILTERS)
    alarms = account.get_in(region, ALARMS)
    by_metric = alarms if isinstance(alarms, Miss) else _by_metric(alarms)

    # Many filters may share a metric; its alarms are followed once.
    @cache
    def reach(metric: Metric) -> tuple[Link, str]:
        watching = known(by_metric).get(metric, ())
        return (
            _reach_dimensions(metric, watching) if metric.dimensions else _reach(account, watching)
        )

    for metric_filter in filters:
        if metric_filter.log_group == _group(group_arn):
            yield _watcher(account, metric_filter, region, reach)


def _by_metric(alarms: Iterable[Alarm]) -> ByMetric:
    """The alarms on each metric; with other dimensions it is another metric."""
    found: ByMetric = defaultdict(list)
    for alarm in alarms:
        for metric in alarm.metrics:
            found[metric].append(alarm)
    return found


def _watcher(
    account: Account,
    metric_filter: MetricFilter,
    region: str,
    reach: Callable[[Metric], tuple[Link, str]],
) -> FilterChain:
    missing: NotCollected | None = None
    best: tuple[Link, str] = (Link.ALARM, "")
    for metric in metric_filter.metrics:
        try:
            best = max(best, reach(metric))
        except NotCollected as miss:
            missing = miss
    if best[0] is Link.COMPLETE:
        missing = _narrowed(metric_filter, region)
    return FilterChain(
        filter=metric_filter,
        account=account,
        region=region,
        pattern=_pattern(metric_filter),
        link=best[0],
        alarm=best[1],
        miss=missing,
    )


def _pattern(metric_filter: MetricFilter) -> filter_pattern.Pattern | None:
    parsed = (
        None if metric_filter.transformed else filter_pattern.parse_pattern(metric_filter.pattern)
    )
    if parsed is None or metric_filter.criteria == "":
        return parsed
    # The criteria are one more clause, on fields that AWS adds to the record.
    criteria = filter_pattern.Clause(("@aws",), "=", metric_filter.criteria or "")
    return filter_pattern.Every((parsed, criteria))


def _narrowed(metric_filter: MetricFilter, region: str) -> NotCollected | None:
    """Why the pattern alone does not decide which records the filter counts."""
    if metric_filter.criteria is None:
        why = "is in a snapshot of an earlier version, which lacks part of it; take a new snapshot"
    elif metric_filter.criteria:
        why = f"counts only events with {quoted(metric_filter.criteria)}"
    elif metric_filter.transformed:
        why = "reads the events after a transformation"
    else:
        return None
    return NotCollected(
        f"filter {quoted(metric_filter.name)} {why}",
        call="logs:DescribeMetricFilters",
        code="filter not understood",
        region=region,
    )


def _reach_dimensions(metric: Metric, alarms: Iterable[Alarm]) -> tuple[Link, str]:
    """A metric with dimensions has a series for each of their values; an alarm watches some, and it is not read which."""
    if watching := next(iter(alarms), None):
        names = ", ".join(map(quoted, metric.dimensions))
        raise NotCollected(
            f"alarm {quoted(watching.name)} watches metric {quoted(metric.name)} only for some values of {names},"
            " and no alarm watches all of it",
            call="cloudwatch:DescribeAlarms",
            code="part of a metric",
        )
    return Link.DIMENSIONS, ""


def _reach(account: Account, alarms: Iterable[Alarm]) -> tuple[Link, str]:
    """The farthest link of any alarm; one that could not be read matters only if none is complete."""
    best: tuple[Link, str] = (Link.ALARM, "")
    missing: NotCollected | None = None
    for alarm in alarms:
        try:
            best = max(best, (_link_of(account, alarm), alarm.name))
        except NotCollected as miss:
            missing = miss
        if best[0] is Link.COMPLETE:
            return best
    if missing:
        raise missing
    return best


def _link_of(account: Account, alarm: Alarm) -> Link:
    if not alarm.actions_enabled:
        return Link.ACTIONS
    topics = [action for action in alarm.actions if action.split(":")[2:3] == ["sns"]]
    if not topics:
        return Link.TOPIC
    missing: NotCollected | None = None
    for topic in topics:
        try:
            if _has_subscriber(account, topic):
                return Link.COMPLETE
        except NotCollected as miss:
            missing = miss
    if missing:
        raise missing
    return Link.SUBSCRIBER


def _has_subscriber(account: Account, arn: str) -> bool:
    for topic in account.require(TOPICS):
        if topic.arn == arn:
            return any(subscription.confirmed for subscription in known(topic.subscriptions))
    raise NotCollected(
        f"topic {quoted(arn)} is not part of this snapshot",
        call="sns:ListSubscriptionsByTopic",
        code="not collected",
        permission="sns:ListSubscriptionsByTopic",
    )


def _group(arn: str) -> str:
    return arn.partition(":log-group:")[2].removesuffix(":*")
