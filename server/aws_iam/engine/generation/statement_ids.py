"""Sids that describe a statement: `ReadS3Bucket`, `IamPassRole`, `ListEc2Everywhere`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.generation.access_needs import Target
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.generation.action_grants import AllowStatement
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


def with_sids(statements: Iterable[AllowStatement]) -> tuple[AllowStatement, ...]:
    """The statements with Sids; a number distinguishes those with the same purpose."""
    listed = [(statement, _purpose(statement)) for statement in statements]
    repeated = {purpose for purpose, count in Counter(p for _, p in listed).items() if count > 1}
    taken = {purpose for _, purpose in listed}
    found = []
    for statement, purpose in listed:
        sid, number = purpose, 1
        while purpose in repeated and sid in taken:
            sid, number = f"{purpose}{number}", number + 1
        taken.add(sid)
        found.append(replace(statement, sid=sid))
    return tuple(found)


def _purpose(statement: AllowStatement) -> str:
    actions = [found for name in statement.actions if (found := catalog().action(name))]
    services = tuple(dict.fromkeys(map(_service, actions)))
    owner = "".join(services) if len(services) <= _FEW else ""
    if len(actions) == 1:
        return f"{owner}{actions[0].name}"[:_LONGEST]
    levels = {action.level for action in actions}
    verbs = "".join(verb for level, verb in _VERBS.items() if level in levels)
    where = "Everywhere" if statement.resources == ("*",) else _types(actions, statement.resources)
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
