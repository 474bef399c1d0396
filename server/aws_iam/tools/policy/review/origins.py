"""Where the statements stand that a comparison names: policy, file and line.

origins(found)            →   Origins
origins(found).of(change) →   Source(name="iam.tf aws_iam_role_policy.app.policy", file="iam.tf", …)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.answer import Where
from aws_iam.engine.language.document import Policy
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.language.document import Source


@dataclass(frozen=True, slots=True)
class Origins:
    """The policies of both sides, by the identity of their statements.

    `names` are those of the policies that were compared under one name: of a principal, or in several root folders.
    """

    document: Mapping[int, Sequence[Source]]
    baseline: Mapping[int, Sequence[Source]]
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Those that are one policy in several root folders.
    alike: frozenset[str] = frozenset()

    def of(self, change: AccessChange) -> Source | None:
        """The policy whose statement changed; None where the comparison made it up."""
        first, other = self.document, self.baseline
        if change.of_baseline:
            first, other = other, first
        found = first.get(change.statement_id) or other.get(change.statement_id) or ()
        # Several resources may have the same document.
        names = self.names.get(change.policy, frozenset((change.policy,)))
        return next((own for own in found if own.name in names), next(iter(found), None))

    def with_content(self, source: Source) -> Iterator[str]:
        """The names of the policies with the same document, such as of one module in several root folders."""
        content = source.content
        for statement in content.statements[:1] if isinstance(content, Policy) else ():
            for side in (self.document, self.baseline):
                yield from (own.name for own in side.get(id(statement), ()))

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
        is_other = name not in {"", change.policy} and change.policy not in self.alike
        through = f"by {quoted(name)}" if change.policy and is_other else ""
        return replace(
            change,
            where=self.where(change),
            policy=change.policy or name,
            beside="; ".join(filter(None, (through, change.beside))),
        )


def origins(found: ComparedDocuments) -> Origins:
    """The policies that the comparison read."""
    document, baseline = map(_by_statement, found.sources)
    return Origins(
        document,
        baseline,
        names={own.name: own.names for own in found.policies},
        alike=frozenset(own.name for own in found.policies if own.namesakes and not own.parts),
    )


def _by_statement(sources: Iterable[Source]) -> dict[int, list[Source]]:
    by_statement: dict[int, list[Source]] = {}
    for source in sources:
        if isinstance(source.content, Policy):
            for statement in source.content.statements:
                by_statement.setdefault(id(statement), []).append(source)
    return by_statement
