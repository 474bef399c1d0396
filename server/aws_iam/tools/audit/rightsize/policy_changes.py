"""What becomes of each policy: smaller where it is, a smaller copy for those who can spare the rest, or none.

A policy serves its holders together. It is changed where it is only if of all of them it is known what they use; else those
of whom it is known get a copy, and the others keep it.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.reference.policy_quotas import INLINE, MANAGED, size
from aws_iam.frozen import slotted
from aws_iam.tools.audit.rightsize.smaller_policy import (
    PolicyNeed,
    smaller_policy,
    written_policy,
)
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.tools.audit.rightsize.action_sets import ActionSets
    from aws_iam.tools.audit.rightsize.policies_in_use import Entity, PolicyInUse
    from aws_iam.tools.audit.rightsize.recorded_use import KeptAccess

Change = Literal["keep", "put", "version", "replace", "remove"]
"""`put` an inline policy, a new `version` of a customer managed one, `replace` it for some by a copy, `remove` it from some."""
_LONGEST_NAME = 128
_SUFFIX = "-rightsized"


@slotted
class PolicyChange:
    """What becomes of a policy for some of its entities; the others keep it."""

    policy: PolicyInUse
    change: Change
    entities: tuple[Entity, ...] = ()
    document: Mapping[str, Any] | None = None
    why: str = ""
    """Why it stays, or why it is not as small as it could be."""
    is_own: bool = False
    """Whether it is for one principal alone, because the others need what that one does not."""
    leaves: Entity | None = None
    """The group that this one leaves: its policies stay with the others."""

    @property
    def is_inline(self) -> bool:
        """Whether an inline policy changes where it is."""
        return self.policy.is_inline and self.leaves is None

    def is_for(self, entity: Entity) -> bool:
        """Whether who has the policy by this entity loses it, or has it changed."""
        return self.change != "keep" and (entity in self.entities or entity == self.leaves)

    @property
    def concerned(self) -> frozenset[str]:
        """The users and roles, by their ARNs, for whom something changes."""
        if self.leaves:
            return frozenset(entity.arn for entity in self.entities)
        return frozenset(arn for entity in self.entities for arn in self.policy.members[entity])

    @property
    def copy_name(self) -> str:
        """The name of the copy that replaces it."""
        end = f"-{self.entities[0].name}{_SUFFIX}" if self.is_own else _SUFFIX
        name = f"{self.leaves.name}-{self.policy.name}" if self.leaves else self.policy.name
        return f"{name[: _LONGEST_NAME - len(end)]}{end}"


def policy_change(
    policy: PolicyInUse, kept: Mapping[str, KeptAccess], inline_beside: int, sets: ActionSets
) -> PolicyChange:
    """The change of a policy; `kept` has those, by their ARNs, of whom it is known what they use."""
    able = tuple(
        entity
        for entity in policy.entities
        if policy.members[entity] and all(arn in kept for arn in policy.members[entity])
    )
    if not able:
        return PolicyChange(policy=policy, change="keep", why=_who_is_in_the_way(policy, kept))
    in_place = able == policy.entities and not policy.is_of_aws and not policy.is_boundary
    whose = dict.fromkeys(arn for entity in able for arn in policy.members[entity])
    need = _together(kept[arn] for arn in whose)
    small = smaller_policy(policy.text, need, sets, _quota(policy, inline_beside))
    if small.is_same:
        return PolicyChange(policy=policy, change="keep", why="its holders need all of it")
    if not small.fits:
        return PolicyChange(
            policy=policy, change="keep", why="a smaller one would be longer than AWS allows"
        )
    return PolicyChange(
        policy=policy,
        change=_change(policy, in_place=in_place, is_empty=small.document is None),
        entities=able,
        document=small.document,
        why="single actions of used services were left: a list of them would be longer than AWS allows"
        if small.by_service
        else "",
    )


def own_copy(
    policy: PolicyInUse,
    entity: Entity,
    access: KeptAccess,
    sets: ActionSets,
    leaves: Entity | None = None,
) -> PolicyChange | None:
    """The change that replaces a policy by a smaller copy for one principal; None if there is none that is short enough.

    Who leaves a group needs a copy of each of its policies; else one that is not smaller is none.
    """
    small = smaller_policy(policy.text, _together((access,)), sets, MANAGED)
    if not small.fits or (small.is_same and not leaves):
        return None
    others = "the others that it serves need what this one does not"
    return PolicyChange(
        policy=policy,
        change="remove" if small.document is None else "replace",
        entities=(entity,),
        document=small.document,
        why=f"it leaves group {leaves.name}: {others}, or their use is not known"
        if leaves
        else others,
        is_own=True,
        leaves=leaves,
    )


def inline_lengths(policies: Iterable[PolicyInUse]) -> dict[str, int]:
    """The characters of all inline policies of each entity, by its ARN."""
    found: dict[str, int] = {}
    for policy in policies:
        if policy.is_inline:
            arn = policy.entities[0].arn
            found[arn] = found.get(arn, 0) + size(written_policy(policy.text))
    return found


def _quota(policy: PolicyInUse, inline_beside: int) -> int:
    if not policy.is_inline:
        return MANAGED
    return max(INLINE[policy.entities[0].kind] - inline_beside, 0)


def _change(policy: PolicyInUse, *, in_place: bool, is_empty: bool) -> Change:
    if is_empty:
        return "remove"
    if policy.is_inline:
        return "put"
    return "version" if in_place else "replace"


def _together(holders: Iterable[KeptAccess]) -> PolicyNeed:
    every = tuple(holders)
    return PolicyNeed(
        kept=reduce(lambda kept, holder: kept | holder.kept, every, 0),
        dropped_services=frozenset.intersection(*(holder.dropped_services for holder in every)),
        newer_services=frozenset().union(*(holder.newer_services for holder in every)),
    )


def _who_is_in_the_way(policy: PolicyInUse, kept: Mapping[str, KeptAccess]) -> str:
    others: Sequence[str] = [arn for arn in policy.serves if arn not in kept]
    return f"it serves {counted(len(others), 'principal')} whose use is not known or that stays as it is"
