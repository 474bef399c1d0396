"""The demonstration account as a saved snapshot, for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aws_iam.tools.audit.actions import tool

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `audit run --demo --save` writes: every version is judged from it."""
    file = tmp_path_factory.mktemp("audit") / "demo.json"
    tool.run({"demo": True, "save": str(file)}, cli=True)
    return file
