"""What one policy allows of some actions of IAM, its own Denies taken off: on which resources, and by which entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.caller_conditions import is_demanded
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import covers, intersects, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.language.document import Condition, Policy, Statement, Text

# Allows are compared with Denies resource by resource; what IAM takes has far fewer of them. Beyond, nothing is said.
_MOST_STATEMENTS = 100
_MOST_RESOURCES = 200
_MOST_ENTRIES = 2_000


@slotted
class Grant:
    """An Allow of an action: the entry that names it, and the resources that the action works on."""

    statement: Statement
    entry: Text
    resources: tuple[str, ...]


@slotted
class _Spoken:
    """Where a policy speaks of an action."""

    allows: tuple[Grant, ...]
    denies: tuple[Statement, ...]


@slotted
class Grants:
    """The Allows and Denies of some actions in one policy."""

    spoken: Mapping[str, _Spoken]

    @classmethod
    def of(cls, policy: Policy, actions: Mapping[str, str]) -> Grants | None:
        """Those of the actions, each given with the pattern of its resources' ARNs; None for a policy too long to compare."""
        statements = policy.statements
        if (
            len(statements) > _MOST_STATEMENTS
            or _count(statements, lambda statement: statement.resources) > _MOST_RESOURCES
            or _count(statements, lambda statement: (*statement.actions, *statement.not_actions))
            > _MOST_ENTRIES
        ):
            return None
        return cls(spoken={name: _spoken(policy, name, arns) for name, arns in actions.items()})

    def allowing(self, action: str) -> tuple[Grant, ...]:
        """Every Allow of the action."""
        return self.spoken[action].allows

    def is_denied(
        self, action: str, resources: tuple[str, ...], holds: Callable[[Condition], bool]
    ) -> bool:
        """Whether a Deny, all of whose conditions hold, takes the action on all the resources away."""
        return any(
            all(map(holds, deny.conditions))
            and all(any(covers(wide.value, one) for wide in deny.resources) for one in resources)
            for deny in self.spoken[action].denies
        )


def spares_some(condition: Condition) -> bool:
    """Whether the condition of a Deny exempts principals by name: administrators, most likely."""
    return condition.negated and condition.name.startswith("aws:principal")


def demands(statement: Statement, key: str) -> bool:
    """Whether a request must have one of the values that the statement gives the key."""
    return any(map(is_demanded, statement.conditions_on(key)))


def entry_of(statement: Statement, action: str) -> Text | None:
    """The entry by which the statement speaks of the action; with NotAction, its first one."""
    for entry in statement.actions:
        if matches(entry.value, action, ignore_case=True):
            return entry
    if any(
        matches(excluded.value, action, ignore_case=True) for excluded in statement.not_actions
    ):
        return None
    return next(iter(statement.not_actions), None)


def _spoken(policy: Policy, action: str, arns: str) -> _Spoken:
    allows, denies = [], []
    for statement in policy.statements:
        entry = entry_of(statement, action)
        if entry and statement.denies:
            denies.append(statement)
        elif entry and statement.allows:
            # Without Resource there is NotResource, which leaves nearly all of them.
            named = (resource.value for resource in statement.resources)
            found = tuple(arn for arn in named if intersects(arn, arns))
            if found or not statement.resources:
                allows.append(Grant(statement=statement, entry=entry, resources=found or (arns,)))
    return _Spoken(allows=tuple(allows), denies=tuple(denies))


def _count(
    statements: tuple[Statement, ...], parts: Callable[[Statement], tuple[Text, ...]]
) -> int:
    return sum(len(parts(statement)) for statement in statements)


def grouped(found: Iterator[tuple[Grant, str]]) -> Iterator[tuple[Text, str]]:
    """One row for each entry, with all its actions in words."""
    by_entry: dict[str, tuple[Text, list[str]]] = {}
    for grant, action in found:
        row = by_entry.setdefault(grant.entry.where.pointer, (grant.entry, []))
        row[1].append(f"`{action}`")
    for entry, actions in by_entry.values():
        yield entry, " and ".join(actions)
