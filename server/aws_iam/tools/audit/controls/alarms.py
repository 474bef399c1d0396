"""CIS: important events raise an alarm that reaches somebody, proved along the whole chain."""

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.evidence.alarm_chain import AlarmCoverage, FilterChain, Record

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
def alarm_reaches_somebody(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """An alarm notifies nobody by itself: it needs an action, a topic and a confirmed subscriber.

    Wrong where another system watches the events, such as a SIEM.
    """
    seen = alarm_coverage(account, kms=terms.control.key == "alarm_cmk_deletion")
    wanted, late = _witnesses(terms)
    complete = [watcher for watcher in seen.watchers if watcher.link is Link.COMPLETE]
    open_ones = [record for record in wanted if not _matched(record, complete)]
    if not open_ones:
        yield Pass(account.root_arn, _told(wanted, complete, late))
    elif (missing := _missing(seen, open_ones)) is not None:
        yield unread(missing, account.root_arn)
    else:
        places = (("GROUP", seen.group), ("REGION", seen.region))
        named = tuple((hole, place) for hole, place in places if place)
        yield Fail(account.root_arn, _first_gap(seen, open_ones), names=named)


def _witnesses(terms: ControlTerms) -> tuple[tuple[Record, ...], Record | None]:
    """The records that must be matched, and one that later versions ask for."""
    records = terms.control.witnesses
    if terms.control.key != "alarm_sg_changes" or terms.threshold("modify_rules_event_required"):
        return records, None
    late = next(record for record in records if record["eventName"] == _LATE_EVENT)
    return tuple(record for record in records if record is not late), late


def _matched(record: Record, watchers: list[FilterChain]) -> bool:
    return any(watcher.matches(record) is True for watcher in watchers)


def _missing(seen: AlarmCoverage, records: list[Record]) -> NotCollected | None:
    """Why a fail is not proved: what is unread could still watch every record that nothing is known to watch."""
    if seen.misses:
        return seen.misses[0]
    reasons: list[NotCollected] = []
    for record in records:
        maybe = next(filter(None, (_doubt(watcher, record) for watcher in seen.watchers)), None)
        if maybe is None:
            return None
        reasons.append(maybe)
    return reasons[0]


def _doubt(watcher: FilterChain, record: Record) -> NotCollected | None:
    matches = watcher.matches(record)
    if matches is False or (watcher.miss is None and watcher.link is not Link.COMPLETE):
        return None
    if watcher.miss:
        return watcher.miss
    return NotCollected(
        f"the pattern of filter {quoted(watcher.filter.name)} is not understood here:"
        f" {quoted(watcher.filter.pattern)}",
        call="logs:DescribeMetricFilters",
        code="pattern not understood",
        region=watcher.region,
    )


def _first_gap(seen: AlarmCoverage, open_ones: list[Record]) -> str:
    if seen.gap:
        return seen.gap
    unmatched = [record for record in open_ones if not _matched(record, list(seen.watchers))]
    if unmatched:
        return f"no metric filter matches {_names(unmatched)}"
    record = open_ones[0]
    return broken_link(watcher for watcher in seen.watchers if watcher.matches(record) is True)


def _told(wanted: tuple[Record, ...], complete: list[FilterChain], late: Record | None) -> str:
    used = [watcher for watcher in complete if any(watcher.matches(record) for record in wanted)]
    names = ", ".join(dict.fromkeys(quoted(watcher.filter.name) for watcher in used))
    notes = [f"a confirmed subscriber is told by filter {names}"]
    if any(watcher.noisy for watcher in used):
        notes.append("it matches everyday events too, and will be noisy")
    if late and not _matched(late, complete):
        notes.append(f"later versions ask for {_LATE_EVENT} as well")
    return "; ".join(notes)


def _names(records: list[Record], most: int = 8) -> str:
    names = [_name(record) for record in records]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _name(record: Record) -> str:
    error = record.get("errorCode") or record.get("errorMessage")
    return f"{record['eventName']} ({error})" if error else str(record["eventName"])
