"""What changes alike in several root folders of Terraform, as one: a module that many call is compared, and told, once.

pairs_together(pairs, roots)       →   PolicyPair(name="envs/dev and envs/prod module.app.aws_iam_role_policy.p.policy", …), …
changes_together(changes, roots)   →   the same for what was not judged
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.comparison.sides.root_names import root_of
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.sides.policy_pairs import PolicyPair
    from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
    from aws_iam.engine.language.document import Policy

_Own = TypeVar("_Own")
_SHOWN = 5


def pairs_together(pairs: Sequence[PolicyPair], roots: Collection[str]) -> tuple[PolicyPair, ...]:
    """The pairs; those of one module in several root folders as one, where both versions are the same documents there."""

    def key(pair: PolicyPair, rest: str) -> Hashable:
        was = root_of(pair.was, roots)[1]
        documents = (_identity(pair.document), _identity(pair.baseline))
        limits = [own and _identity(own.policies) for own in (pair.limit, pair.former_limit)]
        return rest, pair.change, was, pair.is_limit, documents, *limits

    return tuple(
        replace(
            own[0],
            name=name,
            parts=tuple(part for pair in own for part in pair.parts),
            namesakes=tuple(pair.name for pair in own),
            limited=tuple(policy for pair in own for policy in pair.limited),
        )
        if name
        else own[0]
        for name, own in _together(pairs, roots, lambda pair: pair.name, key)
    )


def _identity(policies: Iterable[Policy]) -> tuple[int, ...]:
    # The side has one document for all of the root folders.
    return tuple(id(own.node) if own.statements else 0 for own in policies)


def changes_together(
    changes: Iterable[UnjudgedChange], roots: Collection[str]
) -> Iterator[UnjudgedChange]:
    """The changes that were not judged; what is said alike of several root folders, once."""

    def key(own: UnjudgedChange, rest: str) -> Hashable:
        root, _ = root_of(own.place, roots)
        kinds = (own.widens, own.narrows, own.is_certain, own.is_setting)
        return rest, own.says.replace(f"{root} ", "") if root else own.says, *kinds

    for name, own in _together(tuple(changes), roots, lambda change: change.place, key):
        first = own[0]
        root, rest = root_of(first.place, roots)
        if not name:
            yield first
            continue
        start = name.removesuffix(rest)
        says = first.says.replace(f"{root} ", start) if root else first.says
        places = tuple(change.place for change in own)
        yield replace(first, place=name, says=says, namesakes=places)


def _together(
    listed: Sequence[_Own],
    roots: Collection[str],
    name_of: Callable[[_Own], str],
    key: Callable[[_Own, str], Hashable],
) -> Iterator[tuple[str, list[_Own]]]:
    """What is alike but for its root folder, with a name that has all of these; empty where it is one."""
    groups: dict[Hashable, list[tuple[str, _Own]]] = {}
    for number, own in enumerate(listed):
        root, rest = root_of(name_of(own), roots)
        groups.setdefault(key(own, rest) if root else number, []).append((root, own))
    for group in groups.values():
        together = [own for _, own in group]
        _, rest = root_of(name_of(together[0]), roots)
        folders = joined([root for root, _ in group], shown=_SHOWN)
        yield (f"{folders} {rest}" if len(group) > 1 else ""), together
