"""The events of a log by caller: what each needed and got, what was refused, what failed, what says nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.beyond import always_allowed, never_allowed
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.event_details import spelled
from aws_iam.engine.trail.event_resource import Spot
from aws_iam.engine.trail.table import prefix_of
from aws_iam.engine.trail.uses import Reader, Reading, Use, why_skipped
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from aws_iam.engine.trail.cloudtrail import Event, Log

_NOT_ALLOWED = "is not authorized to perform: "
_ON = " on resource: "


@slotted
class Refusal:
    """Calls that AWS refused: the error, and what they would have needed."""

    call: str
    error: str
    uses: tuple[Use, ...]


@dataclass(slots=True, kw_only=True)
class Account:
    """What is known of one caller; `needs` counts the events by what they needed."""

    caller: str
    needs: Counter[tuple[Use, ...]] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_scoped: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        """The events that the policy has to allow."""
        return self.needs.total()

    @property
    def uses(self) -> tuple[Use, ...]:
        """All that was needed, once each."""
        return tuple(dict.fromkeys(use for uses in self.needs for use in uses))


@dataclass(slots=True, kw_only=True)
class Ledger:
    """All callers, the busiest first, and the calls that belong to none of them."""

    accounts: tuple[Account, ...] = ()
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    services: frozenset[str] = frozenset()


def ledger_of(log: Log) -> Ledger:
    """The events of the log by caller."""
    reader = Reader(log.events)
    contradiction = cache(_contradiction)
    found: dict[str, Account] = {}
    ledger = Ledger(services=frozenset(prefix_of(event.source) for event in log.events))
    for event in log.events:
        if reason := why_skipped(event):
            ledger.skipped[event.call, reason] += 1
        else:
            account = found.setdefault(event.caller, Account(caller=event.caller))
            reading = reader.read(event)
            succeeded = not (event.refused or event.failed)
            if succeeded and (reason := contradiction(event.caller, reading.uses)):
                ledger.skipped[event.call, reason] += 1
            else:
                _enter(event, reading, account, ledger)
    ledger.accounts = tuple(sorted(found.values(), key=lambda each: (-each.events, each.caller)))
    return ledger


def _enter(event: Event, reading: Reading, account: Account, ledger: Ledger) -> None:
    if event.failed:
        account.failed[event.call, event.failed] += 1
    elif event.refused:
        uses = _told(event) or tuple(use for use in reading.uses if not use.needed_by)
        account.refused[Refusal(call=event.call, error=event.refused, uses=uses)] += 1
    elif reading.skipped:
        ledger.skipped[event.call, reading.skipped] += 1
    elif reading.unmapped:
        ledger.unmapped[event.call, reading.unmapped] += 1
    else:
        account.needs[reading.uses] += 1
        account.not_scoped.update(reading.not_scoped)


def _told(event: Event) -> tuple[Use, ...]:
    """What AWS's message says was missing, which may be another action than the call's own."""
    _, found, rest = event.message.partition(_NOT_ALLOWED)
    action = catalog().action(rest.split(" ", 1)[0].strip()) if found else None
    if action is None:
        return ()
    named = rest.partition(_ON)[2].partition(" because ")[0].partition(" with an explicit deny")[0]
    named = named.strip(" \"'.")
    arn = Arn.of(named)
    if action.resource_types and (arn is None or not named.startswith("arn:")):
        return ()
    resource = Spot.of(named).resource if action.resource_types else "*"
    return (Use(action=action.full_name, resource=resource),)


def _contradiction(caller: str, uses: tuple[Use, ...]) -> str:
    """Why no policy can be what allowed this, whatever the record says."""
    for use in uses:
        try:
            asked = request_for(caller, use)
        except InputError as error:
            return f"is no request that AWS could take: {error.message}"
        if reason := never_allowed(asked) or always_allowed(asked):
            return f"no policy decides it: {reason}"
    return ""


def request_for(caller: str, use: Use) -> Request:
    """The request for one use, as AWS judged it."""
    return request_of(
        {
            "principal": caller,
            "action": use.action,
            "resource": spelled(use.resource),
            "context": dict(use.context),
        }
    )
