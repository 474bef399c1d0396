"""The chain that tells somebody of an event: trail → log group → metric filter → alarm → topic → subscriber.

A filter is judged by the records it matches. Coverage may be spread over several filters, each with its own chain.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.fact import Miss, known
from aws_iam.account.facts.trails import ALARMS, METRIC_FILTERS, TOPICS, TRAILS
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.policy.arn import Arn
from aws_iam.policy.slotted import slotted
from aws_iam.rules import filter_pattern, selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.facts.trails import Alarm, Metric, MetricFilter, Trail
    from aws_iam.account.snapshot import Account

    Record = Mapping[str, Any]
    ByMetric = dict[tuple[str, str], list[Alarm]]

# An everyday read: a filter that matches it too is no signal.
_EVERYDAY: Record = {
    "eventSource": "ec2.amazonaws.com",
    "eventName": "DescribeInstances",
    "eventType": "AwsApiCall",
    "sourceIPAddress": "203.0.113.7",
    "userIdentity": {"type": "AssumedRole"},
}


class Link(IntEnum):
    """How far a filter's chain reaches: the first broken link, or complete."""

    ALARM = 0
    ACTIONS = 1
    TOPIC = 2
    SUBSCRIBER = 3
    COMPLETE = 4


_BROKEN = {
    Link.ALARM: "no alarm watches its metric",
    Link.ACTIONS: "its alarm has its actions switched off",
    Link.TOPIC: "its alarm tells no SNS topic",
    Link.SUBSCRIBER: "its alarm's topic has no confirmed subscriber",
}


@slotted
class Watcher:
    """A metric filter on a good trail's log group; `miss` says why its chain beyond `link` is not known."""

    filter: MetricFilter
    region: str
    pattern: filter_pattern.Pattern | None
    link: Link
    alarm: str = ""
    miss: NotCollected | None = None

    def matches(self, record: Record) -> bool | None:
        """Whether the filter matches the record; None when its pattern does not tell."""
        return self.pattern.matches(record) if self.pattern else None

    @property
    def noisy(self) -> bool:
        """Whether it matches an everyday record too."""
        return self.matches(_EVERYDAY) is True


@slotted
class Watch:
    """Everything that watches the account's events; `gap` is the first link that nothing has."""

    watchers: tuple[Watcher, ...] = ()
    misses: tuple[NotCollected, ...] = ()
    gap: str = ""


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
    return Watch(watchers=tuple(watchers), misses=tuple(misses), gap=gap)


def broken(watchers: Iterable[Watcher]) -> str:
    """Where the best of these chains breaks."""
    best = max(watchers, key=lambda watcher: watcher.link)
    about = f" (alarm {quoted(best.alarm)})" if best.alarm else ""
    return f"filter {quoted(best.filter.name)} matches, but {_BROKEN[best.link]}{about}"


def _lacks(trail: Trail, *, kms: bool) -> str | None:
    if not trail.multi_region:
        return "covers one Region only"
    if not known(trail.status).logging:
        return "is not logging"
    recorded = selectors.management_events(known(trail.selectors))
    if not recorded.everything:
        return f"records {recorded} of management events"
    return "leaves out the events of KMS" if kms and selectors.KMS in recorded.left_out else None


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
        return _reach(account, known(by_metric).get((metric.namespace, metric.name), ()))

    for each in filters:
        if each.log_group == _group(group_arn):
            yield _watcher(each, region, reach)


def _by_metric(alarms: Iterable[Alarm]) -> ByMetric:
    """The alarms on each metric without dimensions, which is what a metric filter makes."""
    found: ByMetric = defaultdict(list)
    for alarm in alarms:
        for metric in alarm.metrics:
            if not metric.dimensions:
                found[metric.namespace, metric.name].append(alarm)
    return found


def _watcher(
    each: MetricFilter, region: str, reach: Callable[[Metric], tuple[Link, str]]
) -> Watcher:
    pattern = filter_pattern.parse(each.pattern)
    missing: NotCollected | None = None
    best: tuple[Link, str] = (Link.ALARM, "")
    for metric in each.metrics:
        try:
            best = max(best, reach(metric))
        except NotCollected as miss:
            missing = miss
    return Watcher(
        filter=each,
        region=region,
        pattern=pattern,
        link=best[0],
        alarm=best[1],
        miss=None if best[0] is Link.COMPLETE else missing,
    )


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
            return any(each.confirmed for each in known(topic.subscriptions))
    raise NotCollected(
        f"topic {quoted(arn)} is not part of this snapshot",
        call="sns:ListSubscriptionsByTopic",
        code="not collected",
        permission="sns:ListSubscriptionsByTopic",
    )


def _group(arn: str) -> str:
    return arn.partition(":log-group:")[2].removesuffix(":*")
