"""What a review found, before it is an answer, a comment or a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.escape import quoted
from aws_iam.rules.ignores import is_muted_by_change
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Finding
    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.gathered import Unread
    from aws_iam.tools.policy.review.origins import Origins

# Actions in a row.
_MOST_LISTED = 60
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The comparison, its findings and the new problems, and what was not judged; `base` is what the baseline is called.

    `unread` are the places that the change touches and that could not be read, `not_read` the files with such places; `excluded` are changed files that the settings leave out, `newly_excluded` those that the change adds to them.
    """

    base: str
    found: ComparedDocuments
    places: Origins
    access: tuple[Finding, ...]
    added: tuple[Finding, ...]
    not_judged: tuple[Mapping[str, str], ...]
    unread: tuple[Unread, ...] = ()
    not_read: frozenset[str] = frozenset()
    read_in_part: frozenset[str | None] = frozenset()
    excluded: tuple[str, ...] = ()
    newly_excluded: tuple[str, ...] = ()
    ignores_added: int = 0
    within: tuple[str, ...] = ()
    outside: int = 0
    not_parted: str = ""

    @property
    def muted_by_change(self) -> tuple[Finding, ...]:
        """What fails and only the change itself mutes, so that nobody else has agreed to it."""
        return tuple(filter(is_muted_by_change, (*self.access, *self.added)))

    @property
    def limits(self) -> Iterator[str]:
        """What limits the review: the paths, and a baseline that may have changed, too."""
        if self.within:
            listed = joined(list(map(quoted, self.within)), shown=_SHOWN)
            lie = "file with policies lies" if self.outside == 1 else "files with policies lie"
            beyond = f", and {self.outside:,} changed {lie} outside" if self.outside else ""
            yield f"only {listed} was reviewed{beyond}"
        if self.not_parted:
            yield f"compared with the revision itself, which may have changes of its own: {self.not_parted}"

    @property
    def is_quiet(self) -> bool:
        """Whether the change does nothing that a reviewer has to see."""
        return not (self.access or self.added or self.not_judged)

    @property
    def unchanged(self) -> int:
        """The number of policies that the change leaves as they are."""
        return sum(own.change == "same" for own in self.found.policies)

    def policies(self) -> Iterator[dict[str, Any]]:
        """Each policy or principal that the change touches, with the access that it gains and loses."""
        for own in self.found.policies:
            if own.change == "same" and not (own.gained or own.lost):
                continue
            yield {
                "name": own.name or self._only_name(),
                "change": own.change,
                **({"was": own.was} if own.was else {}),
                "relation": self.found.relation_of(own),
                **{
                    name: [row for change in changes for row in self._rows(change)]
                    for name, changes in (("gained", own.gained), ("lost", own.lost))
                    if changes
                },
            }

    def _only_name(self) -> str:
        """The name of a policy that is compared alone."""
        return next((source.name for side in self.found.sources for source in side), "")

    def _rows(self, change: AccessChange) -> Iterator[dict[str, Any]]:
        """The row of a change with its file, in several where it has more actions than fit a page."""
        row = change.row()
        source = self.places.of(change)
        if source and source.name:
            row["through"] = source.name
        where = self.places.where(change)
        if where.file:
            row["file"] = where.file if where.line is None else f"{where.file}:{where.line}"
        for start in range(0, len(row["actions"]), _MOST_LISTED):
            yield {**row, "actions": row["actions"][start : start + _MOST_LISTED]}
