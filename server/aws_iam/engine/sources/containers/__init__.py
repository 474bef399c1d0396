"""Larger files that hold policies: one module per format, each with `NAME`, `fits` and `documents`; the first fit wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from aws_iam.engine.parsing.json_nodes import Node


def container_of(root: Node) -> ModuleType | None:
    """The module for the format of a file; None for a value that cannot hold a policy."""
    # Imported here because a policy by itself needs none of them.
    from aws_iam.engine.sources.containers import (
        aws_answers,
        cloudformation,
        generic_data,
        kubernetes,
        terraform,
    )

    formats = (cloudformation, terraform, kubernetes, aws_answers, generic_data)
    return next((format_ for format_ in formats if format_.fits(root)), None)
