"""An answer whose every text is safe to show, a file's content apart.

Names, tags and messages come from accounts and callers: hidden characters and line breaks are escaped and lengths
capped here for every face and format, whatever the action has quoted before.
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
"""A fix holds commands of ours, with names in them: one that is cut would still run, and do something else."""


def clean(answer: Answer) -> Answer:
    """The same answer with every text on one line, visible and capped."""
    return _cleaned(answer)  # type: ignore[no-any-return]


def _cleaned(value: Any) -> Any:
    match value:
        case str() if not isinstance(value, StrEnum):
            return escaped(value, TEXT_LIMIT)
        case Artifact():
            # The content is a file: its line breaks are its own.
            return replace(value, name=escaped(value.name, NAME_LIMIT))
        case dict():
            return {
                escaped(str(key), NAME_LIMIT): _named(key, item) for key, item in value.items()
            }
        case list() | tuple():
            return type(value)(map(_cleaned, value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            texts = {
                field.name: _named(field.name, getattr(value, field.name))
                for field in fields(value)
            }
            return replace(value, **texts)
        case _:
            return value


def _named(name: object, value: Any) -> Any:
    return (
        escaped(value, FIX_LIMIT) if name == "fix" and isinstance(value, str) else _cleaned(value)
    )
