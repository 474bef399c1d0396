"""CloudTrail records from the rows of a query: CloudTrail Lake, Athena, CloudWatch Logs Insights, CSV files.

The columns are those of AWS's table for CloudTrail, in any case. A column with the complete record as JSON is taken
before all others.
Sources: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html,
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-supported-event-schemas.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.trail.struct_text import structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMES = {
    name.lower(): name
    for name in (
        *("eventSource", "eventName", "awsRegion", "errorCode", "errorMessage", "eventID", "eventType"),
        *("recipientAccountId", "userIdentity", "requestParameters", "responseElements", "resources"),
        *("additionalEventData", "accountId", "invokedBy", "sessionContext", "sessionIssuer"),
    )
}  # fmt: skip
_STRUCTURES = (
    "userIdentity",
    "requestParameters",
    "responseElements",
    "resources",
    "additionalEventData",
)
_COMPLETE = ("eventjson", "@message", "message")
_IDENTIFYING = ("eventsource", "eventname")
# The columns of Security Lake's table, which hold OCSF events.
_OCSF = ("api", "actor", "metadata", "cloud")
# Without them a record can be read, but says less than it seems to.
_TELLING = ("errorCode", "requestParameters")
_MOST_PARTS = 8


def is_table(columns: Iterable[str]) -> bool:
    """Whether these columns can hold CloudTrail records."""
    names = {_plain(column) for column in columns}
    identified = names.issuperset(_IDENTIFYING) or names.issuperset(_OCSF)
    return identified or not names.isdisjoint(_COMPLETE)


def missing_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns that the table lacks although its records would be misread without them."""
    names = {_plain(column).partition(".")[0] for column in columns}
    if names & set(_COMPLETE) or names.issuperset(_OCSF):
        return ()
    return tuple(n for n in _TELLING if n.lower() not in names)


def record_of(row: Mapping[str, Any]) -> Any:
    """The record or OCSF event in a row; ValueError if a value cannot be read."""
    cells = {_plain(column): value for column, value in row.items() if value not in _NOTHING}
    for name in _COMPLETE:
        if isinstance(cells.get(name), str):
            return _json(cells[name])
    if cells.keys() >= set(_OCSF):
        return {name: _nested(value) for name, value in cells.items()}
    record: dict[str, Any] = {}
    for column, value in cells.items():
        parts = column.split(".", _MOST_PARTS)
        # Athena names the column of `useridentity.arn` just `arn`.
        parts = ["useridentity", "arn"] if parts == ["arn"] else parts
        place = record
        for part in parts[:-1]:
            inner = place.setdefault(_NAMES.get(part, part), {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            name = _NAMES.get(parts[-1], parts[-1])
            is_text = isinstance(value, str) and place is record and name in _STRUCTURES
            place[name] = structure(value) if is_text else value
    return {
        name: _renamed(value) if name in {"userIdentity", "resources"} else _opened(value)
        for name, value in record.items()
    }


_NOTHING = ("", "null", "-", None)


def _plain(column: str) -> str:
    return column.strip().lower().replace("_", "") if "@" not in column else column.strip()


def _nested(value: Any) -> Any:
    return structure(value) if isinstance(value, str) and value.startswith(("{", "[")) else value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None


def _renamed(value: Any) -> Any:
    """The value with the names of its members as CloudTrail writes them: `accountid` is `accountId`."""
    if isinstance(value, dict):
        return {_NAMES.get(str(k).lower(), str(k)): _renamed(v) for k, v in value.items()}
    return [_renamed(item) for item in value] if isinstance(value, list) else value


def _opened(value: Any) -> Any:
    """A map of texts with those read that are JSON: CloudTrail Lake keeps nested parameters as text."""
    if not isinstance(value, dict):
        return value
    return {name: _opened_text(text) for name, text in value.items()}


def _opened_text(text: Any) -> Any:
    if isinstance(text, str) and text.startswith(("{", "[")):
        try:
            return _json(text)
        except ValueError:
            return text
    return text
