"""Resources and inline policies that have another name than in the baseline, and are otherwise the same.

names_now(new, old)   →   {"OldRole": "Role"}
"""

from __future__ import annotations

import json
import re
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.sides.aligned_cases import aligned_attachments, aligned_policies
from aws_iam.engine.comparison.sides.attached_policies import attached_policies, newly_attached
from aws_iam.engine.comparison.sides.moved_resources import moved_elsewhere, moved_now
from aws_iam.engine.comparison.sides.policies_of_resources import (
    policies_kept_beside,
    with_policies_now,
)
from aws_iam.engine.comparison.sides.root_names import root_of
from aws_iam.engine.language.document import NO_HOLDER, Policy, Syntax, dump
from aws_iam.engine.sources.containers.cloudformation_return_values import made_up_name
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Holder, Source
    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment
    from aws_iam.engine.sources.containers.policy_places import FoundResource

_INDEX = re.compile(r"\[\d+\]")
# The key of an instance, by `count` or by `for_each`.
_KEY = re.compile(r'\[(?:\d+|"[^"\]]*")\]')
_KEY_QUOTES = re.compile(r'(?<=\[)"|"(?=\])')
_NAME_BESIDE_PLACE = re.compile(r" \([^()]*\)")
# More policies are not looked at.
_MOST = 2_000
_UNNAMED = frozenset({"Sid", "Id"})


@positional
class NamedSide:
    """The policies of one side, and what it attaches, under its names."""

    sources: tuple[Source, ...]
    attachments: tuple[PolicyAttachment, ...]
    settings: tuple[AccessSetting, ...] = ()
    # The resources by their names, with or without policies, where the format has them.
    found_resources: Mapping[str, FoundResource] = field(default_factory=dict)
    # The folders that Terraform runs in, by which names begin.
    roots: frozenset[str] = frozenset()

    @property
    def is_bare(self) -> bool:
        """Whether it is one policy by itself: without a name, of no resource, with nothing beside it."""
        beside = self.attachments or self.settings or self.found_resources or self.roots
        return not beside and len(self.sources) == 1 and _is_bare(self.sources[0])

    @property
    def resources(self) -> frozenset[str]:
        """The names of all resources that are known."""
        return self.holders | self.found_resources.keys()

    @property
    def holders(self) -> frozenset[str]:
        """The resources that have policies or attach them."""
        names = {own.holder.name for own in self.sources}
        return frozenset(names.union(own.holder for own in self.attachments) - {""})

    @property
    def files(self) -> Mapping[str, str]:
        """The files of all that has a name."""
        named: list[tuple[str | None, tuple[str, ...]]] = []
        named += ((own.file, (own.name, own.holder.name)) for own in self.sources)
        named += ((own.file, (own.place, own.holder)) for own in self.settings)
        named += (
            (own.file, (own.place, own.name, own.holder, own.target)) for own in self.attachments
        )
        return {name: file for file, names in named if file for name in names if name}

    def renamed(self, now: Mapping[str, str]) -> NamedSide:
        """The side with other names of resources, and of principals."""
        documents = {
            own.name: _renamed(own.name, own.holder.name, now)
            for own in self.sources
            if own.holder.name in now
        }
        return NamedSide(
            sources=tuple(
                replace(
                    own,
                    name=_renamed(own.name, own.holder.name, now),
                    holder=_renamed_holder(own.holder, now),
                )
                for own in self.sources
            ),
            attachments=tuple(
                replace(
                    own,
                    place=_renamed(own.place, own.holder, now),
                    holder=now.get(own.holder, own.holder),
                    target=now.get(own.target, own.target),
                    policy=now.get(own.policy, own.policy) if own.document else own.policy,
                    document=documents.get(own.document, own.document),
                )
                for own in self.attachments
            ),
            settings=tuple(
                replace(
                    own,
                    place=_renamed(own.place, own.holder, now),
                    holder=now.get(own.holder, own.holder),
                    value=_with_references(own.value, own.holder, now),
                )
                for own in self.settings
            ),
            found_resources={
                now.get(name, name): own for name, own in self.found_resources.items()
            },
            roots=self.roots,
        )

    def with_names(self, now: Callable[[str], str]) -> NamedSide:
        """The side with other names of all that has one."""
        return NamedSide(
            sources=tuple(
                replace(
                    own,
                    name=now(own.name),
                    other_side_of=now(own.other_side_of),
                    holder=replace(
                        own.holder,
                        name=now(own.holder.name),
                        instances=tuple(
                            replace(instance, name=now(instance.name))
                            for instance in own.holder.instances
                        ),
                    ),
                )
                for own in self.sources
            ),
            attachments=tuple(
                replace(
                    own, holder=now(own.holder), place=now(own.place), document=now(own.document)
                )
                for own in self.attachments
            ),
            settings=tuple(
                replace(own, holder=now(own.holder), place=now(own.place)) for own in self.settings
            ),
            found_resources={now(name): own for name, own in self.found_resources.items()},
            roots=frozenset(now(f"{root} ").rstrip() for root in self.roots),
        )


