"""A fix in steps: what to do or to know in words, and each command apart from them, so that it can be copied alone.

Allow your own networks first; then: aws ec2 revoke-security-group-ingress … (once for each rule)

words    Allow your own networks first; then:
command  aws ec2 revoke-security-group-ingress …
words    once for each rule
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMAND = re.compile(r"(?:^|(?<=[:;] )|(?<=\()|(?<=then ))aws [a-z0-9-]+ [a-z0-9-]+(?= |$|[;,)])")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_END = re.compile(r"; |, then |, and | \(|\)(?=$|[ .;,])")
_AROUND = " ;,"


@dataclass(frozen=True, slots=True)
class Step:
    """Words, or a command."""

    text: str
    is_command: bool


def fix_steps(fix: str) -> tuple[Step, ...]:
    """The words and the commands of a fix, in their order."""
    return tuple(_steps(fix))


def _steps(fix: str) -> Iterator[Step]:
    # What is in quotes neither begins nor ends a command.
    plain = _QUOTED.sub(lambda quoted: "·" * len(quoted.group()), fix)
    place = 0
    while start := _COMMAND.search(plain, place):
        end = _END.search(plain, start.end())
        stop = end.start() if end else len(fix)
        yield from _words(fix[place : start.start()])
        yield Step(fix[start.start() : stop].rstrip(_AROUND), is_command=True)
        place = stop
    yield from _words(fix[place:])


def _words(text: str) -> Iterator[Step]:
    words = text.strip(_AROUND)
    if words.startswith("(") and words.find(")") in {-1, len(words) - 1}:
        words = words.strip("()")
    words = words.removeprefix(")").strip(_AROUND)
    if any(map(str.isalnum, words)):
        yield Step(words, is_command=False)
