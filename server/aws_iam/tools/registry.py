"""The five tools, in the order in which every face shows them; a tool is imported when it is asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.tools.kit.tool import Tool

NAMES = ("policy", "secrets", "kms", "irsa", "audit")


@cache
def tool_named(name: str) -> Tool:
    """The tool of one of the names."""
    tool: Tool = import_module(f"aws_iam.tools.{name}.actions").tool
    return tool


@cache
def tools() -> tuple[Tool, ...]:
    """All of them."""
    return tuple(map(tool_named, NAMES))
