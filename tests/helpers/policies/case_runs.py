"""`policy test` on the command line, as its tests call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.cli import command_line

if TYPE_CHECKING:
    import pytest


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    status = command_line.main(["policy", "test", *words], {})
    output, errors = capsys.readouterr()
    return status, output, errors


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Status and answer."""
    status, output, errors = run(capsys, *words, "--json")
    assert output, errors
    return status, json.loads(output)


def results(told: dict[str, Any]) -> dict[str, str]:
    """How each case is decided, by its name."""
    return {row["name"]: row["decided"] for row in told["facts"]["cases"]}