def _is_bare(source: Source) -> bool:
    return not (source.name or source.cases) and source.holder is NO_HOLDER


def _renamed_holder(holder: Holder, now: Mapping[str, str]) -> Holder:
    attached_to = tuple(now.get(name, name) for name in holder.attached_to)
    return replace(holder, name=now.get(holder.name, holder.name), attached_to=attached_to)


def _renamed(name: str, holder: str, now: Mapping[str, str]) -> str:
    return name.replace(holder, now[holder], 1) if holder in now else name


def _with_references(value: str, holder: str, now: Mapping[str, str]) -> str:
    """The value of a setting with the names that the resources beside it have now, where it refers to them."""
    start = holder.rpartition(" ")[0]
    named = {
        former: current
        for was, name in now.items()
        if was.rpartition(" ")[0] == start == name.rpartition(" ")[0]
        for former, current in zip(_references(was), _references(name), strict=True)
    }
    if not any(former in value for former in named):
        return value
    found = re.compile("|".join(map(re.escape, named)))
    return found.sub(lambda own: named[own[0]], value)


def _references(name: str) -> tuple[str, str]:
    """How values begin that refer to a resource of Terraform, and how they name one of a template."""
    short = name.rpartition(" ")[2]
    return f"${{{short}.", f"/{made_up_name(short)}"


@slotted
class Sides:
    """Both sides under the names that resources and policies have now, and the policies to compare."""

    new: NamedSide
    old: NamedSide
    document: tuple[Source, ...]
    baseline: tuple[Source, ...]
    # What was renamed: the former name and the name now, of resources, then of policies within one.
    renamed: tuple[tuple[str, str], ...]
    # The former names of the baseline's policies by the names that they have now.
    former_names: Mapping[str, str]

    @classmethod
    def of(cls, new: NamedSide, old: NamedSide) -> Sides:
        """The sides, their attached policies among them."""
        if new.is_bare and old.is_bare:
            return cls(
                new=new,
                old=old,
                document=new.sources,
                baseline=old.sources,
                renamed=(),
                former_names={},
            )
        holders = names_now(new, old)
        named = old.renamed(holders) if holders else old
        inline = inline_names_now(new.sources, named.sources)
        named = replace(named, sources=_called(named.sources, inline))
        sources = with_policies_now(new, named)
        sources = _called(sources, replaced_names_now(new.sources, sources))
        named = replace(named, sources=sources)
        pairs = zip(sources, old.sources, strict=True)
        former_names = {own.name: was.name for own, was in pairs if own.name != was.name}
        named = replace(named, sources=(*sources, *policies_kept_beside(new, named)))
        after, before = aligned_policies(new.sources, named.sources)
        attached = aligned_attachments(new.attachments, named.attachments)
        new = replace(new, sources=after, attachments=attached[0])
        named = replace(named, sources=before, attachments=attached[1])
        return cls(
            new=new,
            old=named,
            document=tuple(_policies(new, named)),
            baseline=tuple(_policies(named, new)),
            renamed=(
                # In the same order each time: they come out of sets.
                *sorted((was, now) for was, now in holders.items() if was in old.holders),
                *inline.items(),
            ),
            former_names=former_names,
        )


