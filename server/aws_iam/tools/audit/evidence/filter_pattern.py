"""CloudWatch Logs filter patterns: parses a metric filter's pattern and decides which records it matches.

    { ($.eventName = "ConsoleLogin") && ($.errorMessage = "Failed authentication") }

Only the JSON form is supported: comparisons with `*` wildcards, `IS NULL`, `IS TRUE`, `IS FALSE`, `NOT EXISTS`, `&&` before
`||`, parentheses. Any other form, or a text too long for a filter, gives no pattern. If AWS does not document the outcome (a `!=`
on an absent field), or the record does not say what a field holds, the result is None: unknown, never a guess.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# AWS allows 1,024 characters; a longer text is not from AWS and is not parsed.
MOST_CHARACTERS = 4096
MOST_NESTING = 50

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<field>\$(?:\.[\w-]+|\[\d{1,6}\])+)
    | (?P<mark>&&|\|\||!=|<=|>=|[{}()<>=])
    | (?P<word>[^\s(){}|&"=!<>$%]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?")
# The value of a field that a record certainly lacks.
ABSENT = object()
# The value of a field about which a sample record says nothing.
_UNSAID = object()
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "<": float.__lt__,
    ">": float.__gt__,
    "<=": float.__le__,
    ">=": float.__ge__,
}


class _Unreadable(Exception):  # noqa: N818 - internal: the text is not in the language
    """The text is not a JSON filter pattern that this module supports."""


@positional
class Clause:
    """One test of one field."""

    path: tuple[str | int, ...]
    operator: str
    value: str = ""

    def matches(self, record: Mapping[str, Any]) -> bool | None:
        """Whether the record passes the test; None if neither the record nor AWS's documentation says."""
        found = _lookup(record, self.path)
        if found is _UNSAID:
            return None
        if self.operator == "=":
            return _equal(found, self.value)
        if self.operator in _UNARY:
            return _UNARY[self.operator](found)
        if self.operator == "!=":
            # Undocumented for an absent field.
            return None if found is ABSENT else not _equal(found, self.value)
        return _ordered(found, self.operator, self.value)


@positional
class Every:
    """All parts match (`&&`)."""

    parts: tuple[Pattern, ...]

    def matches(self, record: Mapping[str, Any]) -> bool | None:
        """False if any part is false, else unknown if any is."""
        return _decided(False, (part.matches(record) for part in self.parts))


@positional
class Some:
    """At least one part matches (`||`)."""

    parts: tuple[Pattern, ...]

    def matches(self, record: Mapping[str, Any]) -> bool | None:
        """True if any part is true, else unknown if any is."""
        return _decided(True, (part.matches(record) for part in self.parts))


Pattern = Clause | Every | Some
# An empty filter pattern matches every record.
EVERYTHING: Pattern = Every(())


# 30 µs for each pattern, and 15 controls ask for the patterns of all filters.
@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> Pattern | None:
    """The pattern; None if its form is not supported."""
    if not text.strip():
        return EVERYTHING
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        return _Parser(_tokens(text.strip())).pattern()
    except _Unreadable:
        return None


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise _Unreadable
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


class _Parser:
    """Recursive descent over `{ or }`, `or = and (|| and)*`, `and = term (&& term)*`."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def pattern(self) -> Pattern:
        self._expect("{")
        pattern = self._either()
        self._expect("}")
        if self._at != len(self._tokens):
            raise _Unreadable
        return pattern

    def _either(self) -> Pattern:
        parts = [self._both()]
        while self._accept("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _both(self) -> Pattern:
        parts = [self._term()]
        while self._accept("&&"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _term(self) -> Pattern:
        if not self._accept("("):
            return self._test()
        self._depth += 1
        if self._depth > MOST_NESTING:
            raise _Unreadable
        inside = self._either()
        self._expect(")")
        self._depth -= 1
        return inside

    def _test(self) -> Clause:
        path = _path(self._next("field"))
        kind, value = self._peek()
        if kind == "word":
            return Clause(path, self._keyword())
        self._at += 1
        if kind != "mark" or value not in {"=", "!=", *_ORDER}:
            raise _Unreadable
        return Clause(path, value, self._value())

    def _keyword(self) -> str:
        words = f"{self._next('word')} {self._next('word')}".upper()
        if words not in _UNARY:
            raise _Unreadable
        return words

    def _value(self) -> str:
        kind, value = self._peek()
        self._at += 1
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", value[1:-1])
        if kind != "word":
            raise _Unreadable
        return value

    def _peek(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _Unreadable
        return self._tokens[self._at]

    def _next(self, kind: str) -> str:
        found, value = self._peek()
        if found != kind:
            raise _Unreadable
        self._at += 1
        return value

    def _accept(self, mark: str) -> bool:
        is_next = self._at < len(self._tokens) and self._tokens[self._at] == ("mark", mark)
        self._at += is_next
        return is_next

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise _Unreadable


def _path(text: str) -> tuple[str | int, ...]:
    return tuple(name or int(index) for name, index in _STEP.findall(text))


def _lookup(record: Any, path: Iterable[str | int]) -> Any:
    value = record
    for step in path:
        # Nearly always: a record is asked for a field by its name, thousands of times in an audit.
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, _UNSAID)
        else:
            value = _child(value, step)
    return value


def _child(value: Any, step: str | int) -> Any:
    if value is _UNSAID:
        return _UNSAID
    if isinstance(step, str):
        return value.get(step, _UNSAID) if isinstance(value, Mapping) else ABSENT
    return value[step] if isinstance(value, list) and step < len(value) else ABSENT


def _equal(found: Any, wanted: str) -> bool:
    if isinstance(found, str):
        return _like(wanted, found) if "*" in wanted else wanted == found
    if isinstance(found, bool):
        return wanted.lower() == str(found).lower()
    if isinstance(found, (int, float)):
        if _NUMBER.fullmatch(wanted):
            return float(found) == float(wanted)
        return _like(wanted, str(found))
    return False


def _like(pattern: str, text: str) -> bool:
    """Whether the text matches, `*` being any characters; one pass, however many stars there are."""
    first, *rest = pattern.split("*")
    if not rest:
        return first == text
    *middle, last = rest
    if len(first) + len(last) > len(text) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _ordered(found: Any, operator: str, wanted: str) -> bool | None:
    if not _NUMBER.fullmatch(wanted):
        return None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return False
    return _ORDER[operator](float(found), float(wanted))


def _decided(winner: bool, parts: Iterable[bool | None]) -> bool | None:  # noqa: FBT001 - a truth value, no flag
    unknown = False
    for part in parts:
        if part is winner:
            return winner
        unknown = unknown or part is None
    return None if unknown else not winner


_UNARY: Mapping[str, Callable[[Any], bool]] = {
    "NOT EXISTS": lambda found: found is ABSENT,
    "IS NULL": lambda found: found is None,
    "IS TRUE": lambda found: found is True,
    "IS FALSE": lambda found: found is False,
}
