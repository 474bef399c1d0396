"""A file by itself as a module: what its names refer to is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import string

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.parsing.json_nodes import Node, Place


class UnknownNames:
    """The names of a module of which nothing is known."""

    folder = root_folder = ""

    def root(self, name: str, at: Place) -> Node:
        """What the first part of a reference stands for: its name."""
        return string(name, at)

    @staticmethod
    def resource_named(_: str, __: str) -> None:
        """The address of a resource: none."""

    def behind(self, path: Sequence[str]) -> None:
        """What the module says that a reference stands for: nothing."""

    @staticmethod
    def provider(name: str) -> str:
        """The name of a provider, to which nobody gives another one."""
        return name