def _called(sources: Sequence[Source], now: Mapping[str, str]) -> tuple[Source, ...]:
    if not now:
        return tuple(sources)
    return tuple(replace(own, name=now.get(own.name, own.name)) for own in sources)


def _policies(own: NamedSide, other: NamedSide) -> Iterator[Source]:
    yield from own.sources
    yield from newly_attached(own.sources, other.sources)
    yield from attached_policies(own.attachments, other.attachments, own.sources)


def names_now(new: NamedSide, old: NamedSide) -> Mapping[str, str]:
    """The names that resources of the old side have now.

    The file may say so (`moved`), or AWS knows it by the same name. Otherwise it was renamed if exactly one that is gone has
    the same policies, attached policies and principals, and an instance of one (`policy.p[0]`) if the instances of the same
    resource have; or it is the only one of its label that is elsewhere now, and its policies have an action in common with
    those that it had. What goes from one root folder of Terraform to another goes to another deployment: it is gained there.
    """
    added, gone = new.resources - old.resources, old.resources - new.resources
    if not added or not gone:
        return {}
    certain = moved_now(_named(new, added), _named(old, gone), new.roots | old.roots)
    added, gone = added - set(certain.values()), gone - certain.keys()
    alike = _alike_now(new, old, added & new.holders, gone & old.holders)
    added, gone = added - set(alike.values()), gone - alike.keys()
    found = moved_elsewhere(_named(new, added), _named(old, gone), new.roots | old.roots)
    mine, theirs = _words(new, set(found.values())), _words(old, found)
    # Many modules call their only role the same, and whoever may assume one is another one's matter.
    elsewhere = {
        was: now
        for was, now in found.items()
        if _have_in_common(theirs.get(was, set()), mine.get(now, set()))
    }
    return {**elsewhere, **alike, **certain}


def _words(side: NamedSide, holders: Container[str]) -> dict[str, set[tuple[bool, str, str]]]:
    """The actions that the policies of resources allow and deny, as they are written, each with whom it is for."""
    found: dict[str, set[tuple[bool, str, str]]] = {}
    for source in side.sources:
        if isinstance(source.content, Policy) and source.holder.name in holders:
            found.setdefault(source.holder.name, set()).update(
                (statement.allows, word.lower(), principal)
                for statement in source.content.statements
                for word in (*statement.action_words, *statement.not_action_words)
                for principal in [own.value for own in statement.principals] or [""]
            )
    return found


def _have_in_common(one: set[tuple[bool, str, str]], other: set[tuple[bool, str, str]]) -> bool:
    """Whether they share an action, among those for named principals and among the others, where both have some."""
    for is_for_principals in (True, False):
        mine, theirs = (
            {word for word in own if bool(word[2]) is is_for_principals} for own in (one, other)
        )
        if mine and theirs and not mine & theirs:
            return False
    return True


def _named(side: NamedSide, names: Iterable[str]) -> Mapping[str, FoundResource]:
    found = side.found_resources
    return {name: found[name] for name in names if name in found}


def _alike_now(
    new: NamedSide, old: NamedSide, added: frozenset[str], gone: frozenset[str]
) -> Mapping[str, str]:
    """The names now of resources with the same content."""
    if len(added) + len(gone) > _MOST:
        return {}
    mine, theirs = _by_content(new, added), _by_content(old, gone)
    one_each = {
        names[0]: mine[content][0]
        for content, names in theirs.items()
        if len(names) == len(mine.get(content, ())) == 1
    }
    instances = _instances_now(
        _by_resource(new, added - set(one_each.values())),
        _by_resource(old, gone - one_each.keys()),
    )
    return {**instances, **one_each}


def _instances_now(
    new: Mapping[tuple[Any, ...], list[str]], old: Mapping[tuple[Any, ...], list[str]]
) -> Mapping[str, str]:
    """The instances of the same resource with the same content, those with the same key first, the others in order."""
    found: dict[str, str] = {}
    for content, names in old.items():
        left = {_KEY_QUOTES.sub("", name): name for name in new.get(content, ())}
        found |= {
            name: left.pop(key) for name in names if (key := _KEY_QUOTES.sub("", name)) in left
        }
        others = [name for name in names if name not in found]
        found |= dict(zip(others, left.values(), strict=False))
    return found


