"""The policies of a document that count: the only one, those of a list, or those that are picked by name.

policy: aws_iam_role_policy.app           its address, logical id or name, without its modules where one module has it
policy: envs/prod aws_iam_role_policy.app    where several files, or folders that Terraform runs in, have one of that name
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.policy_pairs import is_called, is_named, place_of
from aws_iam.engine.comparison.sides.unresolved_changes import with_unknown_values
from aws_iam.engine.language.document import Policy, Source, Syntax
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.sources.gathered import Gathered
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit.policy_inputs import other_values
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Kind
    from aws_iam.engine.sources.gathered import Unread

_NAMED = 10
_MODULE = re.compile(r"module\.[^.\[]+(?:\[[^\]]*\])?\.")


@slotted
class PickedPolicy:
    """A policy, and the same one as the conditions of its template may make it otherwise."""

    source: Source
    others: tuple[Source, ...] = ()


@slotted
class Held:
    """What a document holds, and whether the policies of it that count were picked by name."""

    gathered: Gathered
    is_picked: bool = False

    def picked(self, picks: Sequence[str]) -> Held:
        """Those that are called so."""
        if not picks:
            return self
        found = {id(own): own for pick in picks for own in _called(self.gathered, pick)}
        # What a file holds that cannot be read is not known, so also whether it is about these.
        unread = tuple(own for own in self.gathered.unread if own.place == own.file)
        held = replace(self.gathered, sources=tuple(found.values()), unread=unread)
        return Held(gathered=held, is_picked=True)

    def chosen(self, kind: Kind | None = None) -> tuple[tuple[PickedPolicy, ...], list[Unread]]:
        """The policies, and what was not read of them; without a pick a document must be one policy, or a list.

        `kind` is what they are used as, where that is known.
        """
        sources = self.gathered.sources
        names = {own.name for own in sources}
        sides: dict[str, list[Source]] = {}
        for own in sources:
            if own.other_side_of in names - {own.name, ""}:
                sides.setdefault(own.other_side_of, []).append(_usable(own, kind))
        mine = [own for own in sources if own.other_side_of not in sides]
        if not self.is_picked and len(mine) > 1 and is_named(mine):
            raise InputError(
                f"the document holds {counted(len(mine), 'policy')}",
                hint=f"pick one or several with `policy`: {names_of(mine)}",
            )
        picked = tuple(
            PickedPolicy(source=_usable(own, kind), others=tuple(sides.get(own.name, ())))
            for own in mine
        )
        unread = [*self.gathered.unread, *other_values(replace(self.gathered, attachments=()))]
        return picked, unread


def together(parts: Sequence[Held]) -> Held:
    """The policies of several documents, of each the only one or those that were picked."""
    for part in parts:
        part.chosen()
    return Held(
        gathered=Gathered(
            sources=tuple(source for part in parts for source in part.gathered.sources),
            unread=tuple(place for part in parts for place in part.gathered.unread),
        ),
        is_picked=True,
    )


def names_of(sources: Sequence[Source]) -> str:
    """The names of policies, by which one is picked."""
    names = dict.fromkeys(place_of(source) for source in sources)
    return joined([quoted(name) for name in names if name], shown=_NAMED)


def _called(held: Gathered, pick: str) -> list[Source]:
    """The policies that are called so, all of one file or of one folder that Terraform runs in."""
    mine = [own for own in held.sources if is_called(own.name, pick)]
    place, _, name = pick.partition(" ")
    if not mine and name:
        there = [own for own in held.sources if _is_at(own, place)]
        mine = [own for own in there if is_called(own.name, name)] or _in_a_module(there, name)
    mine = mine or _in_a_module(held.sources, pick)
    unread = [own for own in held.unread if is_called(own.place, pick)]
    if unread:
        raise InputError(f"{quoted(unread[0].place)} was not read: {unread[0].why}")
    if not mine:
        names = [place_of(source) for source in held.sources]
        near = closest(pick, [name.partition(".")[0] for name in names] + names)
        known = f"there are {names_of(held.sources)}" if any(names) else "it is one policy"
        raise InputError(
            f"no policy is called {quoted(pick)}",
            hint=f"did you mean {quoted(near)}?" if near else known,
        )
    _refuse_namesakes(mine, pick)
    return mine


def _refuse_namesakes(sources: Sequence[Source], pick: str) -> None:
    places: dict[str, dict[str, None]] = {}
    for own in sources:
        places.setdefault(own.name, {})[own.root or own.file or ""] = None
    for name, found in places.items():
        if len(found) > 1:
            shown = joined([quoted(f"{place} {name}") for place in found], "or", shown=_NAMED)
            raise InputError(f"several policies are called {quoted(pick)}", hint=f"pick {shown}")


def _is_at(source: Source, place: str) -> bool:
    """Whether the file of a policy, or the folder that Terraform runs in, is called so or ends so."""
    return any(
        own == place or own.endswith(f"/{place}") for own in (source.root, source.file or "")
    )


def _in_a_module(sources: Sequence[Source], pick: str) -> list[Source]:
    """The policies that are called so within the one module of Terraform that has such."""
    by_module: dict[str, list[Source]] = {}
    for source in sources:
        for begin in _module_ends(source.name):
            if is_called(source.name[begin:], pick):
                by_module.setdefault(source.name[:begin], []).append(source)
    if len(by_module) > 1:
        names = [own for found in by_module.values() for own in found]
        raise InputError(
            f"several modules have a policy called {quoted(pick)}",
            hint=f"pick one of {names_of(names)}",
        )
    return next(iter(by_module.values()), [])


def _module_ends(name: str) -> Iterator[int]:
    """Where an address goes on after each of the modules that it begins with."""
    at = 0
    while found := _MODULE.match(name, at):
        at = found.end()
        yield at


def _usable(source: Source, kind: Kind | None) -> Source:
    """The policy with words for what is filled in later; InputError for one that has no certain answer."""
    if isinstance(source.content, Syntax):
        where = source.content.where
        raise InputError(
            f"{quoted(place_of(source) or 'the policy')} is not valid JSON: line {where.line}:{where.column}:"
            f" {source.content.message}",
            hint=source.content.hint,
        )
    source = with_unknown_values(source)
    # A policy with an unknown effect or statement is judged as far as it is known.
    if not source.unresolved and isinstance(source.content, Policy):
        place = place_of(source) or "document"
        refuse_unusable(source.content, place, kind or source.content.kind)
    return source
