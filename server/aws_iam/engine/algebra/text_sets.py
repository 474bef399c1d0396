"""Sets of texts, given by patterns with variables, and how they relate.

    contains(wide, narrow)     every text of narrow is a text of wide, whatever the variables stand for
    apart(a, b)                no text belongs to both
    Texts(entries)             the union of patterns;  Texts(entries, inverted=True): all other texts
    within(a, b, effort)       every text of a is a text of b

Every yes is certain; a no can mean that it cannot be decided, or not within the effort.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

_HOLE = re.compile(r"\$\{[^{}]*\}")
# Private-use characters stand for variables, and for the `*` and `?` of a literal text.
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_STAR, _QUESTION, _FIRST_HOLE = "\ue000", "\ue001", 0xE100
_MOST_HOLES = 64
_CHEAP = 32
_LONGEST = 2_048
"""Longer patterns are never compared: an ARN has 2,048 characters at most."""


class Effort:
    """The work that may still be done; questions beyond it are answered with no."""

    __slots__ = ("left",)

    def __init__(self, left: int = 10_000) -> None:
        self.left = left

    def spend(self, steps: int) -> bool:
        """Take off the steps; False when too few are left."""
        self.left -= steps
        return self.left >= 0

    @property
    def is_spent(self) -> bool:
        """Whether a question came after the effort was used up."""
        return self.left < 0


def is_everything(text: str) -> bool:
    """Whether the pattern consists of stars only."""
    return bool(text) and not text.strip("*")


def literal_pattern(text: str) -> str:
    """The pattern that matches this text literally, apart from its variables."""
    if pattern.is_literal(text):
        return text
    kept = _HOLE.findall(text)
    parts = (part.replace("*", _STAR).replace("?", _QUESTION) for part in _HOLE.split(text))
    return "".join(part + hole for part, hole in zip(parts, [*kept, ""], strict=True))


def is_plain(text: str) -> bool:
    """Whether the text can be compared: not too long, and each variable closed."""
    if len(text) > _LONGEST or not (text.isascii() or _PRIVATE.search(text) is None):
        return False
    return "${" not in text or text.count("${") == len(_HOLE.findall(text))


def contains(wide: str, narrow: str) -> bool:
    """Whether every text of `narrow` is one of `wide`.

    A variable without a value matches nothing. So `narrow` must have each variable of `wide` at the same place, as the same
    unknown text; next to variables a `?` cannot be compared.
    """
    if wide == narrow or is_everything(wide):
        return True
    if not narrow.startswith(literal_prefix(wide)):
        return False
    holes = tuple(dict.fromkeys(_HOLE.findall(wide)))
    if not holes:
        return pattern.covers(wide, _HOLE.sub("*", narrow) if "${" in narrow else narrow)
    if "?" in _HOLE.sub("", wide) or len(holes) > _MOST_HOLES:
        return False
    letters = {hole: chr(_FIRST_HOLE + number) for number, hole in enumerate(holes)}
    return pattern.covers(
        _HOLE.sub(lambda hole: letters[hole[0]], wide),
        _HOLE.sub(lambda hole: letters.get(hole[0], "*"), narrow),
    )


def literal_prefix(text: str) -> str:
    """The text before the first wildcard or variable, with which every text of the pattern starts."""
    return text.partition("*")[0].partition("?")[0].partition("${")[0]


def apart(a: str, b: str) -> bool:
    """Whether no text belongs to both patterns, whatever their variables stand for."""
    return not pattern.intersects(_open(a), _open(b))


def _open(text: str) -> str:
    return _HOLE.sub("*", text) if "${" in text else text


class Texts:
    """The texts of some patterns, or all others; `contains` and `apart` compare two patterns."""

    __slots__ = (
        "apart",
        "comparable",
        "contains",
        "entries",
        "exact",
        "heads",
        "inverted",
        "is_everything",
        "wild",
    )

    def __init__(
        self,
        entries: tuple[str, ...],
        *,
        inverted: bool = False,
        contains: Callable[[str, str], bool] = contains,
        apart: Callable[[str, str], bool] = apart,
    ) -> None:
        self.entries = entries
        self.inverted = inverted
        self.contains = contains
        self.apart = apart
        self.exact = frozenset(entries)
        # The entries that can match more than themselves.
        self.wild = tuple(entry for entry in self.exact if not pattern.is_literal(entry))
        # What each of them begins with.
        self.heads = tuple((literal_prefix(entry), entry) for entry in self.wild)
        self.is_everything = not inverted and any(map(is_everything, self.wild))
        self.comparable = bool(entries) and all(map(is_plain, self.exact))


def within(a: Texts, b: Texts, effort: Effort) -> bool:
    """Whether every text of `a` is one of `b`."""
    if b.is_everything:
        return True
    if not (a.comparable and b.comparable):
        return False
    if a.inverted:
        return b.inverted and _all_contained(b.exact, a, effort)
    if b.inverted:
        return _all_apart(a, b, effort)
    return _all_contained(a.exact, b, effort)


def _all_contained(entries: frozenset[str], whole: Texts, effort: Effort) -> bool:
    # Long lists cost effort even when both have the same entries.
    if not effort.spend(len(entries) // _CHEAP):
        return False
    for entry in entries - whole.exact:
        if not effort.spend(1 + len(whole.wild)):
            return False
        for head, wide in whole.heads:
            if (
                entry.startswith(head)
                and effort.spend(_cost(wide, entry))
                and whole.contains(wide, entry)
            ):
                break
        else:
            return False
    return True


def _all_apart(a: Texts, b: Texts, effort: Effort) -> bool:
    if not a.exact.isdisjoint(b.exact):
        return False
    # Two different literal texts are apart; not so ARNs, which AWS may complete.
    plain = b.apart is apart
    open_ = [entry for entry in b.exact if not _is_closed(entry)] if plain else []
    return all(
        effort.spend(1 + _cost(one, other)) and b.apart(one, other)
        for one in a.exact
        for other in (open_ if plain and _is_closed(one) else b.exact)
    )


def _is_closed(text: str) -> bool:
    return pattern.is_literal(text) and "${" not in text


def _cost(a: str, b: str) -> int:
    """The cost of comparing both, in steps of some hundred characters."""
    return 1 + (len(a) + len(b)) * (1 + a.count("*") + a.count("?")) // 256
