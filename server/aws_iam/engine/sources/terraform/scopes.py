"""Where the names of an expression are looked up, and what the module says that they stand for."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from aws_iam.engine.parsing.json_nodes import Node, Place
    from aws_iam.engine.sources.terraform.syntax import Block

    class References(Protocol):
        """What the names of a module refer to."""

        @property
        def folder(self) -> str:
            """The folder of the module."""

        @property
        def root_folder(self) -> str:
            """The folder of the module that Terraform runs in."""

        def root(self, name: str, at: Place) -> Node:
            """What the first part of a reference stands for."""

        def resource_named(self, type_: str, label: str) -> tuple[str, Block] | None:
            """The address of a resource, and its block."""

        def behind(self, path: Sequence[str]) -> Behind | None:
            """What the module says that a reference stands for."""

        def provider(self, name: str) -> str:
            """The root module's name of a provider."""


@slotted
class Scope:
    """Where names are looked up: those of loops and instances first, then the module's."""

    module: References
    names: Mapping[str, Node] = field(default_factory=dict)

    def but(self, **names: Node) -> Scope:
        """The scope with further names."""
        return Scope(module=self.module, names={**self.names, **names})


@slotted
class Behind:
    """What a reference stands for: the first `length` names of it; `is_default`: a value that the caller may replace."""

    part: object
    scope: Scope
    length: int
    is_default: bool = False
