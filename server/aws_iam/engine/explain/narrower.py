"""A narrower form of a policy that allows the same: no redundant entries, each action only with the resources it works on.

The form is proposed only where `compare` finds it equal to the policy.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.compare import compare
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.engine.language.plain_policy import plain
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.effective.action_expansion import Expansion
    from aws_iam.engine.effective.targets import Targets
    from aws_iam.engine.language.document import Policy, Statement, Text

_MOST_STATEMENTS = 50
_SHOWN = 4


@slotted
class NarrowerPolicy:
    """The narrower form as JSON, and what it changes in which statement."""

    text: str
    changes: tuple[tuple[str, str], ...]


@slotted
class _Narrowed:
    """The statements that replace one, and what that changes."""

    pointer: str
    statements: tuple[dict[str, Any], ...]
    change: str


def narrower(policy: Policy, expansion: Expansion, targets: Targets) -> NarrowerPolicy | None:
    """The narrower form of an identity policy; None if there is none that is proved equal."""
    if policy.kind is not Kind.IDENTITY or not 0 < len(policy.statements) <= _MOST_STATEMENTS:
        return None
    body = plain(policy)
    # Another spelling of the name is read as it is meant, and has to be mended first.
    if "Statement" not in body:
        return None
    written = body["Statement"] if isinstance(body["Statement"], list) else [body["Statement"]]
    if len(written) != len(policy.statements):
        return None
    narrowed = {
        number: part
        for number, statement in enumerate(policy.statements)
        if (part := _narrowed(statement, written[number], expansion, targets))
    }
    if not narrowed:
        return None
    for chosen in _choices(narrowed):
        form = _with(body, written, chosen)
        if form["Statement"] and _is_equal(form, policy):
            return NarrowerPolicy(
                text=json.dumps(form, indent=2, ensure_ascii=False) + "\n",
                changes=tuple((part.pointer, part.change) for part in chosen.values()),
            )
    return None


def _choices(narrowed: Mapping[int, _Narrowed]) -> Iterator[Mapping[int, _Narrowed]]:
    """All changes together, then, if they are not proved equal, each alone."""
    yield narrowed
    if len(narrowed) > 1:
        for number, form in narrowed.items():
            yield {number: form}


def _with(
    body: Mapping[str, Any], written: Sequence[Any], chosen: Mapping[int, _Narrowed]
) -> dict[str, Any]:
    statements: list[Any] = []
    for number, statement in enumerate(written):
        statements += chosen[number].statements if number in chosen else (statement,)
    return {**body, "Statement": statements}


def _is_equal(form: dict[str, Any], policy: Policy) -> bool:
    try:
        return compare(form, plain(policy)).relation == "equal"
    except InputError:
        return False


def _narrowed(
    statement: Statement, written: dict[str, Any], expansion: Expansion, targets: Targets
) -> _Narrowed | None:
    if not (statement.allows and statement.actions and statement.resources):
        return None
    actions = _without_covered([entry.value for entry in statement.actions], ignore_case=True)
    resources = _without_covered([entry.value for entry in statement.resources])
    groups: dict[tuple[str, ...], list[str]] = {}
    for action in actions:
        groups.setdefault(_usable(action, resources, expansion, targets), []).append(action)
    never = groups.pop((), [])
    used = {resource for fitting in groups for resource in fitting}
    changes = [
        *_dropped(statement.actions, actions),
        *_dropped(statement.resources, resources),
        *([f"drops {_listed(never)}, which works on none of the resources"] if never else ()),
    ]
    unused = [resource for resource in resources if resource not in used] if groups else []
    changes += [f"drops {_listed(unused)}, on which no action works"] if unused else []
    if len(groups) > 1:
        changes.append(
            f"splits it into {counted(len(groups), 'statement')}, each with the resources that its actions work on"
        )
    if not changes:
        return None
    return _Narrowed(
        pointer=statement.place().pointer,
        statements=tuple(_statements(written, groups)),
        change="; ".join(changes),
    )


def _dropped(before: Sequence[Text], after: Sequence[str]) -> Iterator[str]:
    texts = [entry.value for entry in before]
    for text in after:
        texts.remove(text)
    if texts:
        yield f"drops {_listed(texts)}, which another entry covers"


def _listed(texts: Sequence[str]) -> str:
    return joined([quoted(text) for text in texts], shown=_SHOWN)


def _statements(
    written: Mapping[str, Any], groups: Mapping[tuple[str, ...], list[str]]
) -> Iterator[dict[str, Any]]:
    several = len(groups) > 1
    for number, (resources, actions) in enumerate(groups.items(), 1):
        # A Sid occurs once in a policy.
        sid = {"Sid": f"{written['Sid']}Part{number}"} if several and written.get("Sid") else {}
        yield {
            **written,
            **sid,
            "Action": _one_or_many(actions),
            "Resource": _one_or_many(resources),
        }


def _one_or_many(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _without_covered(texts: Sequence[str], *, ignore_case: bool = False) -> list[str]:
    """The entries that no other one covers; of equal ones the first."""
    unique: dict[str, str] = {}
    for text in texts:
        unique.setdefault(text.lower() if ignore_case else text, text)
    entries = list(unique.values())
    # A variable has one value in a request, which may be anything.
    wide = [text for text in entries if not is_literal(text) and "${" not in text]
    return [
        text
        for text in entries
        if not any(
            other is not text
            and covers(other, text, ignore_case=ignore_case)
            and not (text in wide and covers(text, other, ignore_case=ignore_case))
            for other in wide
        )
    ]


def _usable(
    action: str, resources: Sequence[str], expansion: Expansion, targets: Targets
) -> tuple[str, ...]:
    """The resources that the action, or one that the pattern matches, works on."""
    matched = expansion.pattern(action)
    if not matched or not all(known.resource_types for known in matched.values()):
        # Nothing is known of the action, or AWS authorises it on `*` by its reference, which lacks some ARNs.
        return tuple(resources)
    return tuple(
        resource
        for resource in resources
        if any(targets.accepts(resource, known) for known in matched.values())
    )
