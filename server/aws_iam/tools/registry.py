"""The five tools in the order of every listing; each is imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.tools.kit.tool import Tool

NAMES = ("policy", "secrets", "kms", "irsa", "audit")


def tool_named(name: str) -> Tool:
    """The tool of that name."""
    tool: Tool = import_module(f"aws_iam.tools.{name}.actions").tool
    return tool


def tools() -> tuple[Tool, ...]:
    """All five tools."""
    return tuple(map(tool_named, NAMES))
