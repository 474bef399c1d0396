"""A finding in a row of results: whatever it says comes back, and the words of its control are not repeated in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aws_iam.answer import Status
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.fleet.result_rows import finding_of, row_of

if TYPE_CHECKING:
    from aws_iam.answer import Finding

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def demo() -> tuple[Finding, ...]:
    found = tool.run({"demo": True}, cli=True).findings
    # The ids of the frameworks follow from the control: a report adds them to what it reads.
    return tuple(replace(finding, frameworks=None) for finding in found)


def test_every_finding_comes_back_as_it_was(demo: tuple[Finding, ...]) -> None:
    odd = replace(demo[0], title="another", severity=demo[-1].severity, fix=None, controls=None)
    for finding in (*demo, replace(demo[0], code="of_another_version"), replace(odd, fix="mine")):
        row = json.loads(json.dumps(row_of(finding, finding.status, "aws")))
        assert finding_of(row, ACCOUNT, "aws") == finding


def test_a_row_has_the_status_from_before_a_mute(demo: tuple[Finding, ...]) -> None:
    muted = replace(demo[0], status=Status.MANUAL, muted="accepted")
    row = row_of(muted, Status.FAIL, "aws")
    assert (row["status"], row["was"]) == ("manual", "fail")
    assert finding_of(row, ACCOUNT, "aws") == muted


def test_the_words_of_a_control_are_in_no_row(demo: tuple[Finding, ...]) -> None:
    rows = [row_of(finding, finding.status, "aws") for finding in demo]
    assert not any({"title", "source", "controls", "account"} & row.keys() for row in rows)
    # A fix of its own has only what a name from elsewhere is in.
    assert sum("fix" in row for row in rows) < len(rows) / 3
