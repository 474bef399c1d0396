"""Which names suggest that a variable, a parameter or a field holds a secret; the words are in `secret-names.json`."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from aws_iam import resources

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_VENDOR_PAIRS = {("relic", "license"): "new relic license"}
_LONGEST_NAME = 1_024


class Suspicion(StrEnum):
    """How much a name says about its value."""

    NONE = "none"
    LIKELY = "likely"
    """`key` behind a purpose or a vendor, or a word of secrets with another one behind it."""
    UNLESS_WORD = "unless_word"
    """A secret unless the value is a plain word: `REDIS_AUTH`, `STORAGE_KEY`."""
    UNLESS_SHORT = "unless_short"
    """The same, where a long word may be one too: `SESSION_KEY`."""
    DOUBTFUL = "doubtful"
    """A DSN: its key is often public."""
    CERTAIN = "certain"


class _Words:
    """The word lists, read once."""

    def __init__(self) -> None:
        self._data: dict[str, Any] = resources.data("secret-names.json")

    def __contains__(self, of: tuple[str, str]) -> bool:
        group, word = of
        return word in self._groups[group]

    @cached_property
    def _groups(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(listed)
            for name, listed in self._data.items()
            if isinstance(listed, list) and all(isinstance(word, str) for word in listed)
        }

    @cached_property
    def pairs(self) -> frozenset[tuple[str, ...]]:
        return frozenset(map(tuple, self._data["pairs"]))

    @cached_property
    def endings(self) -> tuple[str, ...]:
        return tuple(self._data["endings"])


@cache
def _lists() -> _Words:
    return _Words()


def secret_word(name: str) -> str:
    """The word of a name that suggests a secret; empty when there is none, or when the name is only about one."""
    return suspicion(name)[0]


def suspicion(name: str) -> tuple[str, Suspicion]:
    """The word of a name that suggests a secret, and how surely."""
    words = _words(name)
    if not words or _is_about(words):
        return "", Suspicion.NONE
    last = _without_qualifiers(words)
    if not last or ("about_secrets", last[-1]) in _lists():
        return "", Suspicion.NONE
    for judge in (_by_last_word, _by_any_word, _by_pass_of_role, _by_key):
        word, level = judge(words, last)
        if word:
            return word, level
    return "", Suspicion.NONE


def described_secret(prose: str) -> str:
    """The word of a description that names a secret; a sentence's other words mean nothing."""
    words = _words(prose)
    if not words or _is_about(words):
        return ""
    return _by_any_word(words, words)[0]


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[-_LONGEST_NAME:])]


def _is_about(words: list[str]) -> bool:
    lists = _lists()
    return ("about_secrets", words[-1]) in lists or any(
        ("public", word) in lists or ("measures", word) in lists for word in words
    )


def _without_qualifiers(words: list[str]) -> list[str]:
    end = len(words)
    while end and (words[end - 1].isdigit() or ("qualifiers", words[end - 1]) in _lists()):
        end -= 1
    return words[:end]


def _by_last_word(_words: list[str], last: list[str]) -> tuple[str, Suspicion]:
    lists = _lists()
    word, before = last[-1], last[-2] if len(last) > 1 else ""
    behind = word.removesuffix("pass") if word.endswith("pass") else ""
    ending = next((ending for ending in lists.endings if word.endswith(ending)), "")
    certain = {
        ending: bool(ending) and ("no_endings", word) not in lists,
        word: ("words", word) in lists
        or (word == "pat" and ("pat_platforms", before) in lists)
        or (word in {"sk", "rk"} and _is_vendor_key(last)),
        "pass": ("pass_behind", behind) in lists
        or (word == "pass" and ("no_pass", before) not in lists),
    }
    sure = next((suspect for suspect, counts in certain.items() if counts), "")
    if sure:
        return sure, Suspicion.CERTAIN
    if ("last_words", word) in lists:
        return word, Suspicion.DOUBTFUL if word == "dsn" else Suspicion.UNLESS_WORD
    return "", Suspicion.NONE


def _is_vendor_key(last: list[str]) -> bool:
    """Whether `sk` or `rk` means the secret or restricted key of a vendor; of a table it is the sort or range key."""
    before = _without_qualifiers(last[:-1])
    return bool(before) and ("sk_vendors", before[-1]) in _lists()


def _by_pass_of_role(_words: list[str], last: list[str]) -> tuple[str, Suspicion]:
    """`pass` with the role of its user behind it: `DB_PASS_RO`."""
    named = [word for word in last if not word.isdigit()]
    end = len(named)
    while end and ("pass_roles", named[end - 1]) in _lists():
        end -= 1
    if not 0 < end < len(named):
        return "", Suspicion.NONE
    word, before = named[end - 1], named[end - 2] if end > 1 else ""
    program = before if word == "pass" else word.removesuffix("pass")
    is_password = word.endswith("pass") and ("pass_behind", program) in _lists()
    return ("pass", Suspicion.LIKELY) if is_password else ("", Suspicion.NONE)


def _by_any_word(words: list[str], last: list[str]) -> tuple[str, Suspicion]:
    lists = _lists()
    # The pair nearest to the end says most: `license key` of NEW_RELIC_LICENSE_KEY.
    for pair in reversed(list(pairwise(words))):
        if pair in lists.pairs:
            level = Suspicion.CERTAIN if pair == tuple(last[-2:]) else Suspicion.LIKELY
            return _VENDOR_PAIRS.get(pair, " ".join(pair)), level
    word = next((word for word in words if ("words", word) in lists), "")
    if not word:
        return "", Suspicion.NONE
    return word, Suspicion.CERTAIN if last[-2:] == [word, "key"] else Suspicion.LIKELY


def _by_key(_words: list[str], last: list[str]) -> tuple[str, Suspicion]:
    word = last[-1]
    if word in {"key", "keys"} and len(last) > 1:
        before = (last[-2], "".join(last[-3:-1]))
    elif word.endswith("key") and word != "key":
        before = (word.removesuffix("key"), "")
    else:
        return "", Suspicion.NONE
    for group, level in (
        ("key_purposes", Suspicion.LIKELY),
        ("key_vendors", Suspicion.LIKELY),
        ("key_purposes_unless_short", Suspicion.UNLESS_SHORT),
        ("key_purposes_in_doubt", Suspicion.UNLESS_WORD),
    ):
        purpose = next((part for part in before if (group, part) in _lists()), "")
        if purpose:
            return f"{purpose} key", level
    return "", Suspicion.NONE
