"""The CloudTrail records in whatever holds them: files and texts, the answers of commands, the rows of queries.

    Records                     a log file that CloudTrail delivered
    Events                      aws cloudtrail lookup-events
    QueryResultRows             aws cloudtrail get-query-results (CloudTrail Lake)
    ResultSet, CSV              Athena: get-query-results, and the file that a query writes
    events, logEvents           aws logs filter-log-events, and what a subscription delivers
    results                     aws logs get-query-results (Logs Insights)
    detail                      EventBridge
    api, metadata               OCSF events of Security Lake

A text may hold several JSON values, one to a line or one after another.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.sources.files import Files
from aws_iam.engine.trail import log_rows, ocsf
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.sources.files import File

_DEPTH = 20
_BROKEN_MESSAGE = "a log message that is not one complete JSON record"
_NO_RECORD = "a JSON object that is no CloudTrail record"
_BROKEN_ROW = "a row whose values cannot be read: select `eventJson`, or the columns as JSON"
_OTHER_TABLE = "a row without the columns eventsource, eventname and useridentity"


@dataclass(slots=True)
class Reading:
    """What of the input was no record: files, entries by reason, and columns that a table lacks."""

    unread: list[tuple[str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)


def records(given: object, reading: Reading) -> Iterator[Mapping[str, Any]]:
    """The records of a document or of files, in order; InputError when a text is neither JSON nor a table."""
    for value in _values(given, reading):
        yield from _records(value, reading)


def _values(given: object, reading: Reading) -> Iterator[Any]:
    """The values in the input; in a folder, a file that cannot be read is noted and skipped."""
    if isinstance(given, Files):
        for file in given.files:
            yield from _in_file(file, reading if given.folder else None)
    elif isinstance(given, str):
        yield from _parsed(given, "events")
    else:
        yield given


def _in_file(file: File, reading: Reading | None) -> list[Any]:
    name = file.name or "the events"
    if file.unreadable and reading is not None:
        reading.unread.append((name, file.unreadable))
        return []
    try:
        return _parsed(file.text, name)
    except InputError as error:
        if reading is None:
            raise
        reading.unread.append((name, error.message))
        return []


_GAP = re.compile(r"[\s\ufeff]*,?[\s\ufeff]*")


def _parsed(text: str, name: str) -> list[Any]:
    """The JSON values of a text, or the table in it."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = _after_gap(text, 0)
    if text[at : at + 1] not in {"{", "["} and (table := _table(text[at:], name)):
        return [table]
    while at < len(text) or not found:
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            # A place from the start of the text, whatever precedes it.
            raise InputError(
                f"{quoted(name)} is not JSON at line {error.lineno}:{error.colno}: {error.msg.lower()}"
            ) from None
        except ValueError:
            # Python reads no integer of thousands of digits.
            raise InputError(f"{quoted(name)} holds a number of too many digits") from None
        except RecursionError:
            raise InputError(f"{quoted(name)} is not JSON: it is nested too deeply") from None
        found.append(value)
        at = _after_gap(text, end)
    return found


