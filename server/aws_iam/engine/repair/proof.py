"""What a repaired document allows or denies besides what was asked: searched for statement by statement, then as a whole.

What the new document alone allows, a Deny denied that is narrower now, or only a widened Allow allows. Where each such Deny is
within what is left of it, and each such Allow within what it was, apart from what was asked, nothing is gained, whatever the
other statements say. That needs no search among all statements; only where it does not hold they may still make up for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.automaton import Budget
from aws_iam.engine.comparison.one_way_search import SearchResult
from aws_iam.engine.language.pattern import covers, intersects
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.repair.additions import is_for
from aws_iam.engine.repair.coverage import is_covered, statements_for
from aws_iam.engine.repair.draft import statements_of
from aws_iam.engine.repair.listed_callers import callers_of, for_callers
from aws_iam.engine.repair.requirements import listed
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.language.document import Statement as ParsedStatement
    from aws_iam.engine.repair.draft import Draft
    from aws_iam.engine.repair.judge import Judge
    from aws_iam.engine.repair.requirements import Cell

Statement = dict[str, Any]
_Condition = tuple[str, str, Any]


@slotted
class _Within:
    """A statement, and those of the same effect of which one has to apply wherever it does."""

    statement: Statement
    others: tuple[Statement, ...]
    # Whether it mostly is a part of the only other one, which takes no look at what was asked.
    is_narrower: bool = False
    # Others of which one may apply instead: looked at by what they list only, as a search takes the longer the more there are.
    beside: tuple[Statement, ...] = ()


def gained(judge: Judge, draft: Draft, asked: Sequence[Cell]) -> SearchResult:
    """A search for a request that only the new document allows, apart from the asked ones."""
    return _besides(judge, draft, asked, _gains(draft), is_gained=True)


def lost(judge: Judge, draft: Draft, asked: Sequence[Cell]) -> SearchResult:
    """A search for a request that only the given document allows, apart from the asked ones."""
    return _besides(judge, draft, asked, _losses(draft), is_gained=False)


def _besides(
    judge: Judge,
    draft: Draft,
    asked: Sequence[Cell],
    changes: Iterable[_Within],
    *,
    is_gained: bool,
) -> SearchResult:
    apart, never_asked = judge.apart_from(asked), judge.apart_from(())
    budget = Budget()
    for own in changes:
        if _is_listed(own, asked):
            continue
        if own.is_narrower and _within(own, never_asked, judge, budget).is_none:
            continue
        found = _within(own, apart, judge, budget)
        if found.open:
            # What is too much for one statement is so for all of them.
            return found
        if found.differences:
            # Other statements may make up for it.
            break
    else:
        return SearchResult()
    new, old = judge.policy(draft.statements), judge.policy(statements_of(draft.given))
    pair = (new, old) if is_gained else (old, new)
    return judge.beyond(*pair, apart)


def _gains(draft: Draft) -> Iterator[_Within]:
    given = statements_of(draft.given)
    for number, own in enumerate(given):
        left = tuple(part.statement for part in draft.parts if part.origin == number)
        if own.get("Effect") == "Deny" and own not in left:
            yield _Within(statement=own, others=left)
    allows = tuple(own for own in given if own.get("Effect") == "Allow")
    for part in draft.parts:
        before = () if part.origin is None else (given[part.origin],)
        if part.statement.get("Effect") == "Allow" and part.statement not in before:
            yield _Within(statement=part.statement, others=before, beside=allows)


def _losses(draft: Draft) -> Iterator[_Within]:
    given = statements_of(draft.given)
    denies = tuple(own for own in given if own.get("Effect") == "Deny")
    for part in draft.parts:
        before = () if part.origin is None else (given[part.origin],)
        if part.statement.get("Effect") == "Deny" and part.statement not in before:
            yield _Within(
                statement=part.statement,
                others=before,
                is_narrower=bool(before),
                beside=denies,
            )
    for number, own in enumerate(given):
        left = tuple(part.statement for part in draft.parts if part.origin == number)
        if own.get("Effect") == "Allow" and own not in left:
            yield _Within(statement=own, others=left)


def _is_listed(change: _Within, asked: Sequence[Cell]) -> bool:
    """Whether each pair of action and resource of the statement is one of another one's or was asked, as the entries say."""
    return all(_is_covered(own, change, asked) for own in _by_caller(change.statement))


def _by_caller(statement: Statement) -> Sequence[Statement]:
    """The statement for each of the callers that it lists, of which others may be for some only."""
    names = callers_of(statement)
    return [for_callers(statement, [name]) for name in names] or [statement]


def _is_covered(own: Statement, change: _Within, asked: Sequence[Cell]) -> bool:
    others = (*change.others, *change.beside)
    same = (other for other in others if _applies_with(own, other))
    return is_covered(own, (*same, *statements_for(c for c in asked if _applies_with(own, c.who))))


