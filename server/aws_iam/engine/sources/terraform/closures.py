"""What an expression says, with all that it refers to: for what is not evaluated, such as a branch that is not taken.

closure_of(budget, expression, scope)   →   Closure(digest="…", assumed=("var.env",))

The digest is the same wherever a part stands: in the expression, in a local, in a variable's default.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.alternatives import digest
from aws_iam.engine.sources.terraform.syntax import (
    Attribute,
    Body,
    Call,
    Expression,
    Index,
    Literal,
    Name,
    ObjectExpression,
    Splat,
    Template,
    without_type,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.values import Budget

MAX_DEPTH = 60
"""So many levels of expressions and references are followed; what lies deeper counts as the same."""
_META = frozenset({"depends_on", "lifecycle", "provider"})
_PLACES = frozenset({"at", "offset", "expression"})


@slotted
class Closure:
    """A digest of all that an expression says, and the defaults that it depends on: these may be other values."""

    digest: str
    assumed: tuple[str, ...] = ()


def closure_of(
    budget: Budget, expression: object, scope: Scope, *, by_name: bool = False
) -> Closure:
    """The closure of an expression, a body or a part of one; `by_name`: variables count by their names."""
    walk = _Walk(budget, by_name)
    found = walk.of(expression, scope, 0)
    return Closure(digest=found, assumed=tuple(walk.assumed))


@dataclass(slots=True)
class _Walk:
    budget: Budget
    by_name: bool
    assumed: dict[str, None] = field(default_factory=dict)
    # The digests of what references stand for; empty while one is made, which ends one that refers to itself.
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)

    def of(self, part: object, scope: Scope, depth: int) -> str:  # noqa: C901, PLR0911 - a return for each form
        """The digest of a part."""
        self.budget.spend()
        if depth > MAX_DEPTH:
            return ""
        if isinstance(part, Call):
            part = without_type(part)
        if isinstance(part, (Attribute, Index, Splat)):
            referred = self._reference(part, scope, depth)
            if referred is not None:
                return referred
        if isinstance(part, Literal):
            return digest("literal", part.value.text)
        if isinstance(part, Template) and len(part.parts) == 1:
            # One interpolation alone is its value.
            return self.of(part.parts[0], scope, depth + 1)
        if isinstance(part, Name):
            own = scope.names.get(part.name)
            return digest("name", part.name if own is None else canonical(own))
        if isinstance(part, Body):
            return self._body(part, scope, depth)
        if isinstance(part, ObjectExpression):
            pairs = (self._all(pair, scope, depth) for pair in part.members)
            return digest("object", *sorted(pairs))
        if isinstance(part, tuple):
            return self._all(part, scope, depth)
        if is_dataclass(part):
            own_fields = (own.name for own in fields(part) if own.name not in _PLACES)
            values = tuple(getattr(part, name) for name in own_fields)
            return digest(type(part).__name__, self._all(values, scope, depth))
        return digest(str(part))

    def _all(self, parts: tuple[object, ...], scope: Scope, depth: int) -> str:
        return digest(*(self.of(own, scope, depth + 1) for own in parts))

    def _body(self, body: Body, scope: Scope, depth: int) -> str:
        written = (
            digest(name, self.of(body.attribute(name), scope, depth + 1))
            for name in body.attribute_names
            if name not in _META
        )
        blocks = (
            digest(own.type, *own.labels, self._body(own.body, scope, depth + 1))
            for own in body.blocks
            if own.type not in _META
        )
        return digest(*sorted(written), *blocks)

    def _reference(self, part: Attribute | Index | Splat, scope: Scope, depth: int) -> str | None:
        """The digest of what a reference stands for; None where the module does not say what that is."""
        path = list(_path(part))
        if not path or path[0] in scope.names:
            return None
        found = scope.module.behind(path)
        if found is None or len(path) != found.length:
            return None
        if found.is_default:
            self.assumed[".".join(path)] = None
            if self.by_name:
                return digest(*path)
        key = (id(scope.module), *path)
        if key not in self._known:
            self._known[key] = ""
            self._known[key] = self.of(found.part, found.scope, depth + 1)
        return self._known[key]


def _path(part: Expression) -> Iterator[str]:
    """The names of a reference, `data`, `aws_x`, `name`; nothing for what is none."""
    names: list[str] = []
    while isinstance(part, Attribute):
        names.append(part.name)
        part = part.holder
    if isinstance(part, Name):
        yield part.name
        yield from reversed(names)
