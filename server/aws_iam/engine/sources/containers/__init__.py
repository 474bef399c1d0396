"""Larger files that hold policies: one file per format, each with `NAME`, `fits` and `documents`; the first fit wins."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from aws_iam.engine.language.json_nodes import Node


@cache
def containers() -> tuple[ModuleType, ...]:
    """The formats; a policy by itself needs none of them, so they are imported when asked for."""
    from aws_iam.engine.sources.containers import (
        anywhere,
        aws_answers,
        cloudformation,
        kubernetes,
        terraform,
    )

    return (cloudformation, terraform, kubernetes, aws_answers, anywhere)


def container_of(root: Node) -> ModuleType | None:
    """The format of a file, None for one that can hold nothing."""
    return next((container for container in containers() if container.fits(root)), None)
