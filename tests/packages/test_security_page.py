"""SECURITY.md promises nothing that no test shows."""

from __future__ import annotations

import ast
import re
from functools import cache

import manifests
import pytest

from helpers.folders import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", PAGE)
_TABLE = PAGE.partition("### What is promised")[2].partition("\n### ")[0]
PROMISES = [
    row for row in re.findall(r"(?m)^\| (.+) \|$", _TABLE) if row[:3] not in {"---", "pro"}
]


@cache
def named_in(path: str) -> set[str]:
    """The names of the tests in a file, read rather than imported."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda value: value)
def test_a_test_that_the_page_names_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), f"{path} is gone"
    assert name in named_in(path), f"{path} has no {name}"


def test_every_promise_says_what_it_rests_on_and_names_a_test() -> None:
    assert len(PROMISES) > 10
    for row in PROMISES:
        promise, rests_on, shown = row.split(" | ")
        assert promise
        assert rests_on
        assert re.search(r"`tests/[\w/.]+\.py::test_\w+`", shown), promise


def test_no_test_is_named_in_another_form() -> None:
    """A name that the pattern above does not match would be checked by nobody."""
    assert len(re.findall(r"tests/[\w/.]+\.py|::test_", PAGE)) == 2 * len(NAMED)


def test_the_page_says_how_to_report_and_what_gets_fixes() -> None:
    headings = re.findall(r"(?m)^## (.+)$", PAGE)
    assert headings[:3] == ["Report a vulnerability", "Which versions get fixes", "Threat model"]
    assert ("Nothing has been released yet" in PAGE) is not manifests.project().is_published
