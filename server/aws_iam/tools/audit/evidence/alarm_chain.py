"""The chain that tells somebody of an event: trail → log group → metric filter → alarm → topic → subscriber.

A filter is judged by the records it matches. Coverage may be spread over several filters, each with its own chain.
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
from aws_iam.engine.language.frozen import slotted
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.tools.audit.evidence import event_selectors, filter_pattern
from aws_iam.tools.audit.evidence.sample_records import completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.collect.logging.alarms import Alarm, Metric
    from aws_iam.account.collect.logging.cloudtrail import Selectors, Trail
    from aws_iam.account.collect.logging.metric_filters import MetricFilter
    from aws_iam.account.reading.snapshot import Account

    Record = Mapping[str, Any]
    ByMetric = dict[Metric, list[Alarm]]

# An everyday read: a filter that matches it too is no signal.
_EVERYDAY: Record = {
    "eventSource": "ec2.amazonaws.com",
    "eventName": "DescribeInstances",
    "userIdentity": {"type": "AssumedRole"},
}


class Link(IntEnum):
    """How far a filter's chain reaches: the first broken link, or complete."""

    ALARM = 0
    DIMENSIONS = 1
    ACTIONS = 2
    TOPIC = 3
    SUBSCRIBER = 4
    COMPLETE = 5


_BROKEN = {
    Link.ALARM: "no alarm watches its metric",
    Link.DIMENSIONS: "its metric has dimensions, and no alarm watches it with them",
    Link.ACTIONS: "its alarm has its actions switched off",
    Link.TOPIC: "its alarm tells no SNS topic",
    Link.SUBSCRIBER: "its alarm's topic has no confirmed subscriber",
}


@slotted
class Watcher:
    """A metric filter on a good trail's log group; `miss` says why its chain beyond `link` is not known."""

    filter: MetricFilter
    account: Account
    region: str
    pattern: filter_pattern.Pattern | None
    link: Link
    alarm: str = ""
    miss: NotCollected | None = None

    def matches(self, witness: Record) -> bool | None:
        """Whether the filter matches every record of the kind; None when its pattern does not tell."""
        if self.pattern is None:
            return None
        answers = {self.pattern.matches(sample) for sample in completed(witness, self.account)}
        if False in answers:
            return False
        return None if None in answers else True

    @property
    def noisy(self) -> bool:
        """Whether it matches an everyday record too."""
        return self.matches(_EVERYDAY) is True


@slotted
class Watch:
    """Everything that watches the account's events; `gap` is the first link that nothing has.

    `group` and `region` say where a filter would see them, once a good trail delivers to a log group.
    """

    watchers: tuple[Watcher, ...] = ()
    misses: tuple[NotCollected, ...] = ()
    gap: str = ""
    group: str = ""
    region: str = ""


def watch(account: Account, *, kms: bool = False) -> Watch:
    """The watchers on the log groups of all good trails; `kms`: the trail must not leave out KMS."""
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
        return Watch(misses=tuple(misses), gap=f"no trail records what would be told ({why})")
    return _on_groups(account, good, misses)


def _on_groups(account: Account, good: list[Trail], misses: list[NotCollected]) -> Watch:
    groups = dict.fromkeys(trail.log_group_arn for trail in good if trail.log_group_arn)
    if not groups:
        names = ", ".join(quoted(trail.name) for trail in good)
        return Watch(misses=tuple(misses), gap=f"trail {names} delivers to no log group")
    watchers: list[Watcher] = []
    for arn in groups:
        try:
            watchers += _watchers(account, arn)
        except NotCollected as missing:
            misses.append(missing)
    names = ", ".join(quoted(_group(arn)) for arn in groups)
    gap = "" if watchers else f"log group {names} has no metric filter"
    first = next(iter(groups))
    arn_of_first = Arn.of(first)
    return Watch(
        watchers=tuple(watchers),
        misses=tuple(misses),
        gap=gap,
        group=_group(first),
        region=arn_of_first.region if arn_of_first else "",
    )


def broken(watchers: Iterable[Watcher]) -> str:
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
        # What disables or deletes a key is a write.
        missed = kms and event_selectors.KMS in recorded.writes_without
        return "leaves out the events of KMS" if missed else None

    return event_selectors.proved_gap(trail, lacks)


def _watchers(account: Account, group_arn: str) -> Iterator[Watcher]:
    arn = Arn.of(group_arn)
    if arn is None:
        raise NotCollected(
            f"log group {quoted(group_arn)} is named by no ARN",
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

    # Many filters may share a metric: its alarms are followed once.
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
    """The alarms on each metric; one with other dimensions is another metric."""
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
) -> Watcher:
    missing: NotCollected | None = None
    best: tuple[Link, str] = (Link.ALARM, "")
    for metric in metric_filter.metrics:
        try:
            best = max(best, reach(metric))
        except NotCollected as miss:
            missing = miss
    if best[0] is Link.COMPLETE:
        missing = _narrowed(metric_filter, region)
    return Watcher(
        filter=metric_filter,
        account=account,
        region=region,
        pattern=_pattern(metric_filter),
        link=best[0],
        alarm=best[1],
        miss=missing,
    )


def _pattern(metric_filter: MetricFilter) -> filter_pattern.Pattern | None:
    read = None if metric_filter.transformed else filter_pattern.parse(metric_filter.pattern)
    if read is None or metric_filter.criteria == "":
        return read
    # The criteria are a clause more, on what stands beside the record.
    beside = filter_pattern.Clause(("@aws",), "=", metric_filter.criteria or "")
    return filter_pattern.Every((read, beside))


def _narrowed(metric_filter: MetricFilter, region: str) -> NotCollected | None:
    """Why the pattern alone does not tell which records the filter counts."""
    if metric_filter.criteria is None:
        why = (
            "is of a snapshot of an earlier version, which does not tell all of it; take it again"
        )
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
    """A metric with dimensions is one for each of their values: an alarm watches some, and which is not read."""
    if watching := next(iter(alarms), None):
        names = ", ".join(map(quoted, metric.dimensions))
        raise NotCollected(
            f"alarm {quoted(watching.name)} watches metric {quoted(metric.name)} for values of {names},"
            " and no alarm watches it as a whole",
            call="cloudwatch:DescribeAlarms",
            code="part of a metric",
        )
    return Link.DIMENSIONS, ""


def _reach(account: Account, alarms: Iterable[Alarm]) -> tuple[Link, str]:
    """The farthest link of any of the alarms; one that cannot be read decides only when none is complete."""
    best: tuple[Link, str] = (Link.ALARM, "")
    missing: NotCollected | None = None
    for alarm in alarms:
        try:
            best = max(best, (_told(account, alarm), alarm.name))
        except NotCollected as miss:
            missing = miss
        if best[0] is Link.COMPLETE:
            return best
    if missing:
        raise missing
    return best


def _told(account: Account, alarm: Alarm) -> Link:
    if not alarm.actions_enabled:
        return Link.ACTIONS
    topics = [action for action in alarm.actions if action.split(":")[2:3] == ["sns"]]
    if not topics:
        return Link.TOPIC
    missing: NotCollected | None = None
    for topic in topics:
        try:
            if _heard(account, topic):
                return Link.COMPLETE
        except NotCollected as miss:
            missing = miss
    if missing:
        raise missing
    return Link.SUBSCRIBER


def _heard(account: Account, arn: str) -> bool:
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
