"""Where the statements stand that a comparison names: policy, file and line.

origins(found)            →   Origins
origins(found).of(change) →   Source(name="iam.tf aws_iam_role_policy.app.policy", file="iam.tf", …)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.answer import Where
from aws_iam.engine.language.document import Policy
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.language.document import Source


@dataclass(frozen=True, slots=True)
class Origins:
    """The policies of both sides, by the identity of their statements."""

    document: Mapping[int, Sequence[Source]]
    baseline: Mapping[int, Sequence[Source]]

    def of(self, change: AccessChange) -> Source | None:
        """The policy whose statement changed; None where the comparison made it up."""
        first, other = self.document, self.baseline
        if change.of_baseline:
            first, other = other, first
        found = first.get(change.statement_id) or other.get(change.statement_id) or ()
        # Several resources may have the same document.
        return next((own for own in found if own.name == change.policy), next(iter(found), None))

    def where(self, change: AccessChange) -> Where:
        """The place of the statement, with its file; of a policy of AWS that is attached, none."""
        source = self.of(change)
        place = change.where
        if source is None or place.file:
            return place
        return replace(place, file=source.file) if source.file else Where()

    def placed(self, change: AccessChange) -> AccessChange:
        """The change with its place, and with the policy where it is one of several of a principal."""
        source = self.of(change)
        name = source.name if source else ""
        through = f"by {quoted(name)}" if change.policy and name not in {"", change.policy} else ""
        return replace(
            change,
            where=self.where(change),
            policy=change.policy or name,
            beside="; ".join(filter(None, (through, change.beside))),
        )


def origins(found: ComparedDocuments) -> Origins:
    """The policies that the comparison read."""
    return Origins(*map(_by_statement, found.sources))


def _by_statement(sources: Iterable[Source]) -> dict[int, list[Source]]:
    by_statement: dict[int, list[Source]] = {}
    for source in sources:
        if isinstance(source.content, Policy):
            for statement in source.content.statements:
                by_statement.setdefault(id(statement), []).append(source)
    return by_statement
