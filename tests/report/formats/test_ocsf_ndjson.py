"""OCSF by line: the events of the list, each a line, so that files behind each other are one file."""

from __future__ import annotations

import json

from aws_iam.report.formats.ocsf import ocsf
from aws_iam.report.formats.ocsf_ndjson import ocsf_lines
from helpers.audited_runs import audited, hostile_run


def test_the_lines_are_the_events_of_the_list() -> None:
    for run in (audited(), hostile_run(), audited([])):
        text = ocsf_lines(run)
        assert [json.loads(line) for line in text.splitlines()] == json.loads(ocsf(run))
        assert text.endswith("\n") or not run.findings