def _by_resource(side: NamedSide, holders: frozenset[str]) -> Mapping[tuple[Any, ...], list[str]]:
    """The instances of resources by their resource and what they hold, whatever the keys of others are that they name."""
    instances = frozenset(name for name in holders if _KEY.search(name))
    found: dict[tuple[Any, ...], list[str]] = {}
    for content, names in _by_content(side, instances).items():
        for name in names:
            key = (_KEY.sub("", name), *(_without_keys(part) for part in content))
            found.setdefault(key, []).append(name)
    return found


def _without_keys(part: Any) -> Any:
    """A part of what an instance holds; its document stays as it is."""
    return tuple(own if own.startswith("{") else _KEY.sub("", own) for own in part)


def inline_names_now(new: Sequence[Source], old: Sequence[Source]) -> Mapping[str, str]:
    """The names that policies of the old side have now, within the same resource and with the same content."""
    return _only_pairs(new, old, _content)


def replaced_names_now(new: Sequence[Source], old: Sequence[Source]) -> Mapping[str, str]:
    """The names of the policies that stand where those of the old side stood: `Policies[0] (write)` of `Policies[0] (read)`."""
    return _only_pairs(new, old, _place)


def _only_pairs(
    new: Sequence[Source], old: Sequence[Source], key: Callable[[Source], tuple[str, ...]]
) -> Mapping[str, str]:
    """The only policies with a key on both sides, among those whose name is on one side."""
    mine, theirs = {own.name for own in new}, {own.name for own in old}
    added, gone = _apart(new, theirs), _apart(old, mine)
    if len(added) + len(gone) > _MOST:
        return {}
    now, former = (_names_by(own, key) for own in (added, gone))
    return {
        names[0]: now[content][0]
        for content, names in former.items()
        if len(names) == len(now.get(content, ())) == 1
    }


def _apart(sources: Iterable[Source], names: Container[str]) -> list[Source]:
    return [own for own in sources if own.holder.name and own.name not in names]


def _names_by(
    sources: Iterable[Source], key: Callable[[Source], tuple[str, ...]]
) -> Mapping[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for own in sources:
        found.setdefault(key(own), []).append(own.name)
    return found


def _place(source: Source) -> tuple[str, ...]:
    return source.holder.name, _NAME_BESIDE_PLACE.sub("", source.name, count=1)


def _by_content(side: NamedSide, holders: frozenset[str]) -> Mapping[tuple[Any, ...], list[str]]:
    """The resources by what they hold."""
    parts: dict[str, list[tuple[Any, ...]]] = {}
    for own in side.sources:
        holder = own.holder.name
        if holder in holders:
            path = _INDEX.sub("", own.name.removeprefix(holder))
            parts.setdefault(holder, []).append((path, *_content(own)[1:]))
    for attached in side.attachments:
        if attached.holder in holders:
            path = attached.place.removeprefix(attached.holder)
            parts.setdefault(attached.holder, []).append((path, attached.policy, attached.target))
    found: dict[tuple[Any, ...], list[str]] = {}
    for holder, own_parts in parts.items():
        root = root_of(holder, side.roots)[0]
        found.setdefault(((root,), *sorted(own_parts)), []).append(holder)
    return found


def _content(source: Source) -> tuple[str, ...]:
    """What says that two policies are the same one: their resource and its type, principals and statements."""
    content = source.content
    text = content.message if isinstance(content, Syntax) else _canonical(dump(content))
    holder = source.holder
    is_off = str(holder.in_force is False)
    return holder.name, holder.type, text, is_off, *holder.attached_to


def _canonical(text: str) -> str:
    """The document without names of statements, and with its lists in order."""
    return json.dumps(_sorted(json.loads(text)), sort_keys=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(own) for name, own in value.items() if name not in _UNNAMED}
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return sorted(
        json.dumps(_sorted(item), sort_keys=True) if isinstance(item, dict) else str(item)
        for item in items
    )
