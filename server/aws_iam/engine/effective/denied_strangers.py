"""What a policy allows everyone and denies strangers again: its Denies leave in only callers with fixed values.

denials = denied_to_strangers(policy)
is_taken_back(denials, allow)   →   whether they deny strangers each action of the Allow on each of its resources
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.effective.caller_conditions import is_fixed
from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Condition, Policy, Principal, Statement

_IS_SERVICE = "aws:principalisawsservice"
_EVERYTHING = ("*",)


def is_denied_to_strangers(policy: Policy, allow: Statement) -> bool:
    """Whether Denies of the policy deny strangers what the Allow allows everyone."""
    return is_taken_back(denied_to_strangers(policy), allow)


def denied_to_strangers(policy: Policy) -> tuple[Statement, ...]:
    """The statements that deny something to every stranger: to all callers, or to all but some with fixed values."""
    return tuple(filter(_denies_strangers, policy.statements))


def is_taken_back(denials: Sequence[Statement], allow: Statement) -> bool:
    """Whether these Deny statements cover each action of the Allow on each resource that it can be about."""
    if not denials:
        return False
    by_action = dict.fromkeys(allow.action_words or _EVERYTHING, 0)
    by_resource = dict.fromkeys(allow.resource_words or _EVERYTHING, 0)
    # Each Deny is one bit of the actions and of the resources that it covers.
    for number, deny in enumerate(denials):
        actions = [action for action in by_action if _takes_action(deny, action)]
        resources = [own for own in by_resource if _takes_resource(deny, own)] if actions else ()
        if len(actions) == len(by_action) and len(resources) == len(by_resource):
            return True
        for action in actions:
            by_action[action] |= 1 << number
        for resource in resources:
            by_resource[resource] |= 1 << number
    return not any(
        _may_be_about(action, resource)
        for action, denying in by_action.items()
        for resource, also_denying in by_resource.items()
        if not denying & also_denying
    )


def _denies_strangers(statement: Statement) -> bool:
    return (
        statement.denies
        and (
            any(principal.is_everyone for principal in statement.principals)
            or _spares_known_callers(statement.not_principals)
        )
        and all(map(_is_met_by_strangers, statement.conditions))
    )


def _spares_known_callers(not_principals: Sequence[Principal]) -> bool:
    """Whether NotPrincipal lists accounts, users, roles and services alone; an identity provider may be shared."""
    return bool(not_principals) and all(
        principal.type in {"AWS", "Service"} and not principal.is_everyone
        for principal in not_principals
    )


def _is_met_by_strangers(condition: Condition) -> bool:
    """Whether every stranger meets the condition of a Deny, anonymous callers, whose requests lack most keys, too."""
    if condition.name == _IS_SERVICE:
        wanted = [value.value.lower() for value in condition.values]
        return condition.base == "Bool" and condition.if_exists and wanted == ["false"]
    return (
        condition.negated
        and condition.qualifier != "ForAnyValue"
        and bool(condition.values)
        and all(is_fixed(condition.name, value.value) for value in condition.values)
    )


def _may_be_about(action: str, resource: str) -> bool:
    """Whether the action may be asked for on the resource: `s3:GetObject` is about no bucket."""
    known = catalog().action(action) if is_literal(action) else None
    return known is None or may_be_asked(known.full_name, resource)


def _takes_action(deny: Statement, action: str) -> bool:
    if deny.action_words:
        return any(covers(own, action, ignore_case=True) for own in deny.action_words)
    return _lies_outside(deny.not_action_words, action, ignore_case=True)


def _takes_resource(deny: Statement, resource: str) -> bool:
    """A statement without resources is about the one that has the policy."""
    if deny.resource_words:
        return any(covers(own, resource) for own in deny.resource_words)
    return _lies_outside(deny.not_resource_words, resource, ignore_case=False)


def _lies_outside(excepted: Iterable[str], text: str, *, ignore_case: bool) -> bool:
    return not any(intersects(own, text, ignore_case=ignore_case) for own in excepted)
