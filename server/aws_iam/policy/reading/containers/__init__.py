"""Larger files that hold policies: one file per format, each with `NAME`, `fits` and `documents`; the first fit wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.policy.reading.containers import (
    anywhere,
    aws_answers,
    cloudformation,
    kubernetes,
    terraform,
)

if TYPE_CHECKING:
    from types import ModuleType

    from aws_iam.policy.reading.json_text import Node

CONTAINERS: tuple[ModuleType, ...] = (
    cloudformation,
    terraform,
    kubernetes,
    aws_answers,
    anywhere,
)


def container_of(root: Node) -> ModuleType | None:
    """The format of a file, None for one that can hold nothing."""
    return next((each for each in CONTAINERS if each.fits(root)), None)
