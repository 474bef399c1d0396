# ruff: noqa: SLF001 - pytest rewrites a module only when it is imported
"""The modules of a fresh clone, compiled by the processes of a run together: each would compile all of them.

Rewriting the assertions of the test modules takes a process four seconds, and all processes begin with the same module.
"""

from __future__ import annotations

import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from _pytest.assertion import rewrite

from helpers.folders import ROOT, TESTS

if TYPE_CHECKING:
    import pytest


def compile_part(config: pytest.Config, part: int, parts: int) -> None:
    """Compile every module of this part that is not yet compiled, as importing it would do."""
    if sys.dont_write_bytecode:
        return
    modules = sorted(own for folder in (TESTS, ROOT / "server") for own in folder.rglob("*.py"))
    for path in modules[part::parts]:
        if path.name.startswith("test_"):
            _rewritten(path, config)
        elif not Path(cache_from_source(str(path))).exists():
            py_compile.compile(str(path))


def _rewritten(path: Path, config: pytest.Config) -> None:
    folder = rewrite.get_cache_dir(path)
    compiled = folder / f"{path.stem}{rewrite.PYC_TAIL}"
    if compiled.exists() or not rewrite.try_makedirs(folder):
        return
    about, code = rewrite._rewrite_test(path, config)
    rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, about, compiled)
