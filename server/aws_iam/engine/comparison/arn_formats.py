"""The ARN formats that an action is authorized on, in each partition: as patterns of possible ARNs and as examples.

formats_for("s3:GetObject", [clause])   →   ("arn:aws:s3:::${BucketName}/${ObjectName}", …)
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
# The format of an action that the reference lacks.
_ANY = "arn:${Partition}:*:*:*:*"


def formats_for(action: str, limited: Sequence[Clause]) -> tuple[str, ...]:
    """The ARN formats that the action is authorized on, in each partition that the statements distinguish."""
    fields = tuple(
        dict.fromkeys(
            text.split(":", 2)[1]
            for clause in limited
            for text in clause.resources or ()
            if text.startswith("arn:")
        )
    )
    negated = any(clause.not_resources for clause in limited)
    alike: dict[tuple[bool, ...], str] = {}
    for partition in PARTITIONS if fields not in {(), ("aws",)} or negated else ("aws",):
        named = tuple(matches(field, partition) for field in fields)
        # NotResource excludes an ARN in one partition and not in another.
        if any(named) or partition == "aws" or negated:
            alike.setdefault(named, partition)
    partitions = set(alike.values())
    return tuple(
        template.replace("${Partition}", partition)
        for template in _formats_of_action(action)
        for partition in sorted(partitions)
    )


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


# Without the memo a comparison takes 1.1 times as long.
@lru_cache(maxsize=50_000)
def may_match_format(text: str, template: str) -> bool:
    """Whether a resource pattern can match an ARN of a format; looks only at partition and service."""
    mine, theirs = text.split(":", _SERVICE + 1), template.split(":", _SERVICE + 1)
    if len(mine) <= _SERVICE + 1:
        return True
    return all(
        intersects(own, _HOLE.sub("*", wanted))
        for own, wanted in zip(mine[: _SERVICE + 1], theirs, strict=False)
    )


# Without the memo a comparison takes 1.1 times as long.
@lru_cache(maxsize=8_192)
def format_pattern(template: str) -> Pattern:
    """The ARNs of a format: account ids have twelve characters, bucket names no slash."""
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
        # Names and paths in IAM contain no colon.
        return Symbol.ONE_IN_FIELD, Symbol.MANY_IN_FIELD
    return Symbol.ONE, Symbol.MANY


def shortest_arn(template: str, text: str) -> str | None:
    """A shortest ARN of a format that a resource pattern matches, found by merging both; None where that fails."""
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
    """The shortest text of a format's field."""
    parts = _HOLE.split(field.replace("*", ""))
    # Every second part is the name of a placeholder.
    parts[1::2] = [
        fill * (ACCOUNT_DIGITS if part.lower() == "account" else 1) for part in parts[1::2]
    ]
    return "".join(parts)


def _expression(template: str) -> re.Pattern[str]:
    """The ARNs of a format as a regular expression; formats come from AWS's reference, never from a caller."""
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
    """A readable example ARN of a format."""
    named = template.replace("${Region}", EXAMPLE_REGION).replace("${Account}", account)
    return _HOLE.sub("example", named)
