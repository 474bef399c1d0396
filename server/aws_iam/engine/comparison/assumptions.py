"""What a comparison takes for granted, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison import variable_values
from aws_iam.engine.comparison.clauses import is_principaled
from aws_iam.engine.comparison.misspelt_names import misspelt_keys_of
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Policy


def assumptions_of(policies: Sequence[Policy]) -> Iterator[str]:
    """The assumptions of a search over these policies."""
    as_of = catalog().as_of
    yield f"actions and ARN formats as of {as_of}: actions that AWS adds after {as_of} are not compared"
    if any(statement.conditions for policy in policies for statement in policy.statements):
        yield "any request may carry any condition key, and the values of its keys are independent of each other"
    for key in dict.fromkeys(misspelt_keys_of(policies)):
        yield f"no request carries {quoted(key)}, which is no known condition key as of {as_of}"
    names = variable_values.variable_names(policies)
    if names:
        listed = ", ".join(f"`${{{name}}}`" for name in names)
        yield f"the values of {listed} contain no `*`, `?`, `:` or `/` and are the same on both sides"
    if is_principaled(policies):
        yield "callers in the resource's account have either no other permissions or all; all resources belong to one account"
