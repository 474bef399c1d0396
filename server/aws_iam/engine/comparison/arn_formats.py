"""The ARN formats that an action is authorized on, in each partition: as patterns of possible ARNs and as examples.

formats_for("s3:GetObject", [clause])   →   ("arn:aws:s3:::${BucketName}/${ObjectName}", …)
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.comparison.automaton import (
    DIGITS,
    LETTERS,
    Pattern,
    Symbol,
    Token,
    unnamed,
)
from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import intersects, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.corrections import unlisted_formats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause

EXAMPLE_REGION = "us-east-1"
ACCOUNT_DIGITS = 12

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_LAST_FIELD = 5
_SERVICE = 2
_ACCOUNT = frozenset({"account", "accountid", "managementaccountid", "memberaccountid"})
# A path and a name, such as of a role: it ends without a slash.
_WITH_PATH = "withpath"
_BUCKET = "bucketname"
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
    partitions = _partitions(fields, negated=negated)
    return tuple(
        template.replace("${Partition}", partition)
        for template in _formats_of_action(action)
        for partition in partitions
    )


# One search asks for thousands of actions with the same few statements: it takes 1.4 times as long without.
@lru_cache(maxsize=1024)
def _partitions(fields: tuple[str, ...], *, negated: bool) -> tuple[str, ...]:
    """One partition for each set of these fields of ARN patterns that match it."""
    alike: dict[tuple[bool, ...], str] = {}
    for partition in PARTITIONS if fields not in {(), ("aws",)} or negated else ("aws",):
        named = tuple(matches(field, partition) for field in fields)
        # NotResource excludes an ARN in one partition and not in another.
        if any(named) or partition == "aws" or negated:
            alike.setdefault(named, partition)
    return tuple(sorted(alike.values()))


def by_length(templates: Iterable[str]) -> list[str]:
    """The formats, shortest first; the one for any ARN last."""
    return sorted(templates, key=lambda template: (template.endswith(_ANY[-8:]), len(template)))


@memo_of_reference(20_000)
def _formats_of_action(action: str) -> tuple[str, ...]:
    known = catalog().action(action)
    service = catalog().service(action.partition(":")[0])
    if known is None or service is None:
        # An action that is not known yet works on the service's resources, or on new ones.
        types = service.resource_types.values() if service else ()
        return (*dict.fromkeys(form for type_ in types for form in type_.arn_formats), _ANY)
    found: dict[str, None] = {}
    for name in known.resource_types:
        type_ = service.resource_types.get(name.lower())
        for form in type_.arn_formats if type_ else ():
            found |= dict.fromkeys((form, *_qualified(form)))
    return tuple(found) or unlisted_formats(action)


# Most actions of a statement are of the same few types.
@memo_of_reference(50_000)
def may_be_asked(action: str, text: str) -> bool:
    """Whether a request for the action can be about a resource that a pattern matches."""
    formats = _formats_of_action(action)
    known = catalog().action(action)
    if matches(text, "*") and (known is None or not known.required):
        return True
    own = without_variables(text, "*")
    return any(
        may_match_format(own, template) and _fields_meet(own, _HOLE.sub("?*", template))
        for template in formats
    )


def _fields_meet(text: str, form: str) -> bool:
    mine, theirs = text.split(":", _LAST_FIELD), form.split(":", _LAST_FIELD)
    if len(mine) <= _LAST_FIELD:
        return intersects(text, form)
    return all(map(intersects, mine, theirs))


# Without the memo a comparison takes 1.1 times as long.
@lru_cache(maxsize=50_000)
def may_match_format(text: str, template: str) -> bool:
    """Whether a resource pattern can match an ARN of a format; looks only at partition, service and bucket names."""
    mine, theirs = text.split(":", _LAST_FIELD), template.split(":", _LAST_FIELD)
    if len(mine) <= _SERVICE + 1:
        return True
    if len(mine) == len(theirs) and mine[-1].count("/") > _most_slashes(theirs[-1]):
        return False
    return all(
        intersects(own, _HOLE.sub("*", wanted))
        for own, wanted in zip(mine[: _SERVICE + 1], theirs, strict=False)
    )


def _most_slashes(resource: str) -> float:
    """The number of slashes in the resources of a format: bucket names have none, other names may."""
    only_buckets = all(name.lower() == _BUCKET for name in _HOLE.findall(resource))
    return resource.count("/") if only_buckets and "*" not in resource else inf


# Without the memo a comparison takes 1.1 times as long.
@lru_cache(maxsize=8_192)
def format_pattern(template: str) -> Pattern:
    """The ARNs of a format: account ids have twelve digits, bucket names no slash."""
    tokens: list[Token] = []
    at = 0
    fields = 0
    for hole in _HOLE.finditer(template):
        before = template[at : hole.start()]
        fields += before.count(":")
        tokens += _plain(before)
        within = _kind_of_name(template.split(":", 3)[_SERVICE], hole[1])
        tokens += _hole(hole[1], within if fields >= _LAST_FIELD else "name")
        at = hole.end()
    return Pattern((*tokens, *_plain(template[at:])))


@cache
def _restricted_names() -> Mapping[str, Mapping[str, Any]]:
    """The services whose names have no colon, or no slash either, with the variables that may have them."""
    rows: Mapping[str, Mapping[str, Any]] = resources.data("names-without-colon.json")["services"]
    return rows


def _qualified(form: str) -> Iterator[str]:
    """The formats of a resource's name with what may follow it: a version or an alias of a function."""
    own = _restricted_names().get(form.split(":", 3)[_SERVICE], {})
    yield from (form + more for end, more in own.get("also", {}).items() if form.endswith(end))


