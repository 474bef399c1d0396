"""The actions that an access level stands for on a resource, where a requirement names a level in the place of an action.

What must be allowed is what `generate` would grant for the level; what must be denied is all that AWS counts to it, and `delete`
is whatever deletes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.generation.access_levels import LEVEL_NAMES, access_level, is_deleting
from aws_iam.engine.generation.access_needs import read_needs
from aws_iam.engine.generation.condition_limits import ConditionLimits
from aws_iam.engine.generation.plan import plan
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.requirements import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.reference.catalog import Action

DELETE = "delete"
NAMES = (*LEVEL_NAMES, DELETE)


def level_named(word: str) -> str:
    """The name of the level that a word means; empty for any other word."""
    plain = word.lower().replace("_", "-").replace(" ", "-")
    return plain if plain in NAMES else ""


def actions_of_level(level: str, resource: str, effect: Effect) -> Mapping[str, tuple[str, ...]]:
    """The actions of the level by the resource that they work on: the given one, or one that it holds."""
    found: dict[str, dict[str, None]] = {}
    if effect is Effect.ALLOW and level != DELETE:
        for own in plan(read_needs({level: [resource]}), ConditionLimits()).wanted:
            found.setdefault(own.resource, {})[own.action.full_name] = None
    else:
        names = (own.full_name for own in _working_on(resource) if _is_of(own, level))
        found[resource] = dict.fromkeys(names)
    return {own: tuple(names) for own, names in found.items() if names}


def found_of_level(level: str, policy: Policy) -> tuple[str, ...] | None:
    """The actions of the level that a policy names in an Allow, else all of its services; None where it allows those of every service."""
    allowing = [own for own in policy.statements if own.allows]
    words = [word for own in allowing for word in own.action_words]
    if any(own.not_action_words for own in allowing) or "*" in words:
        return None
    services = dict.fromkeys(f"{word.partition(':')[0]}:*" for word in words)
    return _expanded(words, level) or _expanded(services, level)


def _expanded(words: Iterable[str], level: str) -> tuple[str, ...]:
    names = dict.fromkeys(name for word in words for name in catalog().expand(word))
    known = (action for name in names if (action := catalog().action(name)))
    return tuple(action.full_name for action in known if _is_of(action, level))


def _is_of(action: Action, level: str) -> bool:
    if level == DELETE:
        return is_deleting(action)
    known = access_level(level)
    return known is not None and action.level in known.levels


def _working_on(resource: str) -> Iterator[Action]:
    arn = Arn.of(resource)
    for type_ in catalog().types_of_arn(arn) if arn else ():
        service = catalog().service(type_.service)
        for own in service.actions.values() if service else ():
            if type_.name in own.resource_types:
                yield own
