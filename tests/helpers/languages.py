"""What must hold for a program of each language without running it: its parser takes it, and it shows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_c_sharp
import tree_sitter_go
import tree_sitter_groovy
import tree_sitter_java

if TYPE_CHECKING:
    from collections.abc import Iterator


def python(content: str) -> None:
    """Compile it; what it does, the tests run."""
    compile(content, "generated.py", "exec")
    assert "print(" not in content
    assert "lru_cache" not in content


def typescript(content: str) -> None:
    """Look for output; the tests of TypeScript check and run it."""
    assert "console." not in content


def java(content: str) -> None:
    """Parse it."""
    _parse(content, tree_sitter_java.language())
    assert "System.out" not in content
    assert "printStackTrace" not in content


def go(content: str) -> None:
    """Parse it."""
    _parse(content, tree_sitter_go.language())
    assert '"log' not in content
    assert "fmt.Print" not in content


def csharp(content: str) -> None:
    """Parse it."""
    _parse(content, tree_sitter_c_sharp.language())
    assert "Console." not in content


def groovy(content: str) -> None:
    """Parse it."""
    _parse(content, tree_sitter_groovy.language())
    assert "println" not in content


def _parse(content: str, grammar: object) -> None:
    """Parse the whole content; tree-sitter marks what it had to skip or make up."""
    tree = tree_sitter.Parser(tree_sitter.Language(grammar)).parse(content.encode())
    faults = [node for node in _nodes(tree.root_node) if node.is_error or node.is_missing]
    assert not faults, [(node.start_point, node.text) for node in faults]


def _nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)
