"""The context of a request, and what policy variables such as `${aws:username}` stand for in it.

Text that comes from the request is literal: a tag whose value is `*` is no wildcard. Where wildcards are read, literal
`*` and `?` are therefore replaced by stand-in characters, in the pattern and in the text it is matched with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.variables import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Mapping


class Context:
    """The condition keys of one request and their values; names ignore case, an absent key has no entry.

    `asked` collects the keys that a decision looked at.
    """

    __slots__ = ("_values", "asked")

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        # Lower case to the first spelling, in order of the first look.
        self.asked: dict[str, str] = {}

    def get(self, name: str) -> tuple[str, ...] | None:
        """The values of a key, None when it is absent; the key counts as looked at."""
        lower = name.lower()
        if lower not in self.asked:
            self.asked[lower] = name
        return self._values.get(lower)

    def peek(self, name: str) -> tuple[str, ...] | None:
        """The values of a key, without recording the look."""
        return self._values.get(name.lower())

    def with_key(self, name: str, *values: str) -> Context:
        """A new context with one more key, and no key looked at."""
        return Context({**self._values, name.lower(): values})

    def without_key(self, name: str) -> Context:
        """A new context that lacks a key, and no key looked at."""
        return Context({key: own for key, own in self._values.items() if key != name.lower()})

    def has(self, name: str) -> bool:
        """Whether the request has the key, without recording the look."""
        return name.lower() in self._values


# Two characters of a private-use plane, which no name in AWS contains.
_LITERAL = str.maketrans({"*": "\U000f0000", "?": "\U000f0001"})


_SPELLED = {new: chr(old) for old, text in _LITERAL.items() for new in map(ord, text)}


_HOLE = re.compile(r"\$\{([^}]*)\}")


def with_stand_ins(text: str) -> str:
    """The text with `*` and `?` replaced by stand-ins that are no wildcards."""
    return text.translate(_LITERAL) if "*" in text or "?" in text else text


def without_stand_ins(text: str) -> str:
    """The text with the stand-ins turned back into `*` and `?`."""
    return text if text.isascii() else text.translate(_SPELLED)


def substituted(text: str, context: Context, *, escaped: bool) -> str | None:
    """The text with its variables filled in from the request; None when one has neither a value nor a default.

    With `escaped` the result is a pattern in which the filled-in text is literal.
    """
    if "${" not in text:
        return text
    parts: list[str] = []
    at = 0
    for hole in _HOLE.finditer(text):
        value = _value(hole[1], context)
        if value is None:
            return None
        parts += (text[at : hole.start()], with_stand_ins(value) if escaped else value)
        at = hole.end()
    return "".join((*parts, text[at:]))


def _value(inside: str, context: Context) -> str | None:
    if inside in ESCAPES:
        return inside
    given = context.get(inside.partition(",")[0].strip())
    # Only a key with a single value can fill a variable.
    if given is not None and len(given) == 1:
        return given[0]
    return default_of(inside)


def default_of(inside: str) -> str | None:
    """The default of a variable, read from the text inside its braces; None when it has none."""
    _, comma, default = inside.partition(",")
    quoted = default.strip()
    return quoted[1:-1] if comma and quoted[:1] == quoted[-1:] == "'" and len(quoted) > 1 else None
