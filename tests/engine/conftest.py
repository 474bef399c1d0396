"""The counts of the tables of AWS's own examples, printed at the end of a run that read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from helpers.folders import TESTS

if TYPE_CHECKING:
    import pytest

CASES = TESTS / "cases/evaluate"
TABLES = {
    "scenarios of AWS's pages": "scenarios.json",
    "rows of operators": "condition-operators.json",
}
TESTS = {
    "test_a_scenario_of_aws_is_decided_as_its_page_says": "scenarios of AWS's pages",
    "test_a_condition_holds_as_the_page_of_its_operator_says": "rows of operators",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many rows of each table passed, of how many that it has."""
    passed = dict.fromkeys(TABLES, 0)
    for report in terminalreporter.getreports("passed"):
        name = report.nodeid.partition("::")[2].partition("[")[0]
        if report.when == "call" and name in TESTS:
            passed[TESTS[name]] += 1
    if any(passed.values()):
        counts = (
            f"{passed[what]} of {len(json.loads((CASES / file).read_text(encoding='utf-8')))} {what}"
            for what, file in TABLES.items()
        )
        terminalreporter.write_line(f"passed: {', '.join(counts)}")
