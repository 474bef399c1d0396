"""In which file the resource stands that a finding is about, where it is about no single statement.

HolderFiles.of(found).placed(finding)   →   the finding with its file, such as for a permissions boundary that is removed
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Finding
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.gathered import Gathered


@dataclass(frozen=True, slots=True)
class HolderFiles:
    """The files by the names of policies, resources and attachments; `other` is one for what has no name."""

    by_name: Mapping[str, str]
    other: str = ""

    @classmethod
    def of(cls, found: ComparedDocuments) -> HolderFiles:
        """The files of both sides; where a name is in both, that of now."""
        named = {name: file for side in found.inputs[::-1] for name, file in _named(side) if name}
        named |= found.files
        for side in found.sources[::-1]:
            named |= {own.name: own.file for own in side if own.name and own.file}
        # The name of a policy that is alone in its file.
        named |= {own.file: own.file for side in found.inputs for own in side.sources if own.file}
        # What is the same in several root folders has a name of its own.
        together = [
            *((own.name, own.namesakes) for own in found.policies),
            *((own.place, own.namesakes) for own in found.unjudged),
        ]
        for name, namesakes in together:
            alike = (named.get(own, "") for own in namesakes)
            if file := next(filter(None, alike), ""):
                named[name] = file
        changed = (name for own in found.policies if own.change != "same" for name in own.names)
        broken = (place.file for place in found.broken if place.file)
        files = (*broken, *(named.get(name, "") for name in changed), *named.values())
        return cls(named, next(filter(None, files), ""))

    def placed(self, finding: Finding) -> Finding:
        """The finding with a file, if it has none."""
        where = finding.where
        if where is not None and where.file:
            return finding
        file = self.of_name(finding.resource or "") or self.other
        if not file:
            return finding
        return replace(finding, where=replace(where, file=file) if where else Where(file=file))

    def row(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row about a place with its file, if it is another name."""
        file = self.of_name(row["place"])
        return {"file": file, **row} if file and file != row["place"] else row

    def of_name(self, name: str) -> str:
        """The file of what is called so, or of the resource that it is a part of."""
        while name:
            if name in self.by_name:
                return self.by_name[name]
            name = (
                name[: max(name.rfind(mark) for mark in ". [")] if set(name) & set(". [") else ""
            )
        return ""


def _named(side: Gathered) -> Iterator[tuple[str, str]]:
    for source in side.sources:
        if source.file:
            yield from ((name, source.file) for name in (source.name, source.holder.name))
    for setting in side.settings:
        if setting.file:
            yield from ((name, setting.file) for name in (setting.place, setting.holder))
    for own in side.attachments:
        if own.file:
            names = (own.place, own.name, own.holder, own.target)
            yield from ((name, own.file) for name in names)
