"""A finding as a row of results, and back: the row has the facts, the words are those of the control's row in the data.

{"code": "imdsv2", "status": "fail", "message": "instance `i-1` …", "resource": "arn:…", "region": "eu-west-1"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status, to_json
from aws_iam.rules.fix_placeholders import fill_placeholders
from aws_iam.tools.audit.controls.benchmark import controls

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS_BEFORE_MUTE = "was"
"""The field of a finding that holds its status before a mute changed it."""
_OF_CONTROL = ("title", "severity", "source", "controls", "fix")


def row_of(finding: Finding, status_before: Status, partition: str) -> dict[str, Any]:
    """The row: without the account, which is that of the line, and without the words that its control gives."""
    row: dict[str, Any] = to_json(finding)
    # They follow from the control: a report adds them when it reads the line.
    row.pop("frameworks", None)
    words = _words(row, row.pop("account", ""), partition)
    for name in _OF_CONTROL:
        if row.get(name) == words.get(name):
            row.pop(name, None)
        elif name not in row:
            # Absent would mean: as the control says.
            row[name] = None
    return (
        row if finding.status is status_before else row | {STATUS_BEFORE_MUTE: status_before.value}
    )


def finding_of(row: Mapping[str, Any], account: str, partition: str) -> Finding:
    """The finding in a row, which may have words of its own; raises KeyError, TypeError or ValueError for a damaged one."""
    both = {**_words(row, account, partition), **row}
    data = {name: value for name, value in both.items() if value is not None or name == "status"}
    texts = {**data, **data.get("controls", {})}
    if not all(isinstance(text, str) for name, text in texts.items() if name != "controls"):
        raise TypeError
    enums = {"severity": Severity(data["severity"]), "status": Status(data["status"])}
    fields = {name: value for name, value in data.items() if name != STATUS_BEFORE_MUTE}
    return Finding(**{**fields, **enums, "account": account})


def _words(row: Mapping[str, Any], account: str, partition: str) -> dict[str, Any]:
    """What the finding's control says, with its fix for this resource; empty for a control of another version of ours."""
    control = controls().get(row["code"])
    if control is None:
        return {}
    return {
        "title": control.title,
        "severity": control.severity.value,
        "source": control.source,
        "controls": dict(control.ids),
        "fix": fill_placeholders(
            control.fix,
            resource=row.get("resource"),
            region=row.get("region"),
            account=account,
            partition=partition,
        ),
    }
