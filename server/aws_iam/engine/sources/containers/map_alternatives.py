"""The entries of a CloudFormation mapping among which `Fn::FindInMap` chooses at deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.alternatives import alternative
from aws_iam.engine.sources.containers.placeholders import is_function
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.parsing.json_nodes import Node

_KEYS = 3


def map_alternatives(
    template: Node, arguments: Sequence[Node], keys: Sequence[Node | None], *, is_known: bool
) -> Iterator[Alternative]:
    """Each entry that the call may return; a key that a function returns, such as `Ref`, may be any other one.

    `is_known`: all of the keys are texts that the template says.
    """
    section = template.member("Mappings")
    open_ = [own for own in arguments[:_KEYS] if is_function(own)]
    if section is None or not open_:
        return
    what = f"a value chosen by {joined([quoted(_named(own)) for own in open_])}"
    entries: list[tuple[tuple[str, ...], Node]] = [((), section)]
    for written, key in zip(arguments, keys, strict=False):
        entries = [
            ((*path, member.key), member.value)
            for path, node in entries
            for member in node.members
            if is_function(written) or (key is not None and member.key == key.text)
        ]
    chosen = tuple(key.text if key else "" for key in keys)
    at, chooser = _chooser(arguments)
    allowed = _allowed(template, chooser)
    for path, value in entries:
        if allowed and path[at : at + 1] not in allowed:
            continue
        yield alternative(
            what,
            "/".join(path),
            canonical(value),
            is_read=path == chosen,
            chooser=chooser,
            keys=path[at : at + 1],
        )
    for otherwise in arguments[_KEYS:]:
        is_read = is_known and chosen not in [path for path, _ in entries]
        own = canonical(otherwise)
        yield alternative(what, "else", own, is_read=is_read, chooser=chooser)


def _allowed(template: Node, parameter: str) -> frozenset[tuple[str, ...]]:
    """The values that a parameter may have; none where it may have any."""
    section = template.member("Parameters")
    own = section.member(parameter) if section and parameter else None
    listed = own.member("AllowedValues") if own else None
    return frozenset((value.text,) for value in listed.listed()) if listed else frozenset()


def _chooser(arguments: Sequence[Node]) -> tuple[int, str]:
    """The parameter that alone is one of the keys, and which; an empty name where something else chooses."""
    open_ = [(at, own) for at, own in enumerate(arguments[:_KEYS]) if is_function(own)]
    at, function = open_[0]
    name = function.member("Ref")
    return at, name.text if name and len(open_) == 1 else ""


def _named(function: Node) -> str:
    """What a function takes: the name of a parameter, or else its own name."""
    member = function.members[0]
    return member.value.text or member.key
