"""An answer whose every text is safe to show, except the content of files.

Names, tags and messages come from accounts and callers. Here hidden characters and line breaks are escaped and lengths
capped for the command line, the server and the JSON report alike, whatever the action quoted before.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Answer

TEXT_LIMIT = 1000
NAME_LIMIT = 200
FIX_LIMIT = 4000
"""A fix holds commands: a truncated one might still run, and do something else."""


def clean(answer: Answer, wording: Callable[[str], str] = str) -> Answer:
    """The same answer with every text on one line, without hidden characters, capped, and in the `wording` of its reader."""
    return _cleaned(answer, wording)  # type: ignore[no-any-return]


def _cleaned(value: Any, wording: Callable[[str], str]) -> Any:
    match value:
        case str() if not isinstance(value, StrEnum):
            return escaped(wording(value), TEXT_LIMIT)
        case Artifact():
            # The content is a file and keeps its line breaks.
            return replace(value, name=escaped(value.name, NAME_LIMIT))
        case dict():
            return {
                escaped(str(key), NAME_LIMIT): _cleaned_field(key, item, wording)
                for key, item in value.items()
            }
        case list() | tuple():
            return type(value)(_cleaned(item, wording) for item in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            texts = {
                field.name: _cleaned_field(field.name, getattr(value, field.name), wording)
                for field in fields(value)
            }
            return replace(value, **texts)
        case _:
            return value


def _cleaned_field(name: object, value: Any, wording: Callable[[str], str]) -> Any:
    if name == "fix" and isinstance(value, str):
        return escaped(wording(value), FIX_LIMIT)
    return _cleaned(value, wording)
