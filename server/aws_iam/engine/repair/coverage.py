"""Whether statements, and what was asked, apply together wherever a statement does, as their lists of actions and resources say.

What is left of a statement beside another one are its other actions, and the actions of both on its other resources. Where nothing
is left beside all of them, it is within them, which takes no search. The sets here are at least what is left, so that a yes is
true; where entries overlap that neither takes all of the other, the answer may be a no that is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.repair.requirements import EVERYWHERE, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from aws_iam.engine.repair.requirements import Cell

_MOST_PIECES = 50
_MOST_COMPARED = 200_000
_COLONS = 5
_OF_CALLERS = ("Principal", "NotPrincipal")
# In the policy of a key a statement without Resource has no effect.
_OF_KEYS = "kms:*"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that entries match, all without them, but for those that others match."""

    among: tuple[str, ...] = (EVERYWHERE,)
    without: tuple[str, ...] = ()

    @property
    def are_none(self) -> bool:
        """Whether nothing is left."""
        return not self.among

    def minus(self, other: Texts) -> Texts:
        """At least what the other one, which lists what it takes or what it does not, does not have."""
        if other.without:
            return self.both(Texts(among=other.without))
        left = _outside(self.among, other.among)
        return Texts(among=left, without=(*self.without, *other.among) if left else ())

    def both(self, other: Texts) -> Texts:
        """At least what both have."""
        without = (*self.without, *other.without)
        others = _outside(other.among, without)
        return Texts(among=_outside(_shared(self.among, others), without), without=without)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of actions, in lower case, and resources that a statement applies to."""

    actions: Texts
    resources: Texts

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> Pairs | None:
        """Those of a statement; None where the texts do not show what it applies to."""
        actions, resources = _texts(statement, "Action"), _texts(statement, "Resource")
        if actions is None or resources is None:
            return None
        named, placed = ((*own.among, *own.without) for own in (actions, resources))
        if not (all(map(_is_action, named)) and all(map(_is_plain, placed))):
            return None
        return cls(actions=actions, resources=resources)

    @property
    def size(self) -> int:
        """The number of entries."""
        return sum(len((*own.among, *own.without)) for own in (self.actions, self.resources))

    def beside(self, other: Pairs) -> Iterator[Pairs]:
        """What is left without those of another one."""
        actions = self.actions.both(other.actions)
        if actions.are_none or self.resources.both(other.resources).are_none:
            yield self
            return
        others = self.actions.minus(other.actions)
        if not others.are_none:
            yield Pairs(actions=others, resources=self.resources)
        elsewhere = self.resources.minus(other.resources)
        if not elsewhere.are_none:
            yield Pairs(actions=actions, resources=elsewhere)


def is_covered(statement: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> bool:
    """Whether each pair of a statement is one of the others, whose principals and conditions let in whoever its own do."""
    whole = Pairs.of(statement)
    if whole and (whole.actions.are_none or whole.resources.are_none):
        return True
    left = [whole] if whole else None
    compared = 0
    for other in others:
        taken = Pairs.of(other)
        if left is None or len(left) > _MOST_PIECES or compared > _MOST_COMPARED:
            return False
        if taken:
            compared += taken.size * sum(own.size for own in left)
            left = [piece for own in left for piece in own.beside(taken)]
        if not left:
            return True
    return False


def statements_for(asked: Iterable[Cell]) -> Iterator[dict[str, Any]]:
    """Few statements with the pairs of what was asked, without callers."""
    by_action: dict[str, dict[str, None]] = {}
    for cell in asked:
        by_action.setdefault(cell.action.lower(), {})[cell.resource] = None
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for action, resources in by_action.items():
        by_resources.setdefault(tuple(resources), []).append(action)
    for resources_, actions in by_resources.items():
        yield {"Action": actions, "Resource": list(resources_)}


def _texts(statement: Mapping[str, Any], name: str) -> Texts | None:
    """What an element takes; None where it has no entries, or is missing where it would not stand for all."""
    if f"Not{name}" not in statement and not listed(statement.get(name)):
        return Texts() if name == "Resource" and _is_of_its_own(statement) else None
    entries = [
        text.lower() if name == "Action" else text
        for text in listed(statement.get(f"Not{name}", statement.get(name)))
    ]
    if f"Not{name}" in statement:
        return Texts(among=_outside((EVERYWHERE,), entries), without=tuple(entries))
    return Texts(among=tuple(dict.fromkeys(entries)))


def _is_of_its_own(statement: Mapping[str, Any]) -> bool:
    """Whether a statement without Resource is about the resource that has the policy, as in the trust policy of a role."""
    actions = listed(statement.get("Action"))
    return (
        "Resource" not in statement
        and any(name in statement for name in _OF_CALLERS)
        and bool(actions)
        and not any(intersects(own, _OF_KEYS, ignore_case=True) for own in actions)
    )


def _is_action(entry: str) -> bool:
    """Whether an entry takes the actions that its text matches: without a service it takes none."""
    return ":" in entry or entry == EVERYWHERE


def _is_plain(resource: str) -> bool:
    """Whether a resource stands for what its text matches: not one of an API by its path, or an ARN that is filled up."""
    return resource.startswith("*") or (
        resource.startswith("arn:") and resource.count(":") >= _COLONS
    )


def _outside(entries: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The entries that no other one takes all of."""
    exact, wide = _by_width(others)
    return tuple(own for own in entries if own not in exact and not _is_taken(own, wide))


def _shared(entries: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Entries for at least what entries of both match."""
    exact, wide = _by_width(others)
    found: dict[str, None] = {}
    for own in entries:
        if own in exact or _is_taken(own, wide):
            found[own] = None
            continue
        met = [o for o in (others if _is_wide(own) else wide) if _may_meet(own, o)]
        # What is not within the entry is not cut to what both match: the whole entry stands for it.
        found |= dict.fromkeys(met if all(_takes(own, o) for o in met) else (own,))
    return tuple(found)


def _by_width(entries: Sequence[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    return frozenset(entries), tuple(own for own in entries if _is_wide(own))


def _is_wide(entry: str) -> bool:
    return not is_literal(entry) or "${" in entry


def _is_taken(entry: str, wide: Iterable[str]) -> bool:
    return any(_takes(other, entry) for other in wide)


def _takes(entry: str, other: str) -> bool:
    """Whether an entry takes all that another one does, whatever its variables stand for."""
    return entry == other or ("${" not in entry and covers(entry, without_variables(other, "*")))


def _may_meet(entry: str, other: str) -> bool:
    return intersects(without_variables(entry, "*"), without_variables(other, "*"))
