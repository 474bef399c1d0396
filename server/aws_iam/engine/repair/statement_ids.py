"""Sids that describe a statement: `ReadS3Bucket`, `IamPassRole`, `ListEc2Everywhere`."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.engine.generation.access_needs import Target
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.reference.catalog_file import Level

_VERBS: Mapping[Level, str] = {
    "List": "List",
    "Read": "Read",
    "Write": "Write",
    "Tagging": "Tag",
    "Permissions management": "ManagePermissions",
}
_LONGEST = 50
# With more names a general word says more.
_FEW = 2
_WORD = re.compile(r"[A-Za-z0-9]+")


def sids(rows: Sequence[tuple[Sequence[str], Sequence[str]]], prefix: str = "") -> list[str]:
    """The Sids for statements with these actions and resources; a number distinguishes those with the same purpose."""
    purposes = [f"{prefix}{_purpose(actions, resources)}" for actions, resources in rows]
    repeated = {own for own, count in Counter(purposes).items() if count > 1}
    taken = {*purposes}
    found = []
    for purpose in purposes:
        sid, number = purpose, 1
        while purpose in repeated and sid in taken:
            sid, number = f"{purpose}{number}", number + 1
        taken.add(sid)
        found.append(sid)
    return found


def _purpose(names: Sequence[str], resources: Sequence[str]) -> str:
    actions = [found for name in names if (found := catalog().action(name))]
    if not actions or not all(map(is_literal, names)):
        return _camel(names[0])[:_LONGEST]
    services = tuple(dict.fromkeys(map(_service, actions)))
    owner = "".join(services) if len(services) <= _FEW else ""
    if len(actions) == 1:
        return f"{owner}{actions[0].name}"[:_LONGEST]
    levels = {action.level for action in actions}
    verbs = "".join(verb for level, verb in _VERBS.items() if level in levels)
    where = "Everywhere" if list(resources) == ["*"] else _types(actions, resources)
    return f"{verbs}{owner}{where}"[:_LONGEST]


def _service(action: Action) -> str:
    return _camel(action.service)


def _types(actions: Sequence[Action], resources: Sequence[str]) -> str:
    """The resource types, if there are few."""
    worked_on: dict[str, set[str]] = {}
    for action in actions:
        worked_on.setdefault(action.service, set()).update(action.resource_types)
    names: dict[str, None] = {}
    for text in resources:
        target = Target(text=text, pointer="", arn=Arn.of(text))
        for service, types in worked_on.items():
            names |= {t.name: None for t in target.types_in(service) if t.name in types}
        if len(names) > _FEW:
            return "Resources"
    return "".join(map(_camel, names))


def _camel(text: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(text))
