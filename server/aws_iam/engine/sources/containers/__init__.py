"""Larger files that hold policies: one module per format, each with `NAME`, `fits` and `documents` or `documents_beside`; the first fit wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.other_files import OtherFiles
    from aws_iam.engine.sources.containers.placeholders import Placeholders


def container_of(root: Node) -> ModuleType | None:
    """The module for the format of a file; None for a value that cannot hold a policy."""
    # Imported here because a policy by itself needs none of them.
    from aws_iam.engine.sources.containers import (
        aws_answers,
        cloudformation,
        generic_data,
        kubernetes,
        serverless,
        terraform,
    )

    formats = (cloudformation, terraform, kubernetes, serverless, aws_answers, generic_data)
    return next((format_ for format_ in formats if format_.fits(root)), None)


def documents_in(
    root: Node,
    container: ModuleType,
    placeholders: Placeholders | None,
    others: OtherFiles,
    choices: Mapping[str, str],
) -> Iterator[object]:
    """What a file of that format holds, with what it takes from `others`; `placeholders` already stand in it.

    `choices` are the values of parameters and options to read it with, in place of their defaults.
    """
    if hasattr(container, "documents_beside"):
        yield from container.documents_beside(root, placeholders, others, choices)
        yield from others.names
    else:
        yield from container.documents(root)
