"""What a review found, before it is an answer, a comment or a report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.escape import quoted
from aws_iam.rules.ignores import is_muted_by_change
from aws_iam.tools.policy.review.feeding.variable_files import is_given
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.answer import Finding
    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.comparison.compared_policy import ComparedPolicy
    from aws_iam.engine.sources.gathered import Unread
    from aws_iam.tools.policy.review.origins import Origins
    from aws_iam.tools.policy.review.value_sets import ValueSet

_QUOTED = re.compile(r"`([^`]+)`")
# Actions in a row.
_MOST_LISTED = 60
# They stand in one cell of a table, beside their number.
_MOST_STOPPED = 10
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The comparison, its findings and the new problems, and what was not judged; `base` is what the baseline is called.

    `unread` are the places that the change touches and that could not be read, `not_read` the files with such places; `value_sets` are what it does with values that are told at deployment; `excluded` are changed files that the settings leave out, `newly_excluded` those that the change adds to them. `empty` names a side without
    a policy; `deployed` is where it is taken to be.
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
    empty: str = ""
    value_sets: tuple[ValueSet, ...] = ()
    deployed: str = ""

    @property
    def muted_by_change(self) -> tuple[Finding, ...]:
        """What fails and only the change itself mutes, so that nobody else has agreed to it."""
        return tuple(filter(is_muted_by_change, (*self.access, *self.added)))

    @property
    def limits(self) -> Iterator[str]:
        """What limits the review: the paths, a side without a policy, and a baseline that may have changed, too."""
        if self.empty:
            yield f"the {self.empty} holds no policy"
        if self.deployed:
            yield self.deployed
        if self.within:
            listed = joined(list(map(quoted, self.within)), shown=_SHOWN)
            lie = "file with policies lies" if self.outside == 1 else "files with policies lie"
            beyond = f", and {self.outside:,} changed {lie} outside" if self.outside else ""
            yield f"only {listed} was reviewed{beyond}"
        if self.not_parted:
            yield f"compared with the revision itself, which may have changes of its own: {self.not_parted}"

    def not_told_by(self, reasons: Iterable[str]) -> tuple[Mapping[str, str], ...]:
        """What was not judged and is not said already by the reasons why a change could not be compared."""
        told = [own for own in reasons if own]
        names = {
            part
            for text in told
            for name in _QUOTED.findall(text)
            for part in (name, name.rpartition(" ")[2])
        }
        return tuple(
            row
            for row in self.not_judged
            if not any(own.endswith(row["why"]) for own in told)
            and not any(row["place"] == own or row["place"].startswith(f"{own}.") for own in names)
        )

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
        for found, places, values in self._comparisons:
            for own in found.policies:
                changes = [("gained", own.gained), ("lost", own.lost)]
                if not any(listed for _, listed in changes) and (values or own.change == "same"):
                    continue
                yield {
                    "name": own.name or _only_name(found),
                    "change": own.change,
                    **({"was": own.was} if own.was else {}),
                    **({"with_values": values} if values else {}),
                    "relation": found.relation_of(own),
                    **_stopped(own),
                    **{
                        name: [row for change in listed for row in _rows(change, places, values)]
                        for name, listed in changes
                        if listed
                    },
                }

    def lost(self) -> Iterator[tuple[ComparedPolicy, AccessChange, Origins]]:
        """What each policy loses."""
        for found, places, _ in self._comparisons:
            yield from ((own, change, places) for own in found.policies for change in own.lost)

    @property
    def _comparisons(self) -> Iterator[tuple[ComparedDocuments, Origins, str]]:
        yield self.found, self.places, ""
        yield from ((own.found, own.places, own.label) for own in self.value_sets)


def _stopped(own: ComparedPolicy) -> dict[str, Any]:
    """What permissions boundaries keep it from allowing newly: the first actions, riskiest first, and how many there are."""
    if not own.stopped:
        return {}
    actions = list(own.stopped[:_MOST_STOPPED])
    return {
        "stopped": {"by": list(own.stopped_by), "actions": actions, "number": len(own.stopped)}
    }


def _only_name(found: ComparedDocuments) -> str:
    """The name of a policy that is compared alone."""
    return next((source.name for side in found.sources for source in side), "")


def _rows(change: AccessChange, places: Origins, values: str) -> Iterator[dict[str, Any]]:
    """The row of a change with its file, in several where it has more actions than fit a page."""
    row = change.row()
    source = places.of(change)
    if source and source.name:
        row["through"] = source.name
    where = places.where(change)
    if where.file:
        file = values if is_given(where.file) else where.file
        row["file"] = file if where.line is None else f"{file}:{where.line}"
    for start in range(0, len(row["actions"]), _MOST_LISTED):
        yield {**row, "actions": row["actions"][start : start + _MOST_LISTED]}
