"""Texts found by the words of a question: rare words count more than frequent ones, and headings more than text."""

from __future__ import annotations

import re
from collections import Counter
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORD = re.compile(r"[a-z0-9]+")
_ENDINGS = ("ings", "ing", "ions", "ion", "ies", "es", "ed", "e", "s", "y")
_SHORTEST_STEM = 3
_SAME = {"org": "organization", "orgs": "organization"}
_HEADING = 4.0
LONGEST_QUESTION = 400
_FILLERS = frozenset(
    [
        "a",
        "about",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "cannot",
        "do",
        "does",
        "for",
        "from",
        "get",
        "give",
        "how",
        "i",
        "in",
        "into",
        "is",
        "it",
        "me",
        "must",
        "my",
        "need",
        "not",
        "of",
        "on",
        "only",
        "or",
        "our",
        "restrict",
        "should",
        "show",
        "so",
        "that",
        "the",
        "their",
        "them",
        "there",
        "this",
        "to",
        "use",
        "using",
        "want",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
        "aws",
        "policy",
        "policies",
    ]
)


def scored(question: str, texts: Mapping[str, tuple[str, str]]) -> list[tuple[str, float]]:
    """The names of the texts, each a heading and a body, that have words of the question, with scores, the best first."""
    asked = set(_stems(question[:LONGEST_QUESTION]))
    if not asked:
        return []
    counted = {
        name: (Counter(_stems(heading)), Counter(_stems(body)))
        for name, (heading, body) in texts.items()
    }
    having = Counter(
        stem for heading, body in counted.values() for stem in asked if heading[stem] or body[stem]
    )
    average = sum(body.total() for _, body in counted.values()) / max(len(counted), 1) or 1.0
    scores = {
        name: sum(
            log(1 + len(texts) / having[stem])
            * (_HEADING * bool(heading[stem]) + _weight(body[stem], body.total() / average))
            for stem in asked
            if having[stem]
        )
        for name, (heading, body) in counted.items()
    }
    found = [(name, score) for name, score in scores.items() if score]
    return sorted(found, key=lambda pair: -pair[1])


def _weight(count: int, length: float) -> float:
    """Okapi BM25, with less weight on the length than usual: sections differ much; `length` is that of the text beside the average."""
    return count * 2.5 / (count + 1.5 * (0.6 + 0.4 * length))


def words(text: str) -> list[str]:
    """The words of a text in lower case, without those that every question has."""
    return [word for word in _WORD.findall(text.lower()) if word not in _FILLERS]


def naming(
    asked: frozenset[str],
    exact: Mapping[str, tuple[frozenset[str], ...]],
    phrases: Mapping[str, tuple[frozenset[str], ...]],
) -> list[str]:
    """The names whose exact phrase the words are, else those with all of them in one phrase, else in any."""
    if not asked:
        return []
    readings: tuple[Callable[[str], bool], ...] = (
        lambda name: asked in exact[name],
        lambda name: any(asked <= phrase for phrase in phrases[name]),
        lambda name: all(any(word in phrase for phrase in phrases[name]) for word in asked),
    )
    found = ([name for name in phrases if fits(name)] for fits in readings)
    return next(filter(None, found), [])


def stems(text: str) -> frozenset[str]:
    """The words of a text without their endings; the parts of a name count as words."""
    return frozenset(_stems(text.replace("_", " ")))


def _stems(text: str) -> list[str]:
    return [stem(_SAME.get(word, word)) for word in words(text)]


def stem(word: str) -> str:
    """The word without the ending of another form of it."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
