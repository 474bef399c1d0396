"""Digests of the values that may stand in place of one that was read, the same for the same value however it is written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_iam.engine.language.alternatives import Alternative
from aws_iam.engine.sources.containers.access_settings import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.parsing.json_nodes import Node

_LENGTH = 16


def digest(*parts: str) -> str:
    """A short text for what the parts say."""
    text = "\0".join(parts)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:_LENGTH]


def alternative(
    what: str, *parts: str, is_read: bool = False, chooser: str = "", keys: tuple[str, ...] = ()
) -> Alternative:
    """The alternative that consists of these parts."""
    return Alternative(
        what=what, digest=digest(*parts), is_read=is_read, chooser=chooser, keys=keys
    )


def of_entries(
    what: str,
    entries: Iterable[tuple[str, Node]],
    chosen: str | None = None,
    chooser: str = "",
) -> Iterator[Alternative]:
    """The entries of a map, of which one is chosen at deployment; `chosen` is the one that was read, `chooser` what is the key."""
    for key, value in entries:
        own = canonical(value)
        yield alternative(what, key, own, is_read=key == chosen, chooser=chooser, keys=(key,))
