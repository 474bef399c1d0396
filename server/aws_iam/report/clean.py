"""An answer whose every text is safe to show, except the content of files.

Names, tags and messages come from accounts and callers. Here hidden characters and line breaks are escaped and lengths
capped for the command line, the server and the JSON report alike, whatever the action quoted before.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aws_iam.answer import Artifact
from aws_iam.escape import LONGEST_SENTENCE, escaped, up_to_a_word

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

NAME_LIMIT = 200
FIX_LIMIT = 4000
"""A fix holds commands: a truncated one might still run, and do something else."""


def clean(answer: T, wording: Callable[[str], str] = str) -> T:
    """The same answer, or a part of one, with every text on one line, without hidden characters, capped, and in the `wording` of its reader."""

    def cleaned(field: str, text: str) -> str:
        return escaped(wording(text), FIX_LIMIT if field == "fix" else LONGEST_SENTENCE)

    return cast("T", _changed(answer, cleaned))


def with_short_texts(value: Any, limit: int) -> Any:
    """A part of a clean answer, or all of it, with the beginnings of long texts; a fix stays whole."""
    return _changed(
        value, lambda field, text: text if field == "fix" else up_to_a_word(text, limit)
    )


def _changed(value: Any, change: Callable[[str, str], str], field: str = "") -> Any:
    match value:
        case str() if not isinstance(value, StrEnum):
            return change(field, value)
        case Artifact():
            # The content is a file and keeps its line breaks.
            return replace(value, name=escaped(value.name, NAME_LIMIT))
        case dict():
            return {
                escaped(str(key), NAME_LIMIT): _changed(item, change, str(key))
                for key, item in value.items()
            }
        case list() | tuple():
            return type(value)(_changed(item, change) for item in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            texts = {
                own.name: _changed(getattr(value, own.name), change, own.name)
                for own in fields(value)
            }
            return replace(value, **texts)
        case _:
            return value
