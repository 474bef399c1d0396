"""Actions that a statement names in vain: a condition demands a key that their requests never have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.reference import global_keys
from aws_iam.engine.reference.supply import supplying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.reference.catalog import Action

# They speak of the role that is passed; another action of the statement has no such role.
_OF_PASSING = frozenset({"iam:passedtoservice", "iam:associatedresourcearn"})
# AWS's own policies limit actions of this service by keys that its reference does not give them.
_ILL_LISTED = frozenset({"aws-marketplace"})
_STEPS_OF_A_KEY = 100


def unmet(
    statement: Statement, named: Mapping[str, Action], spend: Callable[[int], None]
) -> dict[str, str]:
    """The actions, by full name in lower case, whose requests never have a demanded key, with that key.

    Keys of the action's own service only: what other services add to a request is not told by the reference.
    """
    found: dict[str, str] = {}
    for condition, having in _judged(statement, spend):
        spend(len(named))
        prefix = condition.name.partition(":")[0]
        everywhere = condition.name in _OF_PASSING
        for name, action in named.items():
            if (everywhere or action.service == prefix) and name not in having:
                found.setdefault(name, condition.key.value)
    return found


def _judged(
    statement: Statement, spend: Callable[[int], None]
) -> Iterator[tuple[Condition, frozenset[str]]]:
    """The conditions that demand a service's key, and the actions that have it."""
    for condition in statement.conditions:
        prefix = condition.name.partition(":")[0]
        if condition.demanded and prefix != "aws" and prefix not in _ILL_LISTED:
            spend(_STEPS_OF_A_KEY + len(condition.name))
            having = supplying(prefix, condition.name)
            # Keys of sessions are in the requests of every service, and of an unknown key nothing is known.
            if having and global_keys.find(condition.name) is None:
                yield condition, having
