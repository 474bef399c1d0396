"""CIS controls on alarms: important events raise an alarm that reaches a subscriber, proved along the whole chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.logging.alarms import ALARMS, TOPICS
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.collect.logging.metric_filters import METRIC_FILTERS
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, Outcome, Pass, unread
from aws_iam.tools.audit.controls.control import ControlTerms, control
from aws_iam.tools.audit.evidence.alarm_chain import Link, alarm_coverage, broken_link
from aws_iam.tools.audit.evidence.sample_records import sample_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.evidence.alarm_chain import AlarmCoverage, FilterChain, Record
    from aws_iam.tools.audit.evidence.sample_records import SampleEvent

_LATE_EVENT = "ModifySecurityGroupRules"


@control(
    "alarm_auth_failures",
    "alarm_bucket_policy",
    "alarm_cmk_deletion",
    "alarm_config_changes",
    "alarm_gateway_changes",
    "alarm_iam_changes",
    "alarm_nacl_changes",
    "alarm_no_mfa_signin",
    "alarm_org_changes",
    "alarm_root_use",
    "alarm_route_changes",
    "alarm_sg_changes",
    "alarm_trail_changes",
    "alarm_unauthorized",
    "alarm_vpc_changes",
    needs=(TRAILS, METRIC_FILTERS, ALARMS, TOPICS),
)
def alarm_notifies_somebody(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """An alarm alone notifies nobody: it needs an action, a topic and a confirmed subscriber.

    False alarm when another system, such as a SIEM, watches the events.
    """
    coverage = alarm_coverage(account, kms=terms.control.key == "alarm_cmk_deletion")
    required, late = _events(account, terms)
    complete = [watcher for watcher in coverage.watchers if watcher.link is Link.COMPLETE]
    matching = [_matching(event, complete) for event in required]
    unwatched = [event for event, watchers in zip(required, matching, strict=True) if not watchers]
    if not unwatched:
        used = {id(watcher) for watchers in matching for watcher in watchers}
        through = [watcher for watcher in complete if id(watcher) in used]
        is_seen = late is None or _matching(late, complete)
        yield Pass(account.root_arn, _evidence(through, None if is_seen else late))
    elif (missing := _missing(coverage, unwatched)) is not None:
        yield unread(missing, account.root_arn)
    else:
        places = (("GROUP", coverage.group), ("REGION", coverage.region))
        names = tuple((placeholder, place) for placeholder, place in places if place)
        yield Fail(account.root_arn, _first_gap(coverage, unwatched), names=names)


def _events(
    account: Account, terms: ControlTerms
) -> tuple[tuple[SampleEvent, ...], SampleEvent | None]:
    """The events that a filter must match, and one that only later versions require."""
    events = tuple(sample_event(witness, account) for witness in terms.control.witnesses)
    if terms.control.key != "alarm_sg_changes" or terms.threshold("modify_rules_event_required"):
        return events, None
    late = next(event for event in events if event.witness["eventName"] == _LATE_EVENT)
    return tuple(event for event in events if event is not late), late


def _matching(event: SampleEvent, watchers: Iterable[FilterChain]) -> list[FilterChain]:
    return [watcher for watcher in watchers if watcher.matches(event) is True]


def _missing(coverage: AlarmCoverage, events: list[SampleEvent]) -> NotCollected | None:
    """Why a fail is not proved: something unread might watch all of these events; None if it is proved."""
    if coverage.misses:
        return coverage.misses[0]
    reasons: list[NotCollected] = []
    for event in events:
        doubts = (_doubt(watcher, event) for watcher in coverage.watchers)
        doubt = next(filter(None, doubts), None)
        if doubt is None:
            return None
        reasons.append(doubt)
    return reasons[0]


def _doubt(watcher: FilterChain, event: SampleEvent) -> NotCollected | None:
    matches = watcher.matches(event)
    if matches is False or (watcher.miss is None and watcher.link is not Link.COMPLETE):
        return None
    if watcher.miss:
        return watcher.miss
    return NotCollected(
        f"the pattern of filter {quoted(watcher.filter.name)} could not be parsed:"
        f" {quoted(watcher.filter.pattern)}",
        call="logs:DescribeMetricFilters",
        code="pattern not understood",
        region=watcher.region,
    )


def _first_gap(coverage: AlarmCoverage, unwatched: list[SampleEvent]) -> str:
    if coverage.gap:
        return coverage.gap
    matching = [_matching(event, coverage.watchers) for event in unwatched]
    unmatched = [
        event for event, watchers in zip(unwatched, matching, strict=True) if not watchers
    ]
    if unmatched:
        return f"no metric filter matches {_names(unmatched)}"
    return broken_link(matching[0])


def _evidence(used: list[FilterChain], unmatched: SampleEvent | None) -> str:
    names = ", ".join(dict.fromkeys(quoted(watcher.filter.name) for watcher in used))
    notes = [f"a confirmed subscriber is notified through filter {names}"]
    if any(watcher.noisy for watcher in used):
        notes.append("it also matches everyday events, so expect noise")
    if unmatched:
        notes.append(f"later versions also require {_LATE_EVENT}")
    return "; ".join(notes)


def _names(events: list[SampleEvent], most: int = 8) -> str:
    names = [_name(event.witness) for event in events]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _name(record: Record) -> str:
    error = record.get("errorCode") or record.get("errorMessage")
    return f"{record['eventName']} ({error})" if error else str(record["eventName"])
