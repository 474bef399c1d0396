"""What may stand in place of a value at deployment: the other entries of a map, the other branch of a condition.

These are noted where an unknown value chooses, and where a default does that a caller may replace.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.language.alternatives import Alternative
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.alternatives import alternative, of_entries
from aws_iam.engine.sources.terraform.choosers import choice_of, chooser_of
from aws_iam.engine.sources.terraform.closures import closure_of
from aws_iam.engine.sources.terraform.syntax import (
    ListExpression,
    Literal,
    ObjectExpression,
    described,
    without_type,
)
from aws_iam.engine.sources.terraform.unknowns import Unknowns
from aws_iam.engine.sources.terraform.values import Deferred
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Expression, For

_Value = TypeVar("_Value")
_PAIR = 2


@dataclass(slots=True)
class Branches(Unknowns):
    """Notes what is not evaluated, or not known, and decides about values."""

    missing: set[str | Alternative] = field(default_factory=set, kw_only=True)
    """What was asked for: variables without a value, files without a text (`UnreadFile`), what may stand in a value's place."""

    def noted(self, compute: Callable[[], _Value]) -> tuple[_Value, frozenset[Alternative]]:
        """A value, and what may stand in its place or in that of a part of it."""
        before, self.missing = self.missing, set()
        try:
            value = compute()
        finally:
            own = self.missing
            self.missing = before | own
        return value, frozenset(one for one in own if isinstance(one, Alternative))

    def note_condition(
        self, condition: Expression, parts: tuple[object, object], scope: Scope, *, holds: bool
    ) -> None:
        """Both branches of a condition that a default decides."""
        if not (assumed := closure_of(self.budget, condition, scope).assumed):
            return
        named = closure_of(self.budget, condition, scope, by_name=True).digest
        what, choice = _chosen_by(assumed), choice_of(condition, scope)
        keys = (choice.yes, choice.no)
        for part, is_read, own_keys in zip(parts, (holds, not holds), keys, strict=True):
            if not _says_nothing(part):
                own = closure_of(self.budget, part, scope).digest
                found = alternative(what, named, own, is_read=is_read)
                self.missing.add(replace(found, chooser=choice.chooser, keys=own_keys))

    def note_entries(
        self, written: tuple[Expression, Expression], holder: Node, key: Node, scope: Scope
    ) -> str:
        """The entries among which a key chooses that is not known, or depends on a default; how that is said."""
        expression, chooses = written
        is_known = not self.placeholders.within(key.text)
        is_fixed = isinstance(chooses, Literal)
        assumed = () if is_fixed else closure_of(self.budget, chooses, scope).assumed
        if is_known and not assumed:
            return ""
        what = _chosen_by(assumed or (described(chooses),))
        if holder.form is Form.OBJECT:
            entries = [(member.key, member.value) for member in holder.members]
        elif holder.form is Form.ARRAY:
            entries = [(str(number), item) for number, item in enumerate(holder.items)]
        elif isinstance(holder, Deferred):
            return what
        else:
            self.missing.add(alternative(what, closure_of(self.budget, expression, scope).digest))
            return what
        self.budget.spend(len(entries))
        chosen = key.text if is_known else None
        self.missing |= set(of_entries(what, entries, chosen, chooser_of(chooses, scope)))
        return what

    def note_lookup(
        self, written: Sequence[Expression], arguments: Sequence[Node], scope: Scope
    ) -> None:
        """The entries of `lookup`, and what it returns where there is no such entry."""
        if len(written) < _PAIR:
            return
        holder, key = arguments[:_PAIR]
        what = self.note_entries((written[0], written[1]), holder, key, scope)
        for otherwise in written[_PAIR:] if what else ():
            own = closure_of(self.budget, otherwise, scope).digest
            is_read = not self.placeholders.within(key.text) and holder.member(key.text) is None
            found = alternative(what, "else", own, is_read=is_read)
            self.missing.add(replace(found, chooser=chooser_of(written[1], scope)))

    def note_item(self, loop: For, scope: Scope, *, included: bool | None) -> None:
        """The item of a loop, where a condition on what is not known, or on a default, decides about it."""
        if loop.condition is None:
            return
        assumed = closure_of(self.budget, loop.condition, scope).assumed
        if assumed or included is None:
            what = _chosen_by(assumed or (described(loop.condition),))
            own = closure_of(self.budget, loop.result, scope).digest
            self.missing.add(alternative(what, own, is_read=included is True))

    def note_part(self, called: str | Expression, part: object, scope: Scope) -> None:
        """All that a value is made of that is not known."""
        name = called if isinstance(called, str) else described(without_type(called))
        own = closure_of(self.budget, part, scope).digest
        self.missing.add(alternative(f"a value of {quoted(name)}", own))


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


def _chosen_by(names: Sequence[str]) -> str:
    return f"a value chosen by {joined(list(map(quoted, names)))}"
