"""Other calls by which identities of a provider get into a role, beside those that a question names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.tools.audit.access.policy_types import is_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.tools.audit.access.estate import Estate

_ASSUME = "sts:assumerole"
_OF_PROVIDERS = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")


def other_entrances(
    estate: Estate, actions: Sequence[str], arns: Iterable[str]
) -> tuple[str, ...]:
    """The actions by which a provider's identities assume one of the roles, of a question on sts:AssumeRole alone."""
    asked = {action.lower() for action in actions}
    if _ASSUME not in asked:
        return ()
    rest = [action for action in _OF_PROVIDERS if action.lower() not in asked]
    trusts = [
        text
        for arn in arns
        if (found := Arn.of(arn)) and is_role(found)
        if (text := estate.policy_of(_ASSUME, arn).text)
    ]
    statements = [own for text in trusts for own in one_policy(text, Kind.TRUST).statements]
    return tuple(
        action
        for action in rest
        if any(
            own.allows
            and IndexedStatement.of(own).takes(action.lower())
            and any(principal.type == "Federated" for principal in own.principals)
            for own in statements
        )
    )
