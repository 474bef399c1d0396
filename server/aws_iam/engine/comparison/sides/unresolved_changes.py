"""Changed statements whose actions, resources or principals are known only at deployment: what they allow is unknown."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.policy_pairs import by_key
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Policy, policy_of
from aws_iam.engine.language.placeholders import OF_TEMPLATE
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.placeholders import has_function, with_words
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Where
    from aws_iam.engine.language.document import Source, Statement

_SHOWN = 3
_ACCOUNT = re.compile(r"\d{12}")
# A text without any of these has no value that is filled in later.
_MARKS = ("${", "Fn::", '"Ref"', "Ref:", "\\u")
_OF_TEMPLATE = "an action, a resource or a principal"
# A condition on an unknown value is compared as one on a word.
_COMPARED = frozenset({"Sid", "Condition"})


def with_unknown_values(source: Source) -> Source:
    """A policy outside any template with words for what a template engine fills in; others as they are."""
    policy = source.content
    if not isinstance(policy, Policy) or source.unresolved or not _is_unfilled(policy):
        return source
    node, places = with_words(policy.node)
    if not places:
        return source
    filled = policy_of(node, policy.kind, None)
    known = replace(filled, kind_guessed=policy.kind_guessed, resource_type=policy.resource_type)
    return replace(source, content=known, unresolved=places)


def _is_unfilled(policy: Policy) -> bool:
    if policy.text is not None and not any(mark in policy.text for mark in _MARKS):
        return False
    return any(
        OF_TEMPLATE.search(text)
        for statement in policy.statements
        for text in _texts(statement)
        if "${" in text
    ) or any(has_function(statement.node) for statement in policy.statements)


def _texts(statement: Statement) -> Iterator[str]:
    yield from (*statement.action_words, *statement.resource_words)
    yield from statement.not_resource_words
    yield from (own.value for own in (*statement.principals, *statement.not_principals))
    yield from (value.value for own in statement.conditions for value in own.values)


def unresolved_changes(new: Sequence[Source], old: Sequence[Source]) -> Iterator[UnjudgedChange]:
    """One change for each policy in which such a statement is new, another one or gone."""
    mine, theirs = by_key(new), by_key(old)
    for key in dict.fromkeys((*mine, *theirs)):
        both = [_unresolved(side[key]) if key in side else {} for side in (mine, theirs)]
        added, gone = (
            {text: place for text, place in one.items() if text not in other}
            for one, other in (both, both[::-1])
        )
        if added or gone:
            name = (mine.get(key) or theirs[key]).name
            pointers = (where.pointer for where in (*added.values(), *gone.values()))
            places = [quoted(place) for place in dict.fromkeys(pointers)]
            listed = joined(places, shown=_SHOWN)
            filled = [side[key] for side in (mine, theirs) if key in side]
            what = _OF_TEMPLATE if any(own.variants for own in filled) else "a value"
            where = f"{listed} of {quoted(name)}" if name else listed
            yield UnjudgedChange(
                place=name,
                says=f"{what} in {where} is changed and known only at deployment",
                widens=True,
                narrows=True,
                source=EVALUATION_LOGIC,
                where=next(iter(added.values()), None),
            )


def _unresolved(source: Source) -> dict[tuple[tuple[str, str], ...], Where]:
    """The statements with such values, by what they say, with their places."""
    if not source.unresolved or not isinstance(source.content, Policy):
        return {}
    return {
        _content(statement): _in_file(statement.place(), source.file)
        for statement in source.content.statements
        if any(_open_places(statement, source))
    }


def _in_file(where: Where, file: str | None) -> Where:
    return where if where.file or not file else replace(where, file=file)


def _content(statement: Statement) -> tuple[tuple[str, str], ...]:
    """What the statement says, apart from its name and the order of its lists."""
    named = statement.node.members
    return tuple(sorted((own.key, canonical(own.value)) for own in named if own.key != "Sid"))


def _open_places(statement: Statement, source: Source) -> Iterator[str]:
    """Where nothing of an action, a resource or a principal is known; an ARN with an unknown part is compared.

    Outside a template nothing says what a condition is on, either. A principal of an unknown account is unknown.
    """
    unresolved = source.unresolved
    for principal in (*statement.principals, *statement.not_principals):
        arn, place = Arn.of(principal.value), principal.name.at.pointer
        if arn and place in unresolved and not _ACCOUNT.fullmatch(arn.account):
            yield place
    compared = _COMPARED if source.variants else {"Sid"}
    todo = [own.value for own in statement.node.members if own.key not in compared]
    while todo:
        node = todo.pop()
        if node.form is Form.STRING and ":" not in node.text and node.at.pointer in unresolved:
            yield node.at.pointer
        todo += (*node.items, *(own.value for own in node.members))
