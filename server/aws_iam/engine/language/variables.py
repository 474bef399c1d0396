"""Policy variables in a text: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`."""

from __future__ import annotations

import re

from aws_iam.frozen import slotted

ESCAPES = frozenset({"*", "?", "$"})
"""`${*}`, `${?}` and `${$}` stand for the character itself."""

_HOLE = re.compile(r"\$\{([^}]*)(\}?)")


@slotted
class Variable:
    """One `${…}`: its name, the default after a comma as written, and whether a brace closes it."""

    text: str
    name: str
    default: str | None
    closed: bool


def variables(text: str) -> tuple[Variable, ...]:
    """The variables of a text, without escapes such as `${*}`."""
    if "${" not in text:
        return ()
    return tuple(
        map(_variable, (m for m in _HOLE.finditer(text) if m[1] not in ESCAPES or not m[2]))
    )


def without_variables(text: str, instead: str = "") -> str:
    """The text with variables and escapes replaced."""
    return _HOLE.sub(instead, text) if "${" in text else text


def _variable(match: re.Match[str]) -> Variable:
    name, comma, default = match[1].partition(",")
    return Variable(
        text=match[0],
        name=name.strip(),
        default=default.strip() if comma else None,
        closed=bool(match[2]),
    )