def _kind_of_name(service: str, variable: str) -> str:
    """What stands for the variable: a name, a field with slashes, or, as the keys of S3 objects, any text."""
    own = _restricted_names().get(service)
    if own is None or variable in own.get("except", ()):
        return "resource"
    return "name" if "slash" in own and variable not in own["slash"] else "field"


def _plain(text: str) -> Iterator[Token]:
    return (Symbol.MANY if char == "*" else char for char in text)


def _hole(name: str, within: str) -> tuple[Token, ...]:
    if name.lower() in _ACCOUNT:
        return (Symbol.DIGIT,) * ACCOUNT_DIGITS
    if name.lower() == _BUCKET or within == "name":
        return Symbol.ONE_IN_NAME, Symbol.MANY_IN_NAME
    if within == "field" and name.lower().endswith(_WITH_PATH):
        return Symbol.MANY_IN_FIELD, Symbol.ONE_IN_NAME
    if within == "field":
        return Symbol.ONE_IN_FIELD, Symbol.MANY_IN_FIELD
    return Symbol.ONE, Symbol.MANY


def shortest_arn(template: str, text: str) -> str | None:
    """A shortest ARN of a format that a resource pattern matches, found by merging both; None where that fails."""
    wanted, own = template.split(":", _LAST_FIELD), text.split(":", _LAST_FIELD)
    if len(wanted) != len(own) or "?" in text:
        return None
    taking = {*text, *format_pattern(template).places.taking}
    fill = unnamed(taking, LETTERS), unnamed(taking, DIGITS)
    arn = ":".join(
        _shortest(theirs, *fill) if mine == "*" else mine.replace("*", "")
        for mine, theirs in zip(own, wanted, strict=True)
    )
    return arn if matches(text, arn) and _expression(template).fullmatch(arn) else None


def _shortest(field: str, letter: str, digit: str) -> str:
    """The shortest text of a format's field."""
    parts = _HOLE.split(field.replace("*", ""))
    # Every second part is the name of a placeholder.
    parts[1::2] = [
        digit * ACCOUNT_DIGITS if part.lower() in _ACCOUNT else letter for part in parts[1::2]
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
    Symbol.DIGIT: "[0-9]",
}


def example_arn(template: str, account: str) -> str:
    """A readable example ARN of a format."""
    named = template.replace("${Region}", EXAMPLE_REGION)
    return _HOLE.sub(lambda h: account if h[1].lower() in _ACCOUNT else "example", named)
