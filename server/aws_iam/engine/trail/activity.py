"""The events of a log by caller: what each needed, what AWS denied, what failed, what shows nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.fixed_outcomes import always_allowed, never_allowed
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.callers import chosen_caller
from aws_iam.engine.trail.event_needs import EventNeeds, EventReader, UsedAction, why_skipped
from aws_iam.engine.trail.event_resource import EventResource, without_escapes
from aws_iam.engine.trail.event_tables import prefix_of
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.engine.trail.cloudtrail import Event, EventLog

_NOT_ALLOWED = "is not authorized to perform: "
_ON = " on resource: "


@slotted
class Refusal:
    """Calls that AWS denied: the error, and what they would have needed."""

    call: str
    error: str
    uses: tuple[UsedAction, ...]


@dataclass(slots=True, kw_only=True)
class CallerActivity:
    """The events of one caller; `needs` counts events by what they needed, `incomplete` those that needed more than that.

    `failed` counts calls that failed for another reason than a refusal, `failed_uses` is what they would have needed.
    """

    caller: str
    needs: Counter[tuple[UsedAction, ...]] = field(default_factory=Counter)
    incomplete: Counter[tuple[UsedAction, ...]] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed_uses: Counter[UsedAction] = field(default_factory=Counter)
    not_scoped: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        """The events that the policy has to allow."""
        return self.needs.total()

    @property
    def uses(self) -> tuple[UsedAction, ...]:
        """Everything that was needed, without repetitions."""
        return tuple(dict.fromkeys(use for uses in self.needs for use in uses))


@dataclass(slots=True, kw_only=True)
class LogActivity:
    """All callers, the busiest first, and the calls that count for no caller."""

    accounts: tuple[CallerActivity, ...] = ()
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    services: frozenset[str] = frozenset()
    # The callers that were not asked for, with the number of their events.
    others: Counter[str] = field(default_factory=Counter)


def activity_of(log: EventLog, principal: str = "") -> LogActivity:
    """The events of the log by caller; of one caller if `principal` names one."""
    reader = EventReader(log.events)
    contradiction = cache(_contradiction)
    found: dict[str, CallerActivity] = {}
    ledger = LogActivity(services=frozenset(prefix_of(event.source) for event in log.events))
    called = [event.caller for event in log.events if not why_skipped(event)]
    chosen = chosen_caller(called, principal) if principal else ""
    for event in log.events:
        if chosen and event.caller != chosen:
            ledger.others[event.caller] += not why_skipped(event)
        elif reason := why_skipped(event):
            ledger.skipped[event.call, reason] += 1
        else:
            account = found.setdefault(event.caller, CallerActivity(caller=event.caller))
            reading = reader.read(event)
            succeeded = not (event.refused or event.failed)
            if succeeded and (reason := contradiction(event.caller, reading.uses)):
                ledger.skipped[event.call, reason] += 1
            else:
                _count(event, reading, account, ledger)
    ledger.accounts = tuple(
        sorted(found.values(), key=lambda account: (-account.events, account.caller))
    )
    return ledger


def _count(
    event: Event, reading: EventNeeds, account: CallerActivity, ledger: LogActivity
) -> None:
    if event.failed:
        account.failed[event.call, event.failed] += 1
        account.failed_uses.update(use for use in reading.uses if not use.needed_by)
    elif event.refused:
        uses = _named_in_message(event) or tuple(use for use in reading.uses if not use.needed_by)
        account.refused[Refusal(call=event.call, error=event.refused, uses=uses)] += 1
    elif reading.skipped:
        ledger.skipped[event.call, reading.skipped] += 1
    elif reading.unmapped:
        ledger.unmapped[event.call, reading.unmapped] += 1
    else:
        account.needs[reading.uses] += 1
        account.incomplete[reading.uses] += bool(reading.not_scoped)
        account.not_scoped.update(reading.not_scoped)


def _named_in_message(event: Event) -> tuple[UsedAction, ...]:
    """The permission that AWS's message names as missing, which may differ from the call's own action."""
    _, found, rest = event.message.partition(_NOT_ALLOWED)
    action = catalog().action(rest.split(" ", 1)[0].strip()) if found else None
    if action is None:
        return ()
    named = rest.partition(_ON)[2].partition(" because ")[0].partition(" with an explicit deny")[0]
    named = named.strip(" \"'.")
    arn = Arn.of(named)
    if action.resource_types and (arn is None or not named.startswith("arn:")):
        return ()
    resource = EventResource.of_arn(named).pattern if action.resource_types else "*"
    return (UsedAction(action=action.full_name, resource=resource),)


def _contradiction(caller: str, uses: tuple[UsedAction, ...]) -> str:
    """Why no policy can have allowed this, whatever the record says; empty when one may."""
    for use in uses:
        try:
            request = request_for(caller, use)
        except InputError as error:
            return f"AWS cannot have received this request: {error.message}"
        if reason := never_allowed(request) or always_allowed(request):
            return f"no policy decides it: {reason}"
    return ""


def request_for(caller: str, use: UsedAction) -> Request:
    """The request for one use, as AWS evaluated it."""
    return request_of(
        {
            "principal": caller,
            "action": use.action,
            "resource": without_escapes(use.resource),
            "context": dict(use.context),
        }
    )
