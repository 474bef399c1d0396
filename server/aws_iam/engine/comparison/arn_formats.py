"""The ARN formats of what an action is authorised on, per partition, as patterns of possible ARNs and as an example.

formats("s3:GetObject", [clause])   →   ("arn:aws:s3:::${BucketName}/${ObjectName}", …)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import LETTERS, Pattern, Symbol, Token, unnamed
from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.engine.language.pattern import intersects, matches
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.comparison.clauses import Clause

EXAMPLE_REGION = "us-east-1"
ACCOUNT_DIGITS = 12

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_LAST_FIELD = 5
_SERVICE = 2
# What an action may be authorised on that the data does not know.
_ANY = "arn:${Partition}:*:*:*:*"


def formats_for(action: str, picky: Sequence[Clause]) -> tuple[str, ...]:
    """The ARN formats of what the action is authorised on, in each partition that the statements tell apart."""
    fields = tuple(
        dict.fromkeys(
            text.split(":", 2)[1]
            for clause in picky
            for text in clause.resources or ()
            if text.startswith("arn:")
        )
    )
    negated = any(clause.not_resources for clause in picky)
    alike: dict[tuple[bool, ...], str] = {}
    for partition in PARTITIONS if fields not in {(), ("aws",)} or negated else ("aws",):
        named = tuple(matches(field, partition) for field in fields)
        # What a statement leaves out in one partition it does not in another.
        if any(named) or partition == "aws" or negated:
            alike.setdefault(named, partition)
    partitions = set(alike.values())
    return tuple(
        template.replace("${Partition}", partition)
        for template in _formats_of_action(action)
        for partition in sorted(partitions)
    )


@lru_cache(maxsize=4_096)
def _formats_of_action(action: str) -> tuple[str, ...]:
    known = catalog().action(action)
    service = catalog().service(known.service) if known else None
    if known is None or service is None:
        return (_ANY,)
    found: dict[str, None] = {}
    for name in known.resource_types:
        type_ = service.resource_types.get(name.lower())
        found |= dict.fromkeys(type_.arn_formats if type_ else ())
    return tuple(found)


@lru_cache(maxsize=50_000)
def may_match_format(text: str, template: str) -> bool:
    """Whether a resource pattern can have an ARN of a format, by partition and service alone: a quick no."""
    mine, theirs = text.split(":", _SERVICE + 1), template.split(":", _SERVICE + 1)
    if len(mine) <= _SERVICE + 1:
        return True
    return all(
        intersects(own, _HOLE.sub("*", wanted))
        for own, wanted in zip(mine[: _SERVICE + 1], theirs, strict=False)
    )


@lru_cache(maxsize=8_192)
def format_pattern(template: str) -> Pattern:
    """The ARNs of a format: accounts have twelve characters, names of buckets no slash."""
    tokens: list[Token] = []
    at = 0
    fields = 0
    for hole in _HOLE.finditer(template):
        before = template[at : hole.start()]
        fields += before.count(":")
        tokens += _plain(before)
        within = "field" if template.split(":", 3)[_SERVICE] == "iam" else "resource"
        tokens += _hole(hole[1], within if fields >= _LAST_FIELD else "name")
        at = hole.end()
    return Pattern((*tokens, *_plain(template[at:])))


def _plain(text: str) -> Iterator[Token]:
    return (Symbol.MANY if char == "*" else char for char in text)


def _hole(name: str, within: str) -> tuple[Token, ...]:
    if name.lower() == "account":
        return (Symbol.ONE_IN_NAME,) * ACCOUNT_DIGITS
    if name.lower() == "bucketname" or within == "name":
        return Symbol.ONE_IN_NAME, Symbol.MANY_IN_NAME
    if within == "field":
        # Names and paths of IAM hold no colon.
        return Symbol.ONE_IN_FIELD, Symbol.MANY_IN_FIELD
    return Symbol.ONE, Symbol.MANY


def shortest_arn(template: str, text: str) -> str | None:
    """A shortest ARN of a format that a resource pattern has, by filling the one into the other; None where that fails."""
    wanted, own = template.split(":", _LAST_FIELD), text.split(":", _LAST_FIELD)
    if len(wanted) != len(own) or "?" in text:
        return None
    taking = format_pattern(template).places.taking
    fill = unnamed({*text, *taking}, LETTERS)
    arn = ":".join(
        _shortest(theirs, fill) if mine == "*" else mine.replace("*", "")
        for mine, theirs in zip(own, wanted, strict=True)
    )
    return arn if matches(text, arn) and _expression(template).fullmatch(arn) else None


def _shortest(field: str, fill: str) -> str:
    """What a field of a format is at least."""
    parts = _HOLE.split(field.replace("*", ""))
    # Every other part is the name of a hole.
    parts[1::2] = [
        fill * (ACCOUNT_DIGITS if part.lower() == "account" else 1) for part in parts[1::2]
    ]
    return "".join(parts)


@lru_cache(maxsize=8_192)
def _expression(template: str) -> re.Pattern[str]:
    """The ARNs of a format, which is no text of a stranger's, as a regular expression."""
    parts = (
        re.escape(token) if isinstance(token, str) else _WILD[token]
        for token in format_pattern(template).tokens
    )
    return re.compile("".join(parts), re.DOTALL)


_WILD = {
    Symbol.ONE: ".",
    Symbol.MANY: ".*",
    Symbol.ONE_IN_FIELD: "[^:]",
    Symbol.MANY_IN_FIELD: "[^:]*",
    Symbol.ONE_IN_NAME: "[^:/]",
    Symbol.MANY_IN_NAME: "[^:/]*",
}


def example_arn(template: str, account: str) -> str:
    """An ARN of a format that looks like one."""
    named = template.replace("${Region}", EXAMPLE_REGION).replace("${Account}", account)
    return _HOLE.sub("example", named)
