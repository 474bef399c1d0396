"""What an input holds: its policies, and the places where none was read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.language.document import Policy
from aws_iam.engine.sources.containers.access_settings import AccessSetting
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.policy_places import FoundResource, SkippedPlace
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_iam.engine.language.document import Source

_Placed = TypeVar("_Placed", PolicyAttachment, AccessSetting, FoundResource)


@slotted
class Unread:
    """A place, or a whole file, whose policy was not checked, and why.

    `broken`: the file looks as if it holds policies, or is unreadable and may hold some, so it counts as a failure.
    `unreadable`: it is a part of a file that would have to be read; `is_none`: no policy is in force there.
    """

    place: str
    why: str
    file: str | None = None
    broken: bool = False
    unreadable: bool = False
    is_none: bool = False


@slotted
class Gathered:
    """The policies, the places that were not checked, and the files with their formats."""

    sources: tuple[Source, ...]
    unread: tuple[Unread, ...] = ()
    formats: tuple[tuple[str, str], ...] = ()
    """File and format of each file that holds policies inside something larger."""
    files: int = 0
    others: int = 0
    """The files of a folder that were only looked at: they show no sign of a policy."""
    without: tuple[str, ...] = ()
    """The files of a folder that hold no policy."""
    attachments: tuple[PolicyAttachment, ...] = ()
    """Policies that the files attach without their documents."""
    settings: tuple[AccessSetting, ...] = ()
    """What else decides about access in templates, plans and Terraform files."""
    resources: tuple[FoundResource, ...] = ()
    """All resources of templates, plans and Terraform files."""
    without_value: tuple[str, ...] = ()
    """The variables without a value that policies of Terraform files depend on."""
    read_files: frozenset[str] = frozenset()
    """The other files that policies of Terraform files were read with: templates and documents."""
    used_files: frozenset[str] = frozenset()
    """Those of them from which a policy came, an attachment or a setting."""
    unread_files: frozenset[str] = frozenset()
    """Patterns of such files whose names or texts are not known."""
    roots: frozenset[str] = frozenset()
    """The folders that Terraform runs in."""


def together(parts: Sequence[Gathered], unread: Sequence[Unread] = ()) -> Gathered:
    """What several inputs hold together, without the counts of files."""
    return Gathered(
        sources=tuple(source for part in parts for source in part.sources),
        unread=(*unread, *(place for part in parts for place in part.unread)),
        formats=tuple(format_ for part in parts for format_ in part.formats),
        attachments=tuple(attachment for part in parts for attachment in part.attachments),
        settings=tuple(setting for part in parts for setting in part.settings),
        resources=tuple(resource for part in parts for resource in part.resources),
        without_value=tuple(name for part in parts for name in part.without_value),
        read_files=frozenset(name for part in parts for name in part.read_files),
        unread_files=frozenset(name for part in parts for name in part.unread_files),
        roots=frozenset(root for part in parts for root in part.roots),
    )


def without_taken(parts: Sequence[Gathered], is_told: Callable[[str], bool]) -> list[Gathered]:
    """The parts, without what others have of them: a file whose policies are all taken by another one counts there alone.

    `is_told` says of a file that is taken whether all that it may grant stands with the one that takes it.
    """
    taken = frozenset(name for part in parts for name in part.read_files)
    if not taken:
        return list(parts)
    by_others = {
        place
        for part in parts
        for source in part.sources
        for place in _statements(source)
        if place[0] != source.file
    }
    found: list[Gathered] = []
    for part in parts:
        own = {source.file for source in part.sources} | {place.file for place in part.unread}
        if not own & taken:
            found.append(part)
            continue
        left = tuple(s for s in part.sources if not by_others.issuperset(_statements(s)))
        files = {file for file, _ in by_others}
        unread = tuple(
            place
            for place in part.unread
            if place.file not in files and not (place.file in taken and is_told(place.file))
        )
        if left or unread:
            found.append(replace(part, sources=left, unread=unread))
    return found


def files_of_statements(found: Gathered) -> set[str]:
    """The files that a statement of some policy stands in."""
    return {file for own in found.sources for file, _ in _statements(own) if file}


def _statements(source: Source) -> set[tuple[str | None, int]]:
    """The file and the place of each statement of a policy."""
    content = source.content
    if not isinstance(content, Policy):
        return {(source.file, -1)}
    nodes = (statement.node for statement in content.statements)
    return {
        ((node.at.lines.file if node.at.lines else None) or source.file, node.at.offset)
        for node in nodes
    }


def with_places(gathered: Gathered, places: Sequence[object], file: str | None) -> Gathered:
    """The input with what stands in its file beside the policies."""
    skipped = (place for place in places if isinstance(place, SkippedPlace))
    return replace(
        gathered,
        unread=tuple(unread_of(place, file) for place in skipped),
        attachments=tuple(_of_file(PolicyAttachment, places, file)),
        settings=tuple(_of_file(AccessSetting, places, file)),
        resources=tuple(_of_file(FoundResource, places, file)),
    )


def unread_of(place: SkippedPlace, file: str | None) -> Unread:
    """A place of a file that was not read."""
    return Unread(
        place=place.name,
        why=place.why,
        file=file,
        unreadable=place.unreadable,
        is_none=place.is_none,
    )


def _of_file(
    type_: type[_Placed], places: Sequence[object], file: str | None
) -> Iterator[_Placed]:
    return (replace(place, file=file) for place in places if isinstance(place, type_))


def under_name(found: Gathered, name: str) -> Gathered:
    """What was found, under the name of the part of the file that holds it."""

    def under(inner: str) -> str:
        return f"{name}{'' if inner.startswith('/') else ' '}{inner}".rstrip()

    return replace(
        found,
        sources=tuple(
            replace(
                own,
                name=under(own.name),
                # A part of a file is a configuration by itself.
                roots=(),
                other_side_of=own.other_side_of and under(own.other_side_of),
            )
            for own in found.sources
        ),
        unread=tuple(replace(own, place=under(own.place)) for own in found.unread),
    )


def in_one_root(found: Gathered) -> Gathered:
    """What was found, each policy once, whatever folders Terraform runs in."""
    return replace(
        found,
        sources=tuple(replace(own, roots=()) for own in found.sources),
        attachments=tuple(replace(own, roots=()) for own in found.attachments),
        settings=tuple(replace(own, root="") for own in found.settings),
        resources=tuple(replace(own, root="") for own in found.resources),
    )


def without_file(found: Gathered) -> Gathered:
    """What was found in a text without a name."""
    return replace(
        found,
        sources=tuple(replace(own, file=None) for own in found.sources),
        unread=tuple(replace(own, file=None) for own in found.unread),
        attachments=tuple(replace(own, file=None) for own in found.attachments),
        settings=tuple(replace(own, file=None) for own in found.settings),
        resources=tuple(replace(own, file=None) for own in found.resources),
    )
