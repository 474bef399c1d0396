"""The forms that subjects of an issuer can have, and whether a value or pattern of a policy can meet one.

    repo:<part>/<part>:ref:refs/<name>   `<class>` is one or more characters of the class, `<class?>` may be empty
    space:<part>:(stack|module):<part>    one of several words
    <=org>:<part>:<part>                  what the group `org` of the issuer's own pattern matched

Patterns are hostile input: a form is read as states, one for each of its characters, and nothing backtracks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CLASSES: Mapping[str, re.Pattern[str]] = {
    "any": re.compile(r".", re.DOTALL),
    "name": re.compile(r"[^:]", re.DOTALL),
    "part": re.compile(r"[^:/@]", re.DOTALL),
    "lower": re.compile(r"[a-z0-9.-]"),
    "hex": re.compile(r"[0-9A-Fa-f-]"),
    "digits": re.compile(r"[0-9]"),
}
_TOKEN = re.compile(r"<=(?P<group>[a-z]+)>|<(?P<set>[a-z]+)(?P<empty>\??)>|(?P<text>[^<]+)")
_WORDS = re.compile(r"\(([^()]*)\)")


@slotted
class _State:
    """What is read next: one character of the text or of the class; `repeats` may be left out and read again."""

    text: str = ""
    members: re.Pattern[str] | None = None
    repeats: bool = False

    def reads(self, character: str) -> bool:
        """Whether it is this character's turn."""
        return (
            self.text == character
            if self.members is None
            else bool(self.members.fullmatch(character))
        )


@slotted
class SubjectForm:
    """One form of a subject."""

    text: str

    def meets(self, pattern: str, groups: Mapping[str, str], *, ignore_case: bool = False) -> bool:
        """Whether some subject of this form matches the pattern, in which `*` and `?` are wildcards."""
        states = _states(self.text, groups)
        if ignore_case:
            pattern = pattern.lower()
            states = tuple(replace(state, text=state.text.lower()) for state in states)
        at = _closed({0}, states)
        for symbol in pattern:
            if symbol == "*":
                at = set(range(min(at), len(states) + 1))
            else:
                at = _closed(_read(at, states, symbol), states)
            if not at:
                return False
        return len(states) in at


def subject_forms(texts: Iterable[str]) -> tuple[SubjectForm, ...]:
    """The forms that the texts describe, one for every choice of words."""
    return tuple(SubjectForm(text=text) for written in texts for text in _chosen(written))


def _chosen(written: str) -> Iterable[str]:
    fixed = _WORDS.split(written)
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(fixed)]
    return map("".join, product(*choices))


def _states(form: str, groups: Mapping[str, str]) -> tuple[_State, ...]:
    return tuple(state for token in _TOKEN.finditer(form) for state in _of_token(token, groups))


def _of_token(token: re.Match[str], groups: Mapping[str, str]) -> tuple[_State, ...]:
    if token["set"]:
        members = _CLASSES[token["set"]]
        more = _State(members=members, repeats=True)
        return (more,) if token["empty"] else (_State(members=members), more)
    text = groups.get(token["group"], "") if token["group"] else token["text"]
    return tuple(_State(text=character) for character in text)


def _closed(at: set[int], states: tuple[_State, ...]) -> set[int]:
    """The places with those that are reached by leaving out what may be left out."""
    found = set(at)
    for place in range(min(at, default=0), len(states)):
        if place in found and states[place].repeats:
            found.add(place + 1)
    return found


def _read(at: set[int], states: tuple[_State, ...], symbol: str) -> set[int]:
    return {
        place if states[place].repeats else place + 1
        for place in at
        if place < len(states) and (symbol == "?" or states[place].reads(symbol))
    }
