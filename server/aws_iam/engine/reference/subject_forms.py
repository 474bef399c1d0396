"""The forms that subjects of an issuer can have, and whether a value or pattern of a policy can meet one.

    repo:<part>/<part>:ref:refs/<name>    `<class>` is one or more characters of the class, `<class?>` may be empty
    space:<part>:(stack|module):<part>    one of several words
    <=org>:<part>:<part>                  what the group `org` of the issuer's own pattern matched

Patterns are hostile input: all forms together are read as one state machine, whose states are the bits of a number, and
nothing backtracks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_CLASSES: Mapping[str, re.Pattern[str]] = {
    "any": re.compile(r".", re.DOTALL),
    "name": re.compile(r"[^:]", re.DOTALL),
    "part": re.compile(r"[^:/@]", re.DOTALL),
    "lower": re.compile(r"[a-z0-9.-]"),
    "slug": re.compile(r"[a-z0-9._-]"),
    "label": re.compile(r"[a-z0-9-]"),
    "lowerhex": re.compile(r"[0-9a-f-]"),
    "hex": re.compile(r"[0-9A-Fa-f-]"),
    "digits": re.compile(r"[0-9]"),
    "claim": re.compile(r"[a-z_]"),
}
_TOKEN = re.compile(r"<=(?P<group>[a-z]+)>|<(?P<set>[a-z]+)(?P<empty>\??)>|(?P<text>[^<]+)")
_MOST_SYMBOLS = 256
"""The most characters whose readers are kept: hostile texts have all of Unicode."""
_WORDS = re.compile(r"\(([^()]*)\)")


@slotted
class SubjectForms:
    """Forms of a subject; false where there are none."""

    texts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.texts)

    def meet(self, pattern: str, groups: Mapping[str, str], *, ignore_case: bool = False) -> bool:
        """Whether some subject of these forms matches the pattern, in which `*` and `?` are wildcards."""
        machine = _machine(self.texts, tuple(sorted(groups.items())), ignore_case)
        return machine.accepts(pattern.lower() if ignore_case else pattern)


def subject_forms(texts: Iterable[str]) -> SubjectForms:
    """The forms that the texts describe, one for every choice of words."""
    return SubjectForms(texts=tuple(text for written in texts for text in _chosen(written)))


def _chosen(written: str) -> Iterator[str]:
    fixed = _WORDS.split(written)
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(fixed)]
    return map("".join, product(*choices))


@slotted
class _State:
    """What is read next: one character of the text or of the class; `repeats` may be left out and read again."""

    text: str = ""
    members: re.Pattern[str] | None = None
    repeats: bool = False


class _Machine:
    """The states of all forms as bits of one number, form after form; the last of each form says that it was read."""

    def __init__(self, forms: Iterable[tuple[_State, ...]]) -> None:
        self._states: list[_State | None] = []
        self._segments: list[tuple[int, int]] = []
        self._start = 0
        for states in forms:
            begin = len(self._states)
            self._start |= 1 << begin
            self._segments.append((begin, (1 << len(states) + 1) - 1))
            self._states += [*states, None]
        self._ends = self._bits(lambda state: state is None)
        self._repeating = self._bits(lambda state: state is not None and state.repeats)
        self._reading: dict[str, int] = {}

    def accepts(self, pattern: str) -> bool:
        """Whether some text of a form matches the pattern."""
        at = self._closed(self._start)
        for symbol in pattern:
            at = self._after_star(at) if symbol == "*" else self._after(at, symbol)
            if not at:
                return False
        return bool(at & self._ends)

    def _bits(self, test: Callable[[_State | None], bool]) -> int:
        return sum(1 << place for place, state in enumerate(self._states) if test(state))

    def _closed(self, at: int) -> int:
        """The states with those that are reached by leaving out what may be left out; no two such follow each other."""
        return at | (at & self._repeating) << 1

    def _after(self, at: int, symbol: str) -> int:
        reading = at & self._readers(symbol)
        return self._closed(reading & self._repeating | (reading & ~self._repeating) << 1)

    def _after_star(self, at: int) -> int:
        """Every state from the first one of a form on: some character leads from each to the next."""
        found = 0
        for begin, mask in self._segments:
            part = at >> begin & mask
            if part:
                found |= (mask & ~((part & -part) - 1)) << begin
        return found

    def _readers(self, symbol: str) -> int:
        if symbol not in self._reading:
            if len(self._reading) >= _MOST_SYMBOLS:
                self._reading.clear()
            self._reading[symbol] = self._bits(
                lambda state: state is not None and (symbol == "?" or _reads(state, symbol))
            )
        return self._reading[symbol]


def _reads(state: _State, character: str) -> bool:
    if state.members is None:
        return state.text == character
    return state.members.fullmatch(character) is not None


# Building a machine takes longer than to read a subject with it.
@lru_cache(maxsize=128)
def _machine(
    texts: tuple[str, ...],
    groups: tuple[tuple[str, str], ...],
    ignore_case: bool,  # noqa: FBT001 - a key of the memo
) -> _Machine:
    return _Machine(_states(text, dict(groups), lower=ignore_case) for text in texts)


def _states(form: str, groups: Mapping[str, str], *, lower: bool) -> tuple[_State, ...]:
    return tuple(
        state for token in _TOKEN.finditer(form) for state in _of_token(token, groups, lower=lower)
    )


def _of_token(
    token: re.Match[str], groups: Mapping[str, str], *, lower: bool
) -> tuple[_State, ...]:
    if token["set"]:
        members = _CLASSES[token["set"]]
        more = _State(members=members, repeats=True)
        return (more,) if token["empty"] else (_State(members=members), more)
    text = groups.get(token["group"], "") if token["group"] else token["text"]
    return tuple(_State(text=character) for character in (text.lower() if lower else text))
