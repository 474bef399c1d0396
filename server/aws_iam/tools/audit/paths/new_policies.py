"""A new managed policy with any document, under a name that a condition on the policy allows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.actor import Actor

CREATE_POLICY = "iam:CreatePolicy"
_MOST_NAMES = 10


def new_policies(actor: Actor, values: Iterable[str]) -> Iterator[tuple[str, Access]]:
    """The policies that a principal may create, named as the values of a condition ask for it."""
    if not actor.takes(CREATE_POLICY):
        return
    start = f"arn:{actor.partition}:iam::{actor.account}:policy/"
    filled = (
        own.replace("*", "a-new-policy").replace("?", "x")
        for own in (*values, *actor.patterns(CREATE_POLICY))
    )
    named = dict.fromkeys(own for own in filled if own.startswith(start))
    for arn in islice((*named, f"{start}a-new-policy"), _MOST_NAMES):
        if arn not in actor.entities.number:
            access = actor.proof(CREATE_POLICY, arn)
            if access.is_possible:
                yield arn, access
