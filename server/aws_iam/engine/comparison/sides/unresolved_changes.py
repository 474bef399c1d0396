"""Changed statements whose actions, resources or principals are known only at deployment: what they allow is unknown."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.actions import matching_actions
from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.comparison.automaton import OverBudget
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.comparison.sides.policy_pairs import by_key
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Policy, policy_of
from aws_iam.engine.language.memo import ByWord, memo_on_subject
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.language.placeholders import OF_TEMPLATE
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.placeholders import has_function, with_words
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from aws_iam.answer import Where
    from aws_iam.engine.language.document import Source, Statement

    Changed = tuple[Statement, tuple[str, ...]]

_SHOWN = 3
_ACCOUNT = re.compile(r"\d{12}")
# A text without any of these has no value that is filled in later.
_MARKS = ("${", "Fn::", '"Ref"', "Ref:", "\\u")
_IN_CONDITION = "/Condition/"
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
    return any(map(_has_hole, filter(may_be_known_later, policy.statements)))


@memo_on_subject
def may_be_known_later(statement: Statement) -> bool:
    """Whether a text may have a part that somebody or a template engine has yet to fill in: most have none."""
    return (
        any(map(_HAS_SIGN.__getitem__, texts_of(statement)))
        or any(map(_HOLES.__getitem__, _actions_of(statement)))
        or has_function(statement.node)
    )


def _has_hole(statement: Statement) -> bool:
    texts = (*_actions_of(statement), *texts_of(statement))
    return any(map(_HOLES.__getitem__, texts)) or has_function(statement.node)


def _actions_of(statement: Statement) -> tuple[str, ...]:
    return (*statement.action_words, *statement.not_action_words)


def texts_of(statement: Statement) -> tuple[str, ...]:
    """The resources, the principals and the values of conditions of a statement."""
    words = [node.words for node in (statement.resource, statement.not_resource) if node]
    named = (own.value for own in (*statement.principals, *statement.not_principals))
    values = (value.value for own in statement.conditions for value in own.values)
    return (*chain.from_iterable(words), *named, *values)


# Every part that is known later begins with one of these; to look for the parts themselves takes ten times as long.
_SIGN = re.compile(
    r"[<{\[$%]|(?i:account)|YOUR|MY|REPLACE|EXAMPLE|##|@@|__[A-Z]|([A-Za-z])\1\1|xx[A-Z]"
)
# The texts of policies repeat from one to the next.
_HAS_SIGN = ByWord(lambda text: _SIGN.search(text) is not None, of_reference=False)
_HOLES = ByWord(lambda text: "${" in text and bool(OF_TEMPLATE.search(text)), of_reference=False)


def unresolved_changes(new: Sequence[Source], old: Sequence[Source]) -> Iterator[UnjudgedChange]:
    """One change for each policy in which such a statement is new, another one or gone."""
    mine, theirs = by_key(new), by_key(old)
    for key in dict.fromkeys((*mine, *theirs)):
        now, before = mine.get(key), theirs.get(key)
        added, gone = tuple(_only_in(now, before)), tuple(_only_in(before, now))
        if not (added or gone):
            continue
        filled = [own for own in (now, before) if own]
        name = filled[0].name
        pointers = (statement.place().pointer for statement, _ in (*added, *gone))
        listed = joined([quoted(own) for own in dict.fromkeys(pointers)], shown=_SHOWN)
        places = [place for _, own in (*added, *gone) for place in own]
        what = "a condition" if all(_IN_CONDITION in own for own in places) else _OF_TEMPLATE
        what = what if any(own.variants for own in filled) else "a value"
        where = f"{listed} of {quoted(name)}" if name else listed
        actions = _added_actions(added, gone)
        yield UnjudgedChange(
            place=name,
            says=f"{joined(actions, shown=_SHOWN)} {'is' if len(actions) == 1 else 'are'} added in {where}, on what is known only at deployment"
            if actions
            else f"{what} in {where} is changed and known only at deployment",
            widens=True,
            narrows=True,
            source=EVALUATION_LOGIC,
            where=_in_file(added[0][0].place(), filled[0].file) if added else None,
        )


def _added_actions(added: Sequence[Changed], gone: Sequence[Changed]) -> list[str]:
    """The known actions that one statement has more than before, if that is all that is changed in it."""
    if len(added) != 1 or len(gone) != 1:
        return []
    (now, mine), (before, theirs) = added[0], gone[0]
    changed = {key for key, _ in set(_content(now)) ^ set(_content(before))}
    if changed != {"Action"} or any("/Action" in place for place in (*mine, *theirs)):
        return []
    words = {word.lower(): quoted(word) for word in now.action_words}
    known = {word.lower() for word in before.action_words}
    return [word for own, word in words.items() if own not in known] if known < set(words) else []


def _only_in(
    source: Source | None, other: Source | None
) -> Iterator[tuple[Statement, tuple[str, ...]]]:
    """The statements that the other side has not and of which too little is known, with the places of it."""
    if source is None:
        return
    known = _statements(other) if other else {}
    for content, statement in _statements(source).items():
        places = () if content in known else tuple(_open_places(statement, source))
        if places:
            yield statement, places


def _statements(source: Source) -> dict[tuple[tuple[str, str], ...], Statement]:
    """The statements with values that are known later, by what they say."""
    if not source.unresolved or not isinstance(source.content, Policy):
        return {}
    return {_content(statement): statement for statement in source.content.statements}


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
    yield from _never_asked_for(statement, unresolved)
    yield from _never_met(statement, unresolved)


def _never_asked_for(statement: Statement, unresolved: Container[str]) -> Iterator[str]:
    """Where too little of an ARN is known for any request of the statement: `arn:aws:iam::111122223333:${path}`."""
    for entry in (*statement.resources, *statement.not_resources):
        if entry.at.pointer in unresolved and not any(
            may_be_asked(action, entry.value) for action in _actions(statement)
        ):
            yield entry.at.pointer


def _actions(statement: Statement) -> Iterator[str]:
    for word in statement.action_words or ("*",):
        yield from (name for name in matching_actions(word))


def _never_met(statement: Statement, unresolved: Container[str]) -> Iterator[str]:
    """Where a condition asks for a value of another form than the key has, such as an address."""
    for condition in statement.conditions:
        if OPERATORS.get(condition.base) is None:
            continue
        for value in condition.values:
            if value.at.pointer not in unresolved:
                continue
            atom = Atom(condition.name, condition.operator.value, (value.value,))
            try:
                values = distinct_values(condition.name, [atom], present=True)
            except OverBudget:
                continue
            if len({own.true for own in values}) == 1:
                yield value.at.pointer
