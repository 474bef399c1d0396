"""What the house style can be measured by: each test walks over all files and names every offender."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINES = 500
MOST_FILES = 40
SERVER = ROOT / "server"
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
    imports = {name: set(_imported(tree)) for name, tree in _modules().items()}
    assert [sorted(circle) for circle in _circles(imports)] == []


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


def _circles(imports: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that reach each other."""
    reached = {name: _reached(name, imports) for name in imports}
    circles: list[set[str]] = []
    for name, there in reached.items():
        circle = {other for other in there if name in reached[other]}
        if circle and circle not in circles:
            circles.append(circle)
    return circles


def _reached(start: str, imports: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        for name in imports[left.pop()] - found:
            found.add(name)
            left.append(name)
    return found


def test_no_variable_is_called_each() -> None:
    """The name of a loop variable says what the loop goes over."""
    offenders = [
        f"{path}:{node.lineno}"
        for path, text in texts().items()
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Name) and node.id == "each")
        or (isinstance(node, ast.arg) and node.arg == "each")
    ]
    assert offenders == []
