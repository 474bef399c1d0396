"""CloudTrail events, from any of the formats in which people have them.

    read(files)   →   Log of Events: who called what with which parameters, and whether AWS allowed it

Accepted are a log file that CloudTrail delivered (`Records`), the output of `aws cloudtrail lookup-events` (`Events`, each
with its record as text), a list of records, a single record, and records one to a line.
Source: CloudTrail User Guide, cloudtrail-event-reference-record-contents.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.sources.files import Files
from aws_iam.engine.trail.event_tables import event_tables
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.files import File

MOST_EVENTS = 200_000
_DEPTH = 20
_LONGEST_NAME = 300
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

    @property
    def call(self) -> str:
        """The call as CloudTrail writes it: `s3.amazonaws.com GetObject`."""
        return f"{self.source} {self.name}"


@slotted
class EventLog:
    """The events without repetitions, the files that could not be read and why, and how many records were repeated."""

    events: tuple[Event, ...]
    unread: tuple[tuple[str, str], ...] = ()
    repeated: int = 0


def read_events(given: object) -> EventLog:
    """The events of a document or of files; InputError when there is none, or when a text is not JSON."""
    found: dict[tuple[str, str, str], Event] = {}
    unread: list[tuple[str, str]] = []
    count = 0
    for value in _values(given, unread):
        for record in _records(value):
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
        name, why = unread[0] if unread else ("", "")
        raise InputError(
            "`events` contains no CloudTrail event"
            + (f": {quoted(name)}: {why}" if unread else ""),
            hint="give a delivered log file (`Records`), the output of `aws cloudtrail lookup-events`, or a list of records",
        )
    return EventLog(
        events=tuple(found.values()), unread=tuple(unread), repeated=count - len(found)
    )


def _values(given: object, unread: list[tuple[str, str]]) -> Iterator[Any]:
    """The JSON values in the input; in a folder, a file that is not JSON is noted and skipped."""
    if isinstance(given, Files):
        for file in given.files:
            yield from _in_file(file, unread if given.folder else None)
    elif isinstance(given, str):
        yield from _parsed(given, "events")
    else:
        yield given


def _in_file(file: File, unread: list[tuple[str, str]] | None) -> list[Any]:
    name = file.name or "the events"
    if file.unreadable and unread is not None:
        unread.append((name, file.unreadable))
        return []
    try:
        return _parsed(file.text, name)
    except InputError as error:
        if unread is None:
            raise
        unread.append((name, error.message))
        return []


def _parsed(text: str, name: str) -> list[Any]:
    """The JSON value of a text, or the values of its lines."""
    try:
        return [_json(text)]
    except ValueError as error:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:  # noqa: PLR2004 - a single broken line is not a file of JSON lines
            raise InputError(f"{quoted(name)} is not JSON: {str(error).lower()}") from None
    found = []
    for number, line in lines:
        try:
            found.append(_json(line))
        except ValueError as wrong:
            raise InputError(
                f"{quoted(name)} is not JSON, and neither is its line {number}: {str(wrong).lower()}"
            ) from None
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None


def _records(given: Any) -> Iterator[Mapping[str, Any]]:
    """The records in a value: in `Records`, in the entries of a query, in lists of either, or the value itself."""
    waiting: list[tuple[Any, int]] = [(given, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, list) and depth < _DEPTH:
            waiting += ((item, depth + 1) for item in reversed(value))
        elif not isinstance(value, dict):
            continue
        elif isinstance(value.get("Records"), list):
            waiting.append((value["Records"], depth))
        elif isinstance(value.get("Events"), list):
            waiting.append((value["Events"], depth))
        elif "CloudTrailEvent" in value:
            yield from _looked_up(value)
        elif isinstance(value.get("detail"), dict) and "eventSource" not in value:
            # EventBridge wraps a record in `detail`.
            yield value["detail"]
        else:
            yield value


def _looked_up(entry: Any) -> Iterator[Mapping[str, Any]]:
    """The record inside an entry of lookup-events, which holds it as text."""
    text = entry.get("CloudTrailEvent") if isinstance(entry, dict) else None
    if isinstance(text, str):
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(record, dict):
            yield record


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
    )


def _caller(identity: Mapping[str, Any]) -> str:
    """The role or user behind a session, whose policies count; else the caller itself."""
    issuer = _word(_object(_object(identity, "sessionContext"), "sessionIssuer"), "arn")
    own = issuer or _word(identity, "arn")
    head, assumed, rest = own.partition(":assumed-role/")
    if assumed:
        # The ARN of a session omits the role's path.
        return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"
    return own


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
