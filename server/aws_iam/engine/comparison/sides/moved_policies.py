"""Policies that go from one principal or resource to another: access of the old one is gone, the new one's is opened.

moved_policies(new, old)   →   MovedPolicy(name="BucketPolicy.PolicyDocument", was=("Logs",), now=("Secrets",))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide


@slotted
class MovedPolicy:
    """A policy that is attached to something else than before."""

    name: str
    was: tuple[str, ...]
    now: tuple[str, ...]


def moved_policies(new: NamedSide, old: NamedSide) -> Iterator[MovedPolicy]:
    """The policies that both sides have, and attach to different principals or resources."""
    now, was = (_targets(side) for side in (new, old))
    for name, own in now.items():
        before = was.get(name, {})
        gone, added = (
            tuple(target for target in targets if target not in others)
            for targets, others in ((before, own), (own, before))
        )
        if gone and added:
            yield MovedPolicy(name=name, was=gone, now=added)


def _targets(side: NamedSide) -> Mapping[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for source in side.sources:
        found.setdefault(source.name, {}).update(dict.fromkeys(source.holder.attached_to))
    for own in side.attachments:
        if own.target:
            policy = own.policy.rpartition("/")[2]
            found.setdefault(f"{own.place} ({policy})", {})[own.target] = None
    return found
