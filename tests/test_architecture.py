"""What the house style can be measured by: each test walks over all files and names every offender."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import networkx as nx

from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINES = 500
MOST_FILES = 40
SERVER = ROOT / "server"
_EACH = re.compile(r"\beach\b")
_SWALLOWS = re.compile(r"^\s*except( Exception| BaseException)?\s*:", re.MULTILINE)


@cache
def texts() -> dict[Path, str]:
    """Every Python file of the checkout, by its path from the top."""
    folders = [ROOT / folder for folder in ("server", "tests", ".ci")]
    return {
        path.relative_to(ROOT): path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        if "node_modules" not in path.parts
    }


def test_every_file_is_one_idea_of_a_size_to_read_and_swallows_nothing() -> None:
    long = {
        str(path): lines
        for path, text in texts().items()
        if (lines := len(text.splitlines())) > MOST_LINES
    }
    swallowing = [str(path) for path, text in texts().items() if _SWALLOWS.search(text)]
    in_folder = Counter(str(path.parent) for path in texts())
    crowded = {folder: files for folder, files in in_folder.items() if files > MOST_FILES}
    opening = [
        str(path)
        for path, text in texts().items()
        if path.parts[0] == "server" and "__file__" in text and path.name != "resources.py"
    ]
    assert (long, swallowing, crowded, opening) == ({}, [], {}, [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for types and inside functions count: whoever reads one module of a circle has to read them all."""
    imports = nx.DiGraph({name: set(_imported(tree)) for name, tree in _modules().items()})
    groups = map(sorted, nx.strongly_connected_components(imports))
    assert [circle for circle in groups if len(circle) > 1] == []


@cache
def _modules() -> dict[str, ast.Module]:
    found: dict[str, ast.Module] = {}
    for path, text in texts().items():
        if path.parts[0] == "server":
            name = ".".join(path.with_suffix("").parts[1:]).removesuffix(".__init__")
            found[name] = ast.parse(text)
    return found


def _imported(tree: ast.Module) -> Iterator[str]:
    known = _modules().keys()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in known or node.module in known:
                    yield inner if inner in known else node.module


def test_no_variable_is_called_each() -> None:
    """The name of a loop variable says what the loop goes over."""
    offenders = [
        f"{path}:{node.lineno}"
        for path, text in texts().items()
        if _EACH.search(text)
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Name) and node.id == "each")
        or (isinstance(node, ast.arg) and node.arg == "each")
    ]
    assert offenders == []
