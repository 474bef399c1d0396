"""Controls found by words: `S3 public access`, `rotate access keys`, `MFA`.

named_by("S3 public access", controls)    s3_block_public: one of its phrases has all the words
named_by("MFA", controls)                 five: each has the word
about("why rotate my access keys?", …)    the best, where the words alone do not name one
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from aws_iam.tools.kit.word_search import naming, scored, stems, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"(?<![\w.])(v?)(\d{1,2}(?:\.\d{1,2}){1,3})(?![\w.]*\w)", re.IGNORECASE)
_ASIDE = frozenset(
    [
        *("benchmark", "check", "checks", "cis", "control", "controls", "explain", "foundation", "foundations"),
        *("mean", "means", "number", "rule", "rules", "tell", "v", "version", "enabled"),
    ]
)  # fmt: skip
# A name in one piece with a point or an underscore is an id, right or misspelled: `root_mfaa`, `IAM.21`.
_ID = re.compile(r"\S*[._]\S*")
_MOST_NEAR = 4
# Key and topic stand first among the phrases.
_EXACT = 2
# A text whose score is so near the best is as likely meant.
_AS_GOOD = 0.8
_NEAR = 0.4


class Described(Protocol):
    """What the search reads of a control."""

    @property
    def key(self) -> str:
        """Its name, which is a phrase with underscores."""

    @property
    def title(self) -> str:
        """What it requires."""

    @property
    def section(self) -> str:
        """Its topic."""

    @property
    def keywords(self) -> tuple[str, ...]:
        """What else people call it."""

    @property
    def why(self) -> str:
        """A sentence."""

    @property
    def fix(self) -> str:
        """A command."""


Control = TypeVar("Control", bound=Described)


class About(NamedTuple, Generic[Control]):
    """What words are about: `meant` has more than one control where they do not tell them apart, `near` the next best."""

    meant: tuple[Control, ...]
    near: tuple[Control, ...] = ()


def subject_words(question: str) -> str:
    """The words of a question that say what a control is about: not its numbers, and not `CIS control`."""
    return " ".join(word for word in words(NUMBER.sub(" ", question)) if word not in _ASIDE)


def named_by(question: str, controls: Iterable[Control]) -> tuple[Control, ...]:
    """The controls that all the words name, in order; none for an id, or where a word fits no control."""
    return _named(_asked(question), tuple(controls))


def about(question: str, controls: Iterable[Control]) -> About[Control]:
    """The controls that a question is about; words that no control has do not count."""
    listed, asked = tuple(controls), _asked(question)
    having = {word for control in listed for phrase in _phrases(control) for word in phrase}
    named = _named(asked & having, listed)
    ranked = _ranked(question, listed) if asked else []
    best = ranked[0][1] if ranked else 0.0
    meant = named or tuple(control for control, score in ranked if score >= _AS_GOOD * best)
    near = [one for one, score in ranked if one not in meant and score >= _NEAR * best]
    return About(meant, tuple(near[:_MOST_NEAR]))


def _named(asked: frozenset[str], controls: Sequence[Control]) -> tuple[Control, ...]:
    """Those whose key or topic is the words, else those with all of them in one phrase, else in any."""
    phrases = {control.key: _phrases(control) for control in controls}
    keys = naming(asked, {key: words[:_EXACT] for key, words in phrases.items()}, phrases)
    return tuple(control for control in controls if control.key in keys)


def _asked(question: str) -> frozenset[str]:
    return frozenset() if _ID.fullmatch(question.strip()) else stems(subject_words(question))


def _phrases(control: Described) -> tuple[frozenset[str], ...]:
    written = (control.key, control.section, control.title, *control.keywords)
    return tuple(map(stems, written))


def _ranked(question: str, controls: Sequence[Control]) -> list[tuple[Control, float]]:
    by_key = {control.key: control for control in controls}
    texts = {
        control.key: (
            " ".join((control.title, control.key.replace("_", " "), *control.keywords)),
            f"{control.why} {control.fix}",
        )
        for control in controls
    }
    return [(by_key[key], score) for key, score in scored(subject_words(question), texts)]
