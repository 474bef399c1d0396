"""Comparisons that a review makes with values that stand in other files.

ValueRuns(runs=[("prod.json", "the parameters of …", …)], judged={"prod.json"})
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.compare import compare_documents
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.files import Files


def compared_with_values(new: Files, old: Files) -> ComparedDocuments | None:
    """The comparison of both sides, each with its values; None where one cannot be read with them."""
    try:
        return compare_documents(new, old, per_principal=True, partly=True)
    except InputError:
        return None


def of_new_values(found: ComparedDocuments) -> ComparedDocuments:
    """The comparison with a set of values that was not there before: what these decide is judged, though nothing decided it before."""
    decided = {own.name for own in found.sources[0] if not own.unresolved}
    told = {
        own
        for own in found.unjudged
        if own.place in decided and not (own.others or own.is_setting or own.is_certain)
    }
    return found.without(told) if told else found


@dataclass(slots=True)
class ValueRuns:
    """By the file with the values, how these are called and the comparison; `judged` are the changed files of which all was compared."""

    runs: list[tuple[str, str, ComparedDocuments]] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
