"""Entries that another entry of the same list covers: `s3:GetObject` beside `s3:*`, an ARN beside a pattern that matches it.

without_covered_entries(statement)   →   the statement, and what was taken out of it
covering(("b/*", "b/x"))             →   {"b/x": frozenset({"b/*"})}

ARNs that no pattern of the list covers stay, also those that differ in one field alone: a wildcard in its place matches more than
they do. No field has values that are all known: accounts and names are anyone's, and AWS adds Regions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import covers, is_literal, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.shrink.statement_lists import folded
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from aws_iam.engine.shrink.statement_lists import Place, StatementLists

# What an entry becomes where its wildcards are to be matched: a character that no pattern spells.
_UNNAMED = str.maketrans("*?", "\0\0")
# Operators whose values are patterns. ArnLike matches field by field, so its patterns cover less than their texts.
_LIKE = ("StringLike", "StringNotLike")
_HOLE = re.compile(r"\$\{[^}]*\}")
# Characters that stand for variables: no policy has them.
_FIRST_TOKEN = 0xF0000
_PATTERNS = frozenset({"Action", "NotAction", "Resource", "NotResource"})


@dataclass(slots=True)
class Work:
    """The characters of patterns that may be compared for one policy; entries beyond stay as they are. Only hostile ones need so many."""

    left: int = 20_000_000

    @property
    def is_done(self) -> bool:
        """Whether all that was asked was compared."""
        return self.left >= 0


def without_covered_entries(
    statement: StatementLists, work: Work
) -> tuple[StatementLists, tuple[str, ...]]:
    """The statement without repeated and covered entries, and these, each with the entry that covers it."""
    gone: list[str] = []
    for place, entries in statement.lists:
        kept: dict[str, str] = {}
        for entry in entries:
            kept.setdefault(folded(place, entry), entry)
        if repeated := len(entries) - len(kept):
            gone.append(f"{counted(repeated, 'repeated entry')} of {place[-1]}")
        if _are_patterns(place):
            texts = {key: _text(place, key) for key in kept}
            spelled = {text: kept[key] for key, text in texts.items()}
            wider = covering(texts.values(), work)
            for key, text in texts.items():
                if outer := wider.get(text):
                    gone.append(f"{kept.pop(key)} (beside {spelled[min(outer)]})")
        if len(kept) < len(entries):
            statement = statement.but(place, kept.values())
    return statement, tuple(gone)


def _are_patterns(place: Place) -> bool:
    if place[0] in _PATTERNS:
        return True
    operator = place[1].rpartition(":")[2] if len(place) > 1 else ""
    return operator.removesuffix("IfExists") in _LIKE


def _text(place: Place, entry: str) -> str:
    """The entry as a pattern: the values of conditions are JSON."""
    return str(json.loads(entry)) if len(place) > 1 and entry.startswith('"') else entry


def covering(texts: Collection[str], work: Work) -> Mapping[str, frozenset[str]]:
    """For each text the other patterns that cover it; of two equivalent patterns the first in order stays."""
    by_head: dict[str, list[str]] = {}
    for wide in sorted({text for text in texts if not is_literal(text)}):
        by_head.setdefault(_head(wide), []).append(wide)
    lengths = sorted(set(map(len, by_head)))
    found: dict[str, set[str]] = {}
    for text in sorted(set(texts)):
        plain = without_variables(text, "*").translate(_UNNAMED)
        for wide in _candidates(plain, by_head, lengths):
            work.left -= (len(wide) + len(text)) * (1 + wide.count("*") + wide.count("?"))
            if not work.is_done:
                return {inner: frozenset(outer) for inner, outer in found.items()}
            if wide != text and _covers(wide, text) and (wide < text or not _covers(text, wide)):
                found.setdefault(text, set()).add(wide)
    return {inner: frozenset(outer) for inner, outer in found.items()}


def _candidates(plain: str, by_head: Mapping[str, list[str]], lengths: list[int]) -> Iterator[str]:
    for length in lengths:
        if length > len(plain):
            return
        yield from by_head.get(plain[:length], ())


def _head(pattern: str) -> str:
    """The text before the first wildcard or variable."""
    return pattern.partition("*")[0].partition("?")[0].partition("${")[0]


def _covers(wide: str, narrow: str) -> bool:
    """Whether a pattern covers another, whatever their variables stand for; the same variable stands for the same text."""
    if "${" in wide:
        # One character of a pattern would take the one that stands for a variable, whose text may be of any length.
        if "?" in wide:
            return False
        for number, hole in enumerate(dict.fromkeys(_HOLE.findall(wide))):
            token = chr(_FIRST_TOKEN + number)
            wide, narrow = wide.replace(hole, token), narrow.replace(hole, token)
    narrow = without_variables(narrow, "*")
    # Most pairs are told apart without looking at the wildcards of the narrower one.
    return matches(wide, narrow.translate(_UNNAMED)) and covers(wide, narrow)
