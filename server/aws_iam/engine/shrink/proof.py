"""Whether policies together allow exactly what others allow: what a shrunk policy claims only where it is proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.compared_policy import compared_policy
from aws_iam.engine.comparison.sides.policy_pairs import PolicyPair

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy


def are_equal(policies: tuple[Policy, ...], others: tuple[Policy, ...]) -> bool:
    """Whether a search in both directions proves that no request tells them apart."""
    pair = PolicyPair(name="", change="changed", document=policies, baseline=others)
    return compared_policy(pair, others).comparison.relation == "equal"
