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
    from aws_iam.answer import Answer

TEXT_LIMIT = 1000
NAME_LIMIT = 200
FIX_LIMIT = 4000
"""A fix holds commands: a truncated one might still run, and do something else."""


def clean(answer: Answer) -> Answer:
    """The same answer with every text on one line, without hidden characters, and capped."""
    return _cleaned(answer)  # type: ignore[no-any-return]


def _cleaned(value: Any) -> Any:
    match value:
        case str() if not isinstance(value, StrEnum):
            return escaped(value, TEXT_LIMIT)
        case Artifact():
            # The content is a file and keeps its line breaks.
            return replace(value, name=escaped(value.name, NAME_LIMIT))
        case dict():
            return {
                escaped(str(key), NAME_LIMIT): _cleaned_field(key, item)
                for key, item in value.items()
            }
        case list() | tuple():
            return type(value)(map(_cleaned, value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            texts = {
                field.name: _cleaned_field(field.name, getattr(value, field.name))
                for field in fields(value)
            }
            return replace(value, **texts)
        case _:
            return value


def _cleaned_field(name: object, value: Any) -> Any:
    return (
        escaped(value, FIX_LIMIT) if name == "fix" and isinstance(value, str) else _cleaned(value)
    )
