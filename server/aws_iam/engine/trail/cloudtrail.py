"""CloudTrail events: who called what with which parameters, and whether AWS allowed it.

Source: CloudTrail User Guide, cloudtrail-event-reference-record-contents.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.trail.callers import role_of_session
from aws_iam.engine.trail.event_tables import event_tables
from aws_iam.engine.trail.log_formats import Reading, records
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_EVENTS = 200_000
_LONGEST_NAME = 300
# Encryption with a key that is not S3's own.
_SSE_KMS = frozenset({"SSE_KMS", "DSSE_KMS"})
_NOT_ALLOWED = "is not authorized to perform: "


@slotted
class Event:
    """One record; `refused` is the error of a call that AWS denied, `failed` that of a call that failed otherwise."""

    source: str
    name: str
    region: str
    account: str
    caller: str
    caller_kind: str
    invoked_by: str
    kind: str
    refused: str
    failed: str
    message: str
    id: str
    parameters: Mapping[str, Any] = field(repr=False)
    response: Mapping[str, Any] = field(repr=False)
    arns: tuple[str, ...]
    # S3 notes so for objects, without the key.
    encrypted_with_kms: bool = False

    @property
    def call(self) -> str:
        """The call as CloudTrail writes it: `s3.amazonaws.com GetObject`."""
        return f"{self.source} {self.name}"


@slotted
class EventLog:
    """The events without repetitions, and what else the input holds."""

    events: tuple[Event, ...]
    # Files that could not be read, and why.
    unread: tuple[tuple[str, str], ...] = ()
    # How many records were repeated.
    repeated: int = 0
    # How many entries are no records, by reason.
    skipped: Mapping[str, int] = field(default_factory=dict)
    # The fields that a query did not select, or a format does not have.
    missing: tuple[str, ...] = ()


def read_events(given: object) -> EventLog:
    """The events of a document or of files; InputError when there is none, or when a text is not JSON."""
    found: dict[tuple[str, str, str], Event] = {}
    reading = Reading()
    count = 0
    for record in records(given, reading):
        event = _event(record)
        if event is None:
            continue
        count += 1
        # Several trails and overlapping queries return the same record more than once.
        key = (event.id, event.account, event.name) if event.id else ("", str(count), "")
        found.setdefault(key, event)
        if len(found) > MOST_EVENTS:
            raise InputError(
                f"`events` contains more than {MOST_EVENTS:,} events",
                hint="give a shorter period, or the events of one caller",
            )
    if not found:
        raise _nothing_read(reading)
    return EventLog(
        events=tuple(found.values()),
        unread=tuple(reading.unread),
        repeated=count - len(found),
        skipped=dict(reading.skipped),
        missing=tuple(sorted(reading.missing)),
    )


def _nothing_read(reading: Reading) -> InputError:
    whys = [f"{quoted(name)}: {why}" for name, why in reading.unread[:1]]
    whys += [f"{number} times {why}" for why, number in reading.skipped.most_common(1)]
    return InputError(
        "`events` contains no CloudTrail event" + "".join(f": {why}" for why in whys[:1]),
        hint="give a delivered log file (`Records`), the output of `aws cloudtrail lookup-events`, the rows of a query"
        " (CloudTrail Lake, Athena, Logs Insights), OCSF events, or a list of records",
    )


def _event(record: Mapping[str, Any]) -> Event | None:
    source, name = _word(record, "eventSource"), _word(record, "eventName")
    if not source or not name or len(source) + len(name) > _LONGEST_NAME:
        return None
    identity = _object(record, "userIdentity")
    error, message = _word(record, "errorCode"), _word(record, "errorMessage")
    refused = any(word in error for word in event_tables()["refused"]) or _NOT_ALLOWED in message
    return Event(
        source=source,
        name=name,
        region=_word(record, "awsRegion"),
        account=_word(record, "recipientAccountId") or _word(identity, "accountId"),
        caller=_caller(identity),
        caller_kind=_word(identity, "type"),
        invoked_by=_word(identity, "invokedBy"),
        kind=_word(record, "eventType"),
        refused=(error or "AccessDenied") if refused else "",
        failed="" if refused else error or ("error" if message else ""),
        message=message,
        id=_word(record, "eventID"),
        parameters=_object(record, "requestParameters"),
        response=_object(record, "responseElements"),
        arns=tuple(_arns(record)),
        encrypted_with_kms=_word(_object(record, "additionalEventData"), "SSEApplied") in _SSE_KMS,
    )


def _caller(identity: Mapping[str, Any]) -> str:
    """The role or user behind a session, whose policies count; else the caller itself."""
    issuer = _word(_object(_object(identity, "sessionContext"), "sessionIssuer"), "arn")
    return role_of_session(issuer or _word(identity, "arn"))


def _arns(record: Mapping[str, Any]) -> Iterator[str]:
    listed = record.get("resources")
    for item in listed if isinstance(listed, list) else ():
        arn = _word(item, "ARN") or _word(item, "arn") if isinstance(item, dict) else ""
        if arn.startswith("arn:"):
            yield arn


def _word(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}
