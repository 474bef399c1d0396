"""What the house style can be measured by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from helpers.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = sorted(
    path for folder in ("server", "tests", ".ci") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_over_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_swallows_every_exception(path: Path) -> None:
    swallowing = re.compile(r"^\s*except( Exception| BaseException)?\s*:", re.MULTILINE)
    assert not swallowing.search(path.read_text(encoding="utf-8"))


def test_package_files_are_opened_in_one_module() -> None:
    outside = [
        path.name
        for path in (ROOT / "server").rglob("*.py")
        if "__file__" in path.read_text(encoding="utf-8") and path.name != "resources.py"
    ]
    assert outside == []
