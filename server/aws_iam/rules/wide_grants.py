"""Identity policies that give an action on everything that a service keeps, future things included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.pattern import matches
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Statement

_FIELDS = 6


@slotted
class Sought:
    """Actions, and by service what a resource pattern matches that limits no part of a name.

    `narrowing` are beginnings of condition keys, in lower case, that select some of the things.
    """

    actions: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    narrowing: tuple[str, ...]


@slotted
class WideGrant:
    """A statement that gives one of the actions on everything; the action and the resource element as they are written."""

    statement: Statement
    action: str
    resource: str


def wide_grants(statements: Sequence[Statement], sought: Sought) -> Iterator[WideGrant]:
    """The statements with such a grant that no Deny without conditions takes back, each with its first action."""
    denials = [s for s in statements if s.denies and not s.conditions]
    for statement in statements:
        # `*` is administrator access, which has findings of its own.
        if not statement.allows or "*" in statement.action_words:
            continue
        if not _is_narrowed(statement, sought):
            yield from list(_grants(statement, denials, sought))[:1]


def _grants(
    statement: Statement, denials: Sequence[Statement], sought: Sought
) -> Iterator[WideGrant]:
    for action in sought.actions:
        service = action.partition(":")[0]
        wide = _everything(statement, service, sought)
        if not wide or not _takes(statement, action):
            continue
        if not any(
            _takes(deny, action) and _everything(deny, service, sought) for deny in denials
        ):
            yield WideGrant(statement=statement, action=_entry(statement, action), resource=wide)


def _takes(statement: Statement, action: str) -> bool:
    return IndexedStatement.of(statement).takes(action.lower())


def _entry(statement: Statement, action: str) -> str:
    entries = (text for text in statement.action_words if matches(text, action, ignore_case=True))
    named = next(entries, "")
    return quoted(named) if named else f"{quoted(action)} by its `NotAction`"


def _everything(statement: Statement, service: str, sought: Sought) -> str:
    """The resource element with which the statement covers all that the service keeps; empty if it does not."""
    for text in statement.resource_words:
        if _covers_all(text, service, sought):
            return quoted(text)
    spared = statement.not_resource_words
    if spared and not any(_names_some(pattern, service) for pattern in spared):
        return "all but its `NotResource`"
    return ""


def _names_some(pattern: str, service: str) -> bool:
    """Whether the pattern can match anything of the service."""
    fields = pattern.split(":", _FIELDS - 1)
    return len(fields) < _FIELDS or matches(fields[2], service)


def _covers_all(pattern: str, service: str, sought: Sought) -> bool:
    """Whether the pattern matches every name of the service, in its Region and account."""
    fields = [*pattern.split(":", _FIELDS - 1), *[""] * _FIELDS]
    partition, region, account = (
        fields[place] if fields[place] and not set("*?$") & set(fields[place]) else example
        for place, example in ((1, "aws"), (3, "us-east-1"), (4, "111122223333"))
    )
    start = f"arn:{partition}:{service}:{region}:{account}"
    return all(matches(pattern, f"{start}:{name}") for name in sought.names[service])


def _is_narrowed(statement: Statement, sought: Sought) -> bool:
    return any(
        condition.demanded and condition.name.startswith(sought.narrowing)
        for condition in statement.conditions
    )
