"""What a policy allows of some IAM actions, minus its own Denies: on which resources, and by which entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.algebra.statement_sets import action_names, action_patterns
from aws_iam.engine.algebra.text_sets import Effort
from aws_iam.engine.language.pattern import covers, intersects, matches
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.language.document import Condition, Policy, Statement, Text

# Every Allow is compared with every Deny, resource by resource; delegations that people write take a hundredth of this.
_EFFORT = 20_000


@slotted
class Grant:
    """An Allow of an action: the entry that names it, and those of the resources that the action works on."""

    statement: Statement
    entry: Text
    resources: tuple[str, ...]


@slotted
class _ActionStatements:
    """The statements of a policy that allow or deny an action."""

    allows: tuple[Grant, ...]
    denies: tuple[Statement, ...]


@slotted
class Grants:
    """The Allows and Denies of some actions in one policy; what the effort does not reach counts as denied."""

    by_action: Mapping[str, _ActionStatements]
    effort: Effort

    @classmethod
    def of(cls, policy: Policy, actions: Mapping[str, str]) -> Grants:
        """The grants of these actions, each with the pattern of its resources' ARNs."""
        return cls(
            by_action={name: _statements_on(policy, name, arns) for name, arns in actions.items()},
            effort=Effort(_EFFORT),
        )

    def allowing(self, action: str) -> tuple[Grant, ...]:
        """Every Allow of the action."""
        return self.by_action[action].allows

    def denying(self, action: str) -> tuple[Statement, ...]:
        """Every Deny of the action."""
        return self.by_action[action].denies

    def is_denied(
        self, action: str, resources: tuple[str, ...], holds: Callable[[Condition], bool]
    ) -> bool:
        """Whether a Deny whose conditions all hold denies the action on all of the resources."""
        return any(
            not self.effort.spend(len(deny.conditions) + len(resources) * len(deny.resources))
            or (
                all(map(holds, deny.conditions))
                and all(
                    any(covers(denied.value, resource) for denied in deny.resources)
                    for resource in resources
                )
            )
            for deny in self.by_action[action].denies
        )


def spares_some(condition: Condition) -> bool:
    """Whether the condition of a Deny exempts some principals, most likely administrators."""
    return condition.negated and condition.name.startswith("aws:principal")


def demands(statement: Statement, key: str) -> bool:
    """Whether the statement requires a request to have one of its values for the key."""
    return any(c.demanded for c in statement.conditions_on(key))


def entry_of(statement: Statement, action: str) -> Text | None:
    """The entry of the statement that matches the action; with NotAction, the first entry."""
    name = action.lower()
    if name in action_names(statement) or any(
        matches(pattern, name) for pattern in action_patterns(statement)
    ):
        return next(
            entry for entry in statement.actions if matches(entry.value, action, ignore_case=True)
        )
    if any(
        matches(excluded.value, action, ignore_case=True) for excluded in statement.not_actions
    ):
        return None
    return next(iter(statement.not_actions), None)


def _statements_on(policy: Policy, action: str, arns: str) -> _ActionStatements:
    allows, denies = [], []
    for statement in policy.statements:
        entry = entry_of(statement, action)
        if entry and statement.denies:
            denies.append(statement)
        elif entry and statement.allows:
            resources = tuple(
                resource.value
                for resource in statement.resources
                if intersects(resource.value, arns)
            )
            # A statement without Resource has NotResource, which covers nearly all resources.
            if resources or not statement.resources:
                allows.append(
                    Grant(statement=statement, entry=entry, resources=resources or (arns,))
                )
    return _ActionStatements(allows=tuple(allows), denies=tuple(denies))


def grouped(grants: Iterator[tuple[Grant, str]]) -> Iterator[tuple[Text, str]]:
    """Each entry once, with its name: the action, or the pattern or NotAction with the actions that it grants."""
    by_entry: dict[str, tuple[Grant, list[str]]] = {}
    for grant, action in grants:
        _, actions = by_entry.setdefault(grant.entry.where.pointer, (grant, []))
        actions.append(action)
    for grant, actions in by_entry.values():
        pattern = "`NotAction`" if grant.statement.not_actions else quoted(grant.entry.value)
        granted = joined([f"`{action}`" for action in actions])
        is_action = grant.entry.value.lower() in map(str.lower, actions)
        yield grant.entry, granted if is_action else f"{pattern} ({granted})"
