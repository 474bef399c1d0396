"""The context of a request: condition key to values, names without regard to case; what was asked for is remembered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.variables import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Mapping


class Context:
    """The keys of one request. An absent key has no entry; a key of several values has a list, which may be empty."""

    __slots__ = ("_values", "asked")

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        # Keys that a decision looked at: lower case to the first spelling met, in order.
        self.asked: dict[str, str] = {}

    def get(self, name: str) -> tuple[str, ...] | None:
        """The values of a key, None when it is absent."""
        lower = name.lower()
        if lower not in self.asked:
            self.asked[lower] = name
        return self._values.get(lower)

    def peek(self, name: str) -> tuple[str, ...] | None:
        """The values of a key; looking is not remembered."""
        return self._values.get(name.lower())

    def with_key(self, name: str, value: str) -> Context:
        """The same keys and one more; nothing of it was looked at yet."""
        return Context({**self._values, name: (value,)})

    def has(self, name: str) -> bool:
        """Whether the key is in the request; looking is not remembered."""
        return name.lower() in self._values


# Two characters of a private plane, which no name in AWS holds.
_LITERAL = str.maketrans({"*": "\U000f0000", "?": "\U000f0001"})


_SPELLED = {new: chr(old) for old, text in _LITERAL.items() for new in map(ord, text)}


_HOLE = re.compile(r"\$\{([^}]*)\}")


def with_stand_ins(text: str) -> str:
    """The text with `*` and `?` as characters that are no wildcards."""
    return text.translate(_LITERAL) if "*" in text or "?" in text else text


def without_stand_ins(text: str) -> str:
    """The text that `literal` made, with `*` and `?` again."""
    return text if text.isascii() else text.translate(_SPELLED)


def substituted(text: str, context: Context, *, escaped: bool) -> str | None:
    """The text with its variables filled from the request; None when one has neither a value nor a default.

    With `escaped` the result is a pattern in which what was filled in is literal.
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
    # Only keys of one value may stand in a variable.
    if given is not None and len(given) == 1:
        return given[0]
    return default_of(inside)


def default_of(inside: str) -> str | None:
    """The default text of a variable, given what stands in its braces; None without one."""
    _, comma, default = inside.partition(",")
    quoted = default.strip()
    return quoted[1:-1] if comma and quoted[:1] == quoted[-1:] == "'" and len(quoted) > 1 else None
