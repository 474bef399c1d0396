"""Policies whose names are only positions, such as those of a list: what is the same on both sides has the same name.

names_by_content(new, old)   →   {"p.json /items/0": "p.json /items/1", …}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Policy, dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.language.document import Source

# The policy is the block, the line or the item itself: what stands beside one may say whose it is.
_POSITION = re.compile(r"(?<= block )\d{1,5}$|(?<= line )\d{1,5}$|(?<=/)\d{1,5}$")


def names_by_content(new: Iterable[Source], old: Iterable[Source]) -> Mapping[str, str]:
    """The names that policies of the old side get: of one with the same content, then their own or the next one."""
    mine, theirs = _by_place(new), _by_place(old)
    found: dict[str, str] = {}
    for place, before in theirs.items():
        now = mine.get(place, [])
        if len(now) > 1 or (now and len(before) > 1):
            found |= _paired(now, before)
    return {was: name for was, name in found.items() if was != name}


def _by_place(sources: Iterable[Source]) -> dict[str, list[Source]]:
    found: dict[str, list[Source]] = {}
    for own in sources:
        # The policies of a list alone are one union.
        if own.name[:1] not in {"", "/"} and _POSITION.search(own.name):
            found.setdefault(_POSITION.sub("", own.name), []).append(own)
    return {place: own for place, own in found.items() if len({s.name for s in own}) == len(own)}


def _paired(now: Sequence[Source], before: Sequence[Source]) -> Mapping[str, str]:
    contents = {own.name: _content(own) for own in now}
    found = {own.name: own.name for own in before if contents.get(own.name) == _content(own)}
    free: dict[object, list[str]] = {}
    for name, content in contents.items():
        if name not in found:
            free.setdefault(content, []).append(name)
    for own in before:
        names = free.get(_content(own), [])
        if own.name not in found and names:
            found[own.name] = names.pop(0)
    used = set(found.values())
    left = [own.name for own in before if own.name not in found]
    kept = [name for name in left if name not in used]
    found |= {name: name for name in kept}
    used |= set(kept)
    every = dict.fromkeys((*contents, *(own.name for own in before)))
    others = (name for name in every if name not in used)
    return found | dict(zip((name for name in left if name not in kept), others, strict=False))


def _content(source: Source) -> object:
    content = source.content
    text = dump(content) if isinstance(content, Policy) else content.message
    return text, source.holder.attached_to
