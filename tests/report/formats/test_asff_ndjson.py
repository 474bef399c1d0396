"""ASFF by line: what one call of BatchImportFindings takes on each."""

from __future__ import annotations

import json

from aws_iam.report.formats.asff import asff
from aws_iam.report.formats.asff_ndjson import MOST_IN_A_CALL, asff_lines
from helpers.audited_runs import audited, finding, hostile_run


def test_no_line_has_more_findings_than_a_call_takes_and_none_is_lost() -> None:
    many = audited([finding(resource=f"r{number}") for number in range(2 * MOST_IN_A_CALL + 1)])
    for run, sizes in ((many, [100, 100, 1]), (audited([]), []), (hostile_run(), [20])):
        lines = [json.loads(line) for line in asff_lines(run).splitlines()]
        assert [len(line) for line in lines] == sizes
        assert [row for line in lines for row in line] == json.loads(asff(run))
