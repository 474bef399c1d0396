"""The policies of one side of a comparison, and what stands beside them, under names that both sides share.

named_side(document, gathered)   →   NamedSide(sources=…, attachments=…, settings=…)
SidesInForce.of(new, old)        →   the sides without a resource that is switched off, or a document that only others use
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.cluster_references import with_references
from aws_iam.engine.comparison.sides.group_members import with_members
from aws_iam.engine.comparison.sides.positions import names_by_content
from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
from aws_iam.engine.comparison.sides.root_folders import with_roots_now
from aws_iam.engine.comparison.sides.root_names import below
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Holder, Policy
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment
    from aws_iam.engine.sources.gathered import Gathered

_INDEX = re.compile(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]")
_FIRST = "[0]"
_DOCUMENT = "aws_iam_policy_document"
_AFTER, _BEFORE = "there after the change", "there before the change"
_COUNT = "https://developer.hashicorp.com/terraform/language/meta-arguments/count"


def named_side(document: object, found: Gathered) -> NamedSide:
    """All that a document holds; what is in a folder is named by its file, from the folder on.

    In Terraform an address stands once for each root folder, so that folder is the name.
    """
    return with_members(with_references(_named(document, found)))


def _named(document: object, found: Gathered) -> NamedSide:
    sources = named_sources(document, found)
    if not (isinstance(document, Files) and document.folder):
        found_resources = {own.name: own for own in found.resources}
        return NamedSide(sources, found.attachments, found.settings, found_resources)
    settings = ((own, _start(document, own.file, own.root)) for own in found.settings)
    resources = ((own, _start(document, own.file, own.root)) for own in found.resources)
    return NamedSide(
        sources,
        tuple(named for own in found.attachments for named in _attached(document, own)),
        tuple(
            replace(own, holder=own.holder and start + own.holder, place=start + own.place)
            for own, start in settings
        ),
        {
            start + own.name: replace(
                own, name=start + own.name, formerly=tuple(start + was for was in own.formerly)
            )
            for own, start in resources
        },
        frozenset(below(document.folder, root) for root in found.roots),
    )


def named_sources(document: object, found: Gathered) -> tuple[Source, ...]:
    """The policies, with a name where they are several policies, not parts of one.

    Those of a folder are named by their files, from the folder on; those of a list, or of an answer, are places.
    """
    sources = found.sources
    if isinstance(document, Files) and document.folder:
        return tuple(own for source in sources for own in _of_folder(document, source))
    if found.formats:
        return sources
    return tuple([s if not s.name else replace(s, name=f"/{s.name.lstrip('/')}") for s in sources])


def _of_folder(document: Files, source: Source) -> Iterator[Source]:
    """The policy under its file, or in each root folder that has it."""
    if not (source.roots and _is_terraform(source.file)):
        yield _starting(source, _start(document, source.file))
        return
    for own in source.roots:
        yield _starting(own, _start(document, source.file, own.root))


def _starting(source: Source, start: str) -> Source:
    holder = source.holder
    if holder.name:
        instances = tuple(replace(own, name=start + own.name) for own in holder.instances)
        holder = replace(holder, name=start + holder.name, instances=instances)
    return replace(source, name=f"{start}{source.name}".strip(), holder=holder)


def _start(document: Files, file: str | None, root: str = "") -> str:
    place = _in_folder(document, file, root)
    return f"{place} " if place else ""


def _attached(document: Files, own: PolicyAttachment) -> Iterator[PolicyAttachment]:
    """The attachment under its file, or in each root folder that has it."""
    roots = own.roots if _is_terraform(own.file) else ()
    for root, name, cases in roots or (("", own.document, own.cases),):
        start = _start(document, own.file, root)
        yield replace(
            own,
            holder=start + own.holder,
            place=start + own.place,
            document=name and start + name,
            cases=cases,
            roots=(),
        )


def _is_terraform(file: str | None) -> bool:
    return (file or "").endswith(TERRAFORM_ENDINGS)


def _in_folder(document: Files, file: str | None, root: str = "") -> str:
    """The file from the folder on; of Terraform the root folder, in which an address stands once, in whatever file."""
    path = (file or "").removeprefix(f"{document.folder.rstrip('/')}/")
    if not path.endswith(TERRAFORM_ENDINGS):
        return path
    return below(document.folder, root) if root else path.rpartition("/")[0]


@slotted
class SidesInForce:
    """Both sides without what the other side has in force and this one has not, under the addresses of the new side.

    What is in force on neither side is compared as it is read. `switched_off` and `switched_on` are resources.
    """

    new: NamedSide
    old: NamedSide
    switched_off: tuple[str, ...]
    switched_on: tuple[str, ...]
    unjudged: tuple[UnjudgedChange, ...]

    @classmethod
    def of(cls, new: NamedSide, old: NamedSide) -> SidesInForce:
        """What is in force of two sides."""
        if new.is_bare and old.is_bare:
            return cls(new=new, old=old, switched_off=(), switched_on=(), unjudged=())
        old = with_roots_now(new, old)
        new, old = _with_unique_names(new, old)
        old = _with_positions_now(new, old)
        new, old = _each_instance(new, old), _each_instance(old, new)
        gone = _Switched.of(new, old), _Switched.of(old, new)
        off, on = (own.names for own in gone)
        mine, theirs = gone[0].left, gone[1].left
        return cls(
            new=mine,
            old=theirs.renamed(_counted_now(mine, theirs)),
            switched_off=tuple(off),
            switched_on=tuple(on),
            unjudged=(
                *_perhaps_gone(mine, theirs, _AFTER),
                *_perhaps_gone(theirs, mine, _BEFORE),
            ),
        )


def _with_unique_names(new: NamedSide, old: NamedSide) -> tuple[NamedSide, NamedSide]:
    """Repeated names with numbers, such as `x (2)`; what is the same on both sides has the same number."""
    after, before = (_places_by_name(side.sources) for side in (new, old))
    ours: dict[int, int] = {}
    theirs: dict[int, int] = {}
    for name in after.keys() | before.keys():
        mine, other = after.get(name, []), before.get(name, [])
        theirs |= {place: number for number, place in enumerate(other)}
        contents = [
            [side.sources[n].content for n in own] for side, own in ((new, mine), (old, other))
        ]
        ours |= {mine[own]: number for own, number in _numbers(*contents).items()}
    return _with_parts_apart(_numbered(new, ours), _numbered(old, theirs))


def _with_positions_now(new: NamedSide, old: NamedSide) -> NamedSide:
    """The old side with the positions that the same policies have now."""
    now = names_by_content(new.sources, old.sources)
    if not now:
        return old
    return replace(
        old,
        sources=tuple(replace(own, name=now.get(own.name, own.name)) for own in old.sources),
        attachments=tuple(
            replace(own, document=now.get(own.document, own.document)) for own in old.attachments
        ),
    )


def _places_by_name(sources: Sequence[Source]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, own in enumerate(sources):
        # The policies of a list have places instead of names.
        if own.name and own.name[0] != "/":
            found.setdefault(own.name, []).append(place)
    return found


def _numbers(contents: Sequence[object], before: Sequence[object]) -> dict[int, int]:
    """The numbers of what has one name: those of the same content before, then the others in order."""
    if len(contents) <= 1 and len(before) <= 1:
        return {}
    found = {
        number: number
        for number, (own, other) in enumerate(zip(contents, before, strict=False))
        if own == other
    }
    free = [number for number in range(max(len(contents), len(before))) if number not in found]
    for own, content in enumerate(contents):
        same = [number for number in free if number < len(before) and before[number] == content]
        if own not in found and same:
            found[own] = same[0]
            free.remove(same[0])
    left = (own for own in range(len(contents)) if own not in found)
    return found | dict(zip(left, free, strict=False))


def _numbered(side: NamedSide, numbers: Mapping[int, int]) -> NamedSide:
    if not any(numbers.values()):
        return side
    return replace(
        side,
        sources=tuple(
            replace(own, name=f"{own.name} ({number + 1})")
            if (number := numbers.get(place))
            else own
            for place, own in enumerate(side.sources)
        ),
    )


def _with_parts_apart(new: NamedSide, old: NamedSide) -> tuple[NamedSide, NamedSide]:
    """Both sides with numbers for the objects of one name that attach policies, in the same way."""
    if not any(own.part for side in (new, old) for own in side.attachments):
        return new, old
    mine, theirs = _attached_by_part(new), _attached_by_part(old)
    numbers = {holder: _numbers(own, theirs.get(holder, [])) for holder, own in mine.items()}
    return _with_parts(new, numbers), _with_parts(old, {})


def _attached_by_part(side: NamedSide) -> dict[str, list[object]]:
    """What each object of a name attaches."""
    found: dict[str, dict[int, set[object]]] = {}
    for own in side.attachments:
        found.setdefault(own.holder, {}).setdefault(own.part, set()).add(own.identity)
    return {
        holder: [parts.get(part, set()) for part in range(max(parts) + 1)]
        for holder, parts in found.items()
    }


def _with_parts(side: NamedSide, numbers: Mapping[str, Mapping[int, int]]) -> NamedSide:
    attachments = []
    for own in side.attachments:
        number = numbers.get(own.holder, {}).get(own.part, own.part)
        start = f"{own.holder} ({number + 1})" if number else own.holder
        place = start + own.place.removeprefix(own.holder)
        attachments.append(replace(own, holder=start, place=place, part=0))
    return replace(side, attachments=tuple(attachments))


def _in_force(side: NamedSide) -> set[str]:
    """The addresses of what there may be on a side."""
    holders = (
        own for source in side.sources for own in source.holder.instances or (source.holder,)
    )
    held = (own.name for own in holders if own.in_force is not False)
    attached = (own.holder for own in side.attachments if own.in_force is not False)
    beside = (own.holder for own in side.settings if own.in_force is not False)
    return {*side.found_resources, *held, *attached, *beside} - {""}


def _each_instance(side: NamedSide, other: NamedSide) -> NamedSide:
    """The side with a policy for each resource that has one, where the other side has not the same resources."""
    there = set(map(_plain, _in_force(other)))
    first = {_plain(own.holder.name) for own in other.sources}

    def differs(holder: Holder) -> bool:
        own = _plain(holder.name)
        names = {_plain(instance.name) for instance in holder.instances}
        return bool(own not in names or names - there or (names - {own}) & first)

    sources: list[Source] = []
    for own in side.sources:
        holder = own.holder
        if not holder.instances or not differs(holder):
            sources.append(own)
            continue
        # In a part of a file the name begins with that part.
        start, _, path = own.name.partition(holder.name)
        sources += (
            replace(own, name=start + instance.name + path, holder=instance)
            for instance in holder.instances
        )
    return replace(side, sources=tuple(sources))


def _plain(address: str) -> str:
    """The address without the index 0: with `count` and without it is the same object."""
    return address.replace(_FIRST, "")


def _block(address: str) -> str:
    """The address without the indexes of instances."""
    return _INDEX.sub("", address)


@slotted
class _Switched:
    """A side without what is in force on the other one and not there, and the resources that this concerns."""

    left: NamedSide
    names: tuple[str, ...]

    @classmethod
    def of(cls, side: NamedSide, other: NamedSide) -> _Switched:
        here, there = _in_force(side), _in_force(other)
        # Two roots may have modules of the same name, one of them switched off.
        instances = set(map(_plain, there)) - set(map(_plain, here))
        blocks = set(map(_block, there)) - set(map(_block, here))

        def is_off(holder: str, state: object) -> bool:
            return state is False and (_plain(holder) in instances or _block(holder) in blocks)

        off = [
            *(own.holder for own in side.sources if is_off(own.holder.name, own.holder.in_force)),
            *(
                Holder(name=own.holder)
                for own in side.attachments
                if is_off(own.holder, own.in_force)
            ),
            *(
                Holder(name=own.holder)
                for own in side.settings
                if is_off(own.holder, own.in_force)
            ),
        ]
        left = replace(
            side,
            sources=tuple(
                own for own in side.sources if not is_off(own.holder.name, own.holder.in_force)
            ),
            attachments=tuple(
                own for own in side.attachments if not is_off(own.holder, own.in_force)
            ),
            settings=tuple(own for own in side.settings if not is_off(own.holder, own.in_force)),
        )
        # Of a document that something uses or does not use any more the policies of resources tell.
        names = (_plain(own.name) for own in off if own.type != _DOCUMENT)
        return cls(left=left, names=tuple(dict.fromkeys(names)))


def _counted_now(new: NamedSide, old: NamedSide) -> Mapping[str, str]:
    """The addresses that get or lose the index 0.

    https://developer.hashicorp.com/terraform/language/modules/develop/refactoring
    """
    mine, theirs = new.resources - old.resources, old.resources - new.resources
    now, was = (_by_plain_address(names) for names in (mine, theirs))
    return {
        names[0]: now[plain][0]
        for plain, names in was.items()
        if len(names) == len(now.get(plain, ())) == 1
    }


def _by_plain_address(names: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_plain(name), []).append(name)
    return found


def _perhaps_gone(side: NamedSide, other: NamedSide, when: str) -> Iterator[UnjudgedChange]:
    """The resources of which it is not known on this side alone whether they are there."""
    certain = {_block(own) for own, state in _states(other) if state is True}
    unknown = {_block(own) for own, state in _states(side) if state is None} & certain
    for block in sorted(unknown):
        sources = [own for own in side.sources if _block(own.holder.name) == block]
        attached = [own for own in side.attachments if _block(own.holder) == block]
        allows = any(_has(own, allows=True) for own in sources) or any(
            not own.is_boundary for own in attached
        )
        denies = any(_has(own, allows=False) for own in sources) or any(
            own.is_boundary for own in attached
        )
        is_after = when is _AFTER
        yield UnjudgedChange(
            place=sources[0].name if sources else attached[0].place,
            says=f"whether {quoted(block)} is {when} is known only at deployment",
            widens=denies if is_after else allows,
            narrows=allows if is_after else denies,
            source=_COUNT,
        )


def _states(side: NamedSide) -> Iterator[tuple[str, bool | None]]:
    """The resources with policies, and whether they are there."""
    yield from ((own.holder.name, own.holder.in_force) for own in side.sources)
    yield from ((own.holder, own.in_force) for own in side.attachments)


def _has(source: Source, *, allows: bool) -> bool:
    content = source.content
    if not isinstance(content, Policy):
        return True
    return any(statement.allows is allows for statement in content.statements)
