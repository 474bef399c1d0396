"""Condition keys that a direct call of PutKeyPolicy never has, so that conditions on them are decided.

Source: KMS Developer Guide, conditions-kms: the operations that each key belongs to, and that kms:ViaService is absent
when the principal calls KMS itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.key_policies.statements import PUT_KEY_POLICY, covers_action, has_effect
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Policy, Statement

# They describe the key, and every operation on it has them, whatever the reference lists for PutKeyPolicy.
_OF_THE_KEY = frozenset(
    {
        "kms:calleraccount",
        "kms:customermasterkeyspec",
        "kms:customermasterkeyusage",
        "kms:keyorigin",
        "kms:keyspec",
        "kms:keyusage",
        "kms:multiregion",
        "kms:multiregionkeytype",
        "kms:resourcealiases",
    }
)
_VIA = "kms:viaservice"


def is_never_sent(key: str) -> bool:
    """Whether the request never has the key: one of other operations, or of calls through a service."""
    name = key.lower()
    if not name.startswith("kms:") or name in _OF_THE_KEY:
        return False
    known = catalog().service("kms")
    action = known.actions.get(PUT_KEY_POLICY.partition(":")[2].lower()) if known else None
    own = {listed.lower() for listed in action.condition_keys} if action else {name}
    return name == _VIA or name not in own


def never_met(statement: Statement) -> str:
    """The key of a condition that a PutKeyPolicy request never meets; empty if there is none."""
    return next(
        (c.key.value for c in statement.conditions if is_never_sent(c.name) and _needs_key(c)), ""
    )


def never_met_in(policy: Policy) -> Iterator[Statement]:
    """The statements that would allow kms:PutKeyPolicy if such a condition could be met."""
    for statement in policy.statements:
        manages = covers_action(statement, PUT_KEY_POLICY)
        if statement.allows and has_effect(statement) and manages and never_met(statement):
            yield statement


def _needs_key(condition: Condition) -> bool:
    present = condition.base == "Null" and [v.value.lower() for v in condition.values] == ["false"]
    return condition.demanded or present
