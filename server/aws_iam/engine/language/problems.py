"""Everything that is wrong with a request, reported together, each problem with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

# Finding near misses takes time, and nobody reads more problems than this.
_SHOWN = 10


class Problems:
    """The problems of a request; the first ones get a hint."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, pointer: str, message: str, near: Iterable[str] = ()) -> None:
        """Add a problem; `near` is only evaluated for the problems that are shown."""
        hint = ""
        if not self.many:
            options = [f"`{option}`" for option in near][:3]
            hint = f"; did you mean {' or '.join(options)}?" if options else ""
        self.found.append(f"{quoted(pointer)}: {message}{hint}")

    @property
    def many(self) -> bool:
        """Whether further problems will not be shown."""
        return len(self.found) >= _SHOWN

    def refuse(self, argument: str, hint: str = "") -> None:
        """Raise InputError with all problems, if there are any."""
        if not self.found:
            return
        shown = "; ".join(self.found[:_SHOWN])
        more = len(self.found) - _SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        raise InputError(f"`{argument}` cannot be granted: {shown}{rest}", hint=hint)


def json_object_of(given: object, argument: str, example: str) -> Node:
    """The node of an argument that is a JSON object or the text of one; InputError for anything else."""
    node = scan(given) if isinstance(given, str) else from_value(given)
    if isinstance(node, Syntax):
        raise InputError(
            f"`{argument}` is not JSON at line {node.where.line}:{node.where.column}: {node.message}",
            hint=f"{node.hint}; for example {example}",
        )
    if node.form is not Form.OBJECT:
        raise InputError(
            f"`{argument}` must be a JSON object, not {node.form}", hint=f"such as {example}"
        )
    return node
