"""A fix in steps: what to do or to know in words, and each command or document apart from them, so that it can be copied alone.

Allow your own networks first; then: aws ec2 revoke-security-group-ingress … (once for each rule)

words    Allow your own networks first; then:
command  aws ec2 revoke-security-group-ingress …
words    once for each rule
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = re.compile(
    r"(?P<command>(?:^|(?<=[:;] )|(?<=\()|(?<=then )|(?<=, or ))aws(?:-iam)? [a-z0-9-]+ [a-z0-9_-]+(?= |$|[;,.)]))"
    r"|\{(?=·)"
)
# An apostrophe within a word is no quote.
_QUOTED = re.compile(r"(?<!\w)'[^']*'|\"[^\"]*\"")
_END = re.compile(r"; |, (?:then|or) |, and | \(|\)(?=$|[ .;,])|(?<=\w)\.(?= [A-Z]|$)")
_AROUND = " ;,"


@positional
class Step:
    """Words, or what is copied: a command or a JSON document."""

    text: str
    is_copied: bool


def fix_steps(fix: str) -> tuple[Step, ...]:
    """The words of a fix and what is copied, in their order."""
    return tuple(_steps(fix))


def _steps(fix: str) -> Iterator[Step]:
    # What is in quotes neither begins nor ends a command.
    plain = _QUOTED.sub(lambda quoted: "·" * len(quoted.group()), fix)
    place = searched = 0
    while start := _START.search(plain, searched):
        stop = _end_of_command(plain, start) if start["command"] else _end_of_document(fix, start)
        if stop is None:
            searched = start.end()
            continue
        yield from _words(fix[place : start.start()])
        yield Step(fix[start.start() : stop].rstrip(_AROUND), is_copied=True)
        place = searched = stop
    yield from _words(fix[place:])


def _end_of_command(plain: str, start: re.Match[str]) -> int:
    end = _END.search(plain, start.end())
    return end.start() if end else len(plain)


def _end_of_document(fix: str, start: re.Match[str]) -> int | None:
    """None where the brace begins no JSON."""
    try:
        return json.JSONDecoder().raw_decode(fix, start.start())[1]
    except ValueError:
        return None


def _words(text: str) -> Iterator[Step]:
    words = text.strip(_AROUND)
    if words.startswith("(") and words.find(")") in {-1, len(words) - 1}:
        words = words.strip("()")
    words = words.removeprefix(")").removeprefix(". ").strip(_AROUND)
    if any(map(str.isalnum, words)):
        yield Step(words, is_copied=False)
