"""The actions of a statement in words: names by access level, wildcards with the number of actions they match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.action_expansion import LEVELS, by_level
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import is_literal
from aws_iam.escape import quoted
from aws_iam.wording import SHOWN, counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.effective.action_expansion import Expansion
    from aws_iam.engine.language.document import Statement, Text
    from aws_iam.engine.reference.catalog import Action, Tier

_VERBS = {
    "Read": "read",
    "List": "list",
    "Write": "write",
    "Tagging": "tag",
    "Permissions management": "manage permissions",
}
# Actions that the verb of their access level would misdescribe.
_OWN_VERBS = {
    "iam:passrole": "pass to a service",
    "sts:assumerole": "assume",
    "sts:assumerolewithsaml": "assume with a SAML sign-in",
    "sts:assumerolewithwebidentity": "assume with an identity token",
    "lambda:invokefunction": "invoke",
}
# The phrase, and what the action works on.
_WITH_OBJECT = {
    "iam:passrole": ("pass {} to a service (iam:PassRole)", "role"),
    "sts:assumerole": ("assume {} (sts:AssumeRole)", "role"),
    "lambda:invokefunction": ("invoke {} (lambda:InvokeFunction)", "function"),
}
OF_TRUST = {
    "sts:assumerole": "assume the role",
    "sts:assumerolewithsaml": "assume the role with a SAML sign-in",
    "sts:assumerolewithwebidentity": "assume the role with an identity token",
    "sts:tagsession": "set session tags",
    "sts:setsourceidentity": "set a source identity",
}
"""The actions of a trust policy on the role itself."""
_FORMER: dict[Tier, str] = {
    "retired": "retired, so it grants nothing",
    "undocumented": "found only in AWS's own policies; its effect is not documented",
    "unknown": "not a known action, so its effect is unknown",
}


def with_object(statement: Statement, target: str) -> str:
    """The phrase for a statement about one action that people say with its object; empty for others."""
    names = {action.value.lower() for action in statement.actions}
    phrase, noun = _WITH_OBJECT.get(names.pop(), ("", "")) if len(names) == 1 else ("", "")
    is_any = target in {"every resource", "any resource"}
    return phrase.format(target.replace("resource", noun) if is_any else target)


def actions(
    statement: Statement,
    kind: Kind,
    expansion: Expansion,
    stand_ins: frozenset[str] = frozenset(),
) -> str:
    """The Action element as verbs with names, or NotAction as everything else.

    `stand_ins` are entries whose actions are unknown until deployment.
    """
    # `may not do everything` could mean that a part is allowed.
    whole = "anything" if statement.denies else "everything"
    if statement.has("NotAction"):
        rest = expansion.named(statement)
        left = _of_levels(rest.values())
        but = "other than" if statement.denies else "except"
        at_most = "at most " if stand_ins else ""
        excluded = _excluded(statement.not_actions, expansion, stand_ins)
        return f"do {whole} {but} {excluded} ({at_most}{left})"
    if any(_is_all(action.value) for action in statement.actions):
        return f"do {whole} ({_of_levels(expansion.pattern('*').values())})"
    own = _OWN_VERBS | (OF_TRUST if kind is Kind.TRUST else {})
    known = [action for action in statement.actions if action.value not in stand_ins]
    parts = [
        *_by_verb(known, expansion, own),
        *_wildcards(known, expansion, whole),
        *_unknown(known, expansion),
        *(f"call the actions that {quoted(entry)} holds" for entry in sorted(stand_ins)),
    ]
    return joined(parts, "or" if statement.denies else "and", shown=len(parts))


def _by_verb(
    entries: Iterable[Text], expansion: Expansion, own: Mapping[str, str]
) -> Iterator[str]:
    verbs: dict[str, dict[str, None]] = {_VERBS[level]: {} for level in LEVELS}
    for entry in entries:
        if is_literal(entry.value):
            for name, action in expansion.pattern(entry.value).items():
                verb = own.get(name) or _VERBS[action.level]
                verbs.setdefault(verb, {})[action.full_name] = None
    for verb, names in verbs.items():
        if names:
            yield f"{verb} ({', '.join(_listed(list(names)))})"


def _listed(names: Sequence[str], shown: int = 8) -> list[str]:
    more = len(names) - shown
    return [*names[:shown], f"{more:,} more"] if more > 0 else list(names)


_MOST_WILDCARDS = 8


def _wildcards(entries: Iterable[Text], expansion: Expansion, whole: str) -> Iterator[str]:
    patterns = {entry.value: None for entry in entries if not is_literal(entry.value)}
    fitting = [text for text in patterns if expansion.pattern(text)]
    for pattern in fitting[:_MOST_WILDCARDS]:
        found = expansion.pattern(pattern)
        service, _, rest = pattern.partition(":")
        if is_literal(service) and not rest.strip("*"):
            yield f"do {whole} in {service.lower()} ({_of_levels(found.values())})"
        else:
            yield f"call every action that matches {quoted(pattern)} ({_of_levels(found.values())})"
    others = fitting[_MOST_WILDCARDS:]
    if others:
        found = expansion.union(others)
        number = counted(len(others), "more pattern")
        yield f"call every action that matches one of {number} ({_of_levels(found.values())})"


def _unknown(entries: Iterable[Text], expansion: Expansion) -> Iterator[str]:
    unknown = list({e.value: None for e in entries if not expansion.pattern(e.value)})
    for name in unknown[:_MOST_WILDCARDS]:
        yield f"call {quoted(name)} ({_why(name, expansion)})"
    more = len(unknown) - _MOST_WILDCARDS
    if more > 0:
        yield f"call {counted(more, 'more action')} that AWS does not document"


def _why(name: str, expansion: Expansion) -> str:
    if not is_literal(name):
        return "matches no known action"
    return _FORMER[expansion.facts.tier(name) if ":" in name else "unknown"]


def _excluded(entries: Sequence[Text], expansion: Expansion, stand_ins: frozenset[str]) -> str:
    words = [
        f"the actions that {quoted(entry.value)} holds"
        if entry.value in stand_ins
        else _exclusion(entry.value, expansion)
        for entry in entries[:SHOWN]
    ]
    return joined([*words, *("" for _ in entries[SHOWN:])])


def _exclusion(name: str, expansion: Expansion) -> str:
    found = expansion.pattern(name)
    if not found:
        return f"{quoted(name)} (not a known action, so it excludes nothing)"
    if is_literal(name):
        return next(iter(found.values())).full_name
    return f"{quoted(name)} ({counted(len(found), 'action')})"


def _of_levels(found: Iterable[Action]) -> str:
    """`45 actions: 40 read, 5 list`, with the number of services when there are several."""
    listed = list(found)
    services = len({action.service for action in listed})
    of = f" of {services:,} services" if services > 1 else ""
    levels = by_level(listed)
    shares = ", ".join(f"{number:,} {level.lower()}" for level, number in levels.items())
    return f"{counted(len(listed), 'action')}{of}: {shares}" if listed else "no known action"


def _is_all(pattern: str) -> bool:
    service, _, rest = pattern.partition(":")
    return bool(service) and not service.strip("*") and not rest.strip("*")
