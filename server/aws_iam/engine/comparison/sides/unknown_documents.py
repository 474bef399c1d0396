"""Policies whose document one side alone does not show: nobody knows what they gain or lose, and they are not removed.

without_unknown(document, new, baseline, old)   →   both sides without them, and an UnjudgedChange for each
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.root_names import below
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.gathered import Gathered, Unread

    _Place = tuple[str, str]


def without_unknown(
    document: object, new: Gathered, baseline: object, old: Gathered
) -> tuple[Gathered, Gathered, tuple[UnjudgedChange, ...]]:
    """Both sides without the policies that the other one has at the same place, and does not show."""
    if not new.unread and not old.unread:
        return new, old, ()
    now, before = _Side.of(document, new), _Side.of(baseline, old)
    changes = (
        *_changes(now, before, "was read before the change, and not after it"),
        *_changes(before, now, "was read after the change, and not before it"),
        *_one_sided(now, before, "is new, and was not read", widens=True),
        *_one_sided(before, now, "is gone, and was not read", widens=False),
    )
    return now.without(before.hidden), before.without(now.hidden), changes


@slotted
class _Side:
    """One side, with the places that were not read and the policies that were, as both sides name them."""

    document: object
    found: Gathered
    unread: Mapping[_Place, Unread]
    read: Mapping[_Place, Source]

    @classmethod
    def of(cls, document: object, found: Gathered) -> _Side:
        return cls(
            document=document,
            found=found,
            unread={
                (_path(document, own.file), own.place): own
                for own in found.unread
                if own.place != own.file and not own.is_none
            },
            read={(_path(document, own.file), own.name): own for own in found.sources if own.name},
        )

    @property
    def hidden(self) -> frozenset[_Place]:
        """The places of which no policy was read."""
        return frozenset(self.unread.keys() - self.read.keys())

    def without(self, hidden: Iterable[_Place]) -> Gathered:
        gone = {id(self.read[place]) for place in hidden if place in self.read}
        if not gone:
            return self.found
        sources = tuple(own for own in self.found.sources if id(own) not in gone)
        return replace(self.found, sources=sources)


def _changes(side: _Side, other: _Side, says: str) -> Iterator[UnjudgedChange]:
    """What the other side shows, and this one does not."""
    for place in sorted(side.hidden & other.read.keys()):
        yield _change(side.unread[place], says, widens=True)


def _one_sided(side: _Side, other: _Side, says: str, *, widens: bool) -> Iterator[UnjudgedChange]:
    """What stands on this side alone, and nobody could read; settings are compared as such."""
    settings = {own.place for own in side.found.settings}
    for place in sorted(side.hidden - other.unread.keys() - other.read.keys()):
        if place[1] in settings:
            continue
        yield _change(side.unread[place], says, widens=widens)


def _change(unread: Unread, says: str, *, widens: bool) -> UnjudgedChange:
    return UnjudgedChange(
        place=unread.place,
        says=f"{quoted(unread.place)} {says}: {unread.why}",
        widens=widens,
        narrows=True,
        source=EVALUATION_LOGIC,
    )


def _path(document: object, file: str | None) -> str:
    """The file from the folder on, of Terraform its folder; two files that are compared with each other may have any names."""
    if not isinstance(document, Files) or not document.folder:
        return ""
    path = below(document.folder, file or "")
    return path.rpartition("/")[0] if path.endswith(TERRAFORM_ENDINGS) else path
