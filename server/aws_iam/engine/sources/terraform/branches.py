"""What may stand in place of a value at deployment: the other entries of a map, the other branch of a condition.

These are noted where an unknown value chooses, and where a default does that a caller may replace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.language.alternatives import Alternative
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.alternatives import alternative, of_entries
from aws_iam.engine.sources.terraform.closures import closure_of
from aws_iam.engine.sources.terraform.syntax import (
    ListExpression,
    Literal,
    ObjectExpression,
    described,
)
from aws_iam.engine.sources.terraform.values import Deferred
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.terraform.expressions import Evaluator, Scope
    from aws_iam.engine.sources.terraform.syntax import Call, Expression

_Value = TypeVar("_Value")
_LOOKUP = "lookup"
_PAIR = 2


def noted(
    evaluator: Evaluator, compute: Callable[[], _Value]
) -> tuple[_Value, frozenset[Alternative]]:
    """A value, and what may stand in its place or in that of a part of it."""
    before, evaluator.missing = evaluator.missing, set()
    try:
        value = compute()
    finally:
        own = evaluator.missing
        evaluator.missing = before | own
    return value, frozenset(one for one in own if isinstance(one, Alternative))


def of_condition(
    evaluator: Evaluator,
    condition: Expression,
    parts: tuple[object, object],
    scope: Scope,
    *,
    holds: bool,
) -> Iterator[Alternative]:
    """Both branches of a condition that a default decides."""
    if not (assumed := closure_of(evaluator, condition, scope).assumed):
        return
    named = closure_of(evaluator, condition, scope, by_name=True).digest
    for part, is_read in zip(parts, (holds, not holds), strict=True):
        if _says_nothing(part):
            continue
        own = closure_of(evaluator, part, scope).digest
        yield alternative(_chosen_by(*assumed), named, own, is_read=is_read)


def of_index(
    evaluator: Evaluator,
    written: tuple[Expression, Expression],
    holder: Node,
    key: Node,
    scope: Scope,
) -> Iterator[Alternative]:
    """The entries among which a key chooses that is not known, or depends on a default."""
    expression, chooses = written
    is_known = not evaluator.placeholders.within(key.text)
    assumed = () if isinstance(chooses, Literal) else closure_of(evaluator, chooses, scope).assumed
    if is_known and not assumed:
        return
    what = _chosen_by(*(assumed or (described(chooses),)))
    chosen = key.text if is_known else None
    if holder.form is Form.OBJECT:
        entries = [(member.key, member.value) for member in holder.members]
    elif holder.form is Form.ARRAY:
        entries = [(str(number), item) for number, item in enumerate(holder.items)]
    else:
        if not isinstance(holder, Deferred):
            yield alternative(what, closure_of(evaluator, expression, scope).digest)
        return
    evaluator.budget.spend(len(entries))
    yield from of_entries(what, entries, chosen)


def of_call(evaluator: Evaluator, call: Call, found: Node, scope: Scope) -> Iterator[Alternative]:
    """What a call chooses among, or makes something of that is not known."""
    if call.function.removeprefix("core::") == _LOOKUP and len(call.arguments) >= _PAIR:
        first, second = call.arguments[:_PAIR]
        holder, key = (evaluator.value_or_hole(own, scope) for own in (first, second))
        noted = list(of_index(evaluator, (first, second), holder, key, scope))
        yield from noted
        if noted and call.arguments[_PAIR:]:
            own = closure_of(evaluator, call.arguments[_PAIR], scope).digest
            is_read = not evaluator.is_hole(found) and holder.member(key.text) is None
            yield alternative(noted[0].what, "else", own, is_read=is_read)
    elif evaluator.is_hole(found) and call.arguments:
        yield from of_part(evaluator, described(call), call, scope)


def of_item(
    evaluator: Evaluator,
    condition: Expression | None,
    result: Expression,
    scope: Scope,
    *,
    included: bool | None,
) -> Iterator[Alternative]:
    """The item of a loop, where a condition on what is not known, or on a default, decides about it."""
    if condition is None:
        return
    assumed = closure_of(evaluator, condition, scope).assumed
    if assumed or included is None:
        what = _chosen_by(*(assumed or (described(condition),)))
        own = closure_of(evaluator, result, scope).digest
        yield alternative(what, own, is_read=included is True)


def of_part(evaluator: Evaluator, name: str, part: object, scope: Scope) -> Iterator[Alternative]:
    """All that a value is made of that is not known."""
    yield alternative(f"a value of {quoted(name)}", closure_of(evaluator, part, scope).digest)


def _says_nothing(part: object) -> bool:
    """Whether a branch is only the absence of the other one, or a number of instances."""
    match part:
        case Literal():
            return part.value.form is not Form.STRING or not part.value.text
        case ListExpression():
            return not part.items
        case ObjectExpression():
            return not part.members
        case _:
            return part == ()


def _chosen_by(*names: str) -> str:
    return f"a value chosen by {joined(list(map(quoted, names)))}"