def _after_gap(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def _table(text: str, name: str) -> dict[str, Any] | None:
    """The rows of a CSV file as columns and rows; None if the first line does not name the columns of a record."""
    try:
        rows = csv.reader(io.StringIO(text))
        columns = next(rows, [])
        if not log_rows.is_table(columns):
            return None
        return {_TABLE: [dict(zip(columns, row, strict=False)) for row in rows if row]}
    except csv.Error as error:
        raise InputError(f"{quoted(name)} is not a CSV file: {error}") from None


# A member that no JSON text has: the rows of a table.
_TABLE = "\0table"


def _records(given: Any, reading: Reading) -> Iterator[Mapping[str, Any]]:
    """The records in a value, however they are wrapped."""
    waiting: list[tuple[Any, int]] = [(given, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, list) and depth < _DEPTH:
            waiting += ((item, depth + 1) for item in reversed(value))
        elif isinstance(value, dict) and depth < _DEPTH:
            inner = _unwrapped(value, reading)
            if inner is not None:
                waiting += ((item, depth + 1) for item in reversed(inner))
            elif ocsf.is_ocsf(value):
                reading.missing |= set() if ocsf.has_parameters(value) else {"requestParameters"}
                yield ocsf.record_of(value)
            elif value.get("eventSource") and value.get("eventName"):
                yield value
            elif isinstance(insight := value.get("insightDetails"), dict):
                # CloudTrail Insights names the calls that it counted inside.
                yield value | insight
            elif log_rows.is_table(value):
                waiting += ((item, depth + 1) for item in _of_rows([value], reading))
            else:
                reading.skipped[_NO_RECORD] += 1


def _unwrapped(value: Mapping[str, Any], reading: Reading) -> Sequence[Any] | None:
    """What a wrapper holds; None if the value is no wrapper."""
    for name, open_ in _WRAPPERS.items():
        if name in value:
            return open_(value[name], reading)
    # EventBridge wraps a record in `detail`.
    if isinstance(value.get("detail"), dict) and "eventSource" not in value:
        return [value["detail"]]
    return None


def _listed(value: Any, _reading: Reading) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any, reading: Reading) -> Sequence[Any]:
    """A record as text, as `lookup-events` and log messages have it."""
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        reading.skipped[_BROKEN_MESSAGE] += 1
        return ()
    return [found]


def _messages(value: Any, reading: Reading) -> Sequence[Any]:
    """The records in the messages of log events."""
    return [
        record
        for item in _listed(value, reading)
        if isinstance(item, dict)
        for record in _text(item.get("message"), reading)
    ]


def _lake(value: Any, reading: Reading) -> Sequence[Any]:
    """CloudTrail Lake has an object for each cell of a row."""
    rows = []
    for row in _listed(value, reading):
        cells = [cell for cell in _listed(row, reading) if isinstance(cell, dict)]
        rows.append({name: text for cell in cells for name, text in cell.items()})
    return _of_rows(rows, reading)


def _insights(value: Any, reading: Reading) -> Sequence[Any]:
    """Logs Insights has a name and a value for each cell of a row."""
    rows = [
        {str(cell.get("field")): cell.get("value") for cell in row if isinstance(cell, dict)}
        for row in _listed(value, reading)
        if isinstance(row, list)
    ]
    return _of_rows(rows, reading)


def _athena(value: Any, reading: Reading) -> Sequence[Any]:
    """Athena has the columns in the first row."""
    listed = value.get("Rows") if isinstance(value, dict) else None
    rows = [
        [cell.get("VarCharValue") if isinstance(cell, dict) else None for cell in row["Data"]]
        for row in _listed(listed, reading)
        if isinstance(row, dict) and isinstance(row.get("Data"), list)
    ]
    columns, *rest = rows or [[]]
    names = [str(column) for column in columns]
    return _of_rows([dict(zip(names, row, strict=False)) for row in rest], reading)


def _of_rows(rows: Sequence[Mapping[str, Any]], reading: Reading) -> Sequence[Any]:
    """The records in the rows of a table."""
    columns = {column for row in rows for column in row}
    if rows:
        reading.missing |= set(log_rows.missing_columns(columns))
    found = []
    for row in rows:
        try:
            record = log_rows.record_of(row) if log_rows.is_table(row) else None
        except ValueError:
            reading.skipped[_BROKEN_ROW] += 1
            continue
        if isinstance(record, dict) and (
            record.get("userIdentity") or "eventSource" not in record
        ):
            found.append(record)
        else:
            reading.skipped[_OTHER_TABLE] += 1
    return found


_WRAPPERS: Mapping[str, Callable[[Any, Reading], Sequence[Any]]] = {
    "Records": _listed,
    "Events": _listed,
    "CloudTrailEvent": _text,
    "QueryResultRows": _lake,
    "ResultSet": _athena,
    "events": _messages,
    "logEvents": _messages,
    "results": _insights,
    _TABLE: _of_rows,
}