def _applies_with(own: Statement, other: Mapping[str, Any]) -> bool:
    """Whether who and when a statement is for, another one, or a requirement, is for, too."""
    given = list(_conditions(own))
    if own.get("NotPrincipal") != other.get("NotPrincipal"):
        return False
    return is_for(other.get("Principal"), own.get("Principal")) and all(
        any(_implies(mine, one) for mine in given) for one in _conditions(other)
    )


def _within(change: _Within, asked: Policy, judge: Judge, budget: Budget) -> SearchResult:
    """A search for a request that the statement applies to and none of the others, apart from the asked ones."""
    (whole,) = judge.policy((change.statement,)).statements
    met = tuple(own for own in asked.statements if _may_meet(own, whole))
    apart = replace(asked, statements=met)
    narrow, *others = _without_shared(change, apart)
    statement, rest = judge.policy((narrow,)), judge.policy(others)
    if narrow["Effect"] == "Allow":
        return judge.one_way((statement, apart), without=(rest, apart), budget=budget)
    # What the others let through and the statement does not.
    everything = judge.everything
    return judge.one_way(
        (everything, rest, apart), without=(everything, statement, apart), budget=budget
    )


def _may_meet(one: ParsedStatement, other: ParsedStatement) -> bool:
    """Whether two statements may apply to one request, by what they list of actions and resources."""
    return _is_shared(one.action_words, other.action_words, ignore_case=True) and _is_shared(
        [without_variables(own, "*") for own in one.resource_words],
        [without_variables(own, "*") for own in other.resource_words],
    )


def _is_shared(one: Sequence[str], other: Sequence[str], *, ignore_case: bool = False) -> bool:
    return (
        not one
        or not other
        or any(intersects(own, theirs, ignore_case=ignore_case) for own in one for theirs in other)
    )


def _without_shared(change: _Within, apart: Policy) -> Iterator[Statement]:
    """The statement and the others without conditions that tell none of their requests apart.

    Its own conditions hold for each request of the statement, and with them what they imply of the others. Those of its own on
    keys of which nothing else is asked are left out, too: that only makes the question harder to answer by yes.
    """
    own = list(_conditions(change.statement))
    others = [
        [one for one in _conditions(other) if not any(_implies(mine, one) for mine in own)]
        for other in change.others
    ]
    told = {key for left in others for _, key, _ in left}
    told |= {one.name for statement in apart.statements for one in statement.conditions}
    # In the same way no request of the statement is about what its NotResource leaves out, as those of the others do.
    lists = [set(listed(own["NotResource"])) for own in change.others if "NotResource" in own]
    common = set.intersection(*lists) if lists else set()
    spared = [own for own in listed(change.statement.get("NotResource")) if own in common]
    narrow = _with_conditions(change.statement, [one for one in own if one[1] in told])
    yield _with_all_but(narrow, spared)
    for other, left in zip(change.others, others, strict=True):
        yield _with_all_but(_with_conditions(other, left), spared)


def _with_all_but(statement: Statement, spared: Sequence[str]) -> Statement:
    """The statement, also for the resources that the others leave out, too."""
    if "NotResource" not in statement or not spared:
        return statement
    kept = [own for own in listed(statement["NotResource"]) if own not in spared]
    rest = {name: value for name, value in statement.items() if name != "NotResource"}
    return {**rest, "NotResource": kept} if kept else {**rest, "Resource": "*"}


def _without_covered(resources: object) -> object:
    """The entries of Resource without those that another one covers, whatever their variables stand for."""
    entries = listed(resources)
    kept: list[str] = []
    for own in sorted(entries, key=len):
        if not any(
            "${" not in other and covers(other, without_variables(own, "*")) for other in kept
        ):
            kept.append(own)
    return kept if len(kept) < len(entries) else resources


def _implies(one: _Condition, other: _Condition) -> bool:
    """Whether a condition holds only where the other one does: it has fewer values to meet, or more of which none may be met."""
    (operator, key, values), (theirs, name, wanted) = one, other
    if (operator, key) != (theirs, name):
        return False
    if not isinstance(values, list) or not isinstance(wanted, list):
        return bool(values == wanted)
    return {*wanted} <= {*values} if "Not" in operator else {*values} <= {*wanted}


def _conditions(statement: Mapping[str, Any]) -> Iterator[_Condition]:
    """The conditions as operator, key in lower case and values."""
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key.lower(), listed(values) or values


def _with_conditions(statement: Statement, conditions: Iterable[_Condition]) -> Statement:
    block: dict[str, dict[str, Any]] = {}
    for operator, key, values in conditions:
        block.setdefault(operator, {})[key] = values
    rest = {name: value for name, value in statement.items() if name != "Condition"}
    if "Resource" in rest:
        rest["Resource"] = _without_covered(rest["Resource"])
    return {**rest, "Condition": block} if block else rest
