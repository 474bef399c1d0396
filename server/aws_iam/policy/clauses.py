"""Policies made ready for comparison: statements as clauses over shared atoms, variables settled by a scenario.

A scenario says what each variable stands for: a text of its own that nothing else names, one that the policies do name,
or nothing (the key is absent). Within a scenario no variable is left, so that everything is a question about patterns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.policy.conditions import has_wildcards
from aws_iam.policy.layers import Ready
from aws_iam.policy.operators import OPERATORS, QUALIFIERS
from aws_iam.policy.points import Atom
from aws_iam.policy.substitution import literal
from aws_iam.policy.variables import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.policy.document import Condition, Policy, Principal, Statement

_HOLE = re.compile(r"\$\{([^}]*)\}")
_VARIABLES = "2012-10-17"
_FIELDS = 5

Scenario = "Mapping[str, str | None]"
"""Variable key, in lower case, to the text it stands for; None when the request has no such key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One statement. `resources` is None where the policy means its own resource; `needs` are atoms as bits.

    `unclear` says that a condition of it cannot be read, so that nothing is claimed where it would decide.
    """

    ready: Ready
    allows: bool
    resources: tuple[str, ...] | None
    not_resources: bool
    needs: int
    unclear: bool
    pointer: str

    @property
    def statement(self) -> Statement:
        """The statement as read."""
        return self.ready.statement

    @property
    def is_anywhere(self) -> bool:
        """Whether it speaks of every resource."""
        if self.resources is None:
            return True
        return not self.not_resources and "*" in self.resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: the union of some policies."""

    clauses: tuple[Clause, ...]

    @property
    def allows(self) -> tuple[Clause, ...]:
        """The Allow statements."""
        return tuple(each for each in self.clauses if each.allows)

    @property
    def denies(self) -> tuple[Clause, ...]:
        """The Deny statements."""
        return tuple(each for each in self.clauses if not each.allows)


@dataclass(slots=True)
class Atoms:
    """The conditions of all sides, each distinct one once, numbered."""

    numbers: dict[Atom, int] = field(default_factory=dict)

    def bit(self, atom: Atom) -> int:
        """The bit of an atom."""
        return 1 << self.numbers.setdefault(atom, len(self.numbers))

    def by_key(self) -> dict[str, list[Atom]]:
        """The atoms of each key, keys that more atoms ask for first."""
        found: dict[str, list[Atom]] = {}
        for atom in self.numbers:
            found.setdefault(atom.key, []).append(atom)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def variable_keys(policies: Iterable[Policy]) -> tuple[str, ...]:
    """The keys, in lower case, that variables of the policies name."""
    found: dict[str, None] = {}
    for text in texts_of(each for each in policies if _has_variables(each)):
        for hole in _HOLE.findall(text) if "${" in text else ():
            if hole not in ESCAPES:
                found[hole.partition(",")[0].strip().lower()] = None
    return tuple(found)


def texts_of(policies: Iterable[Policy]) -> Iterator[str]:
    """Every text in which a variable may stand: resources and values of conditions."""
    for policy in policies:
        for statement in policy.statements:
            yield from (each.value for each in (*statement.resources, *statement.not_resources))
            for condition in statement.conditions:
                yield from (each.value for each in condition.values)


def _has_variables(policy: Policy) -> bool:
    return policy.version is not None and policy.version.value == _VARIABLES


def side(policies: Sequence[Policy], atoms: Atoms, scenario: Mapping[str, str | None]) -> Side:
    """The policies as clauses over the atoms, their variables settled."""
    return Side(
        clauses=tuple(
            _clause(
                statement, atoms, scenario if _has_variables(policy) else None, number, policies
            )
            for number, policy in enumerate(policies)
            for statement in policy.statements
        )
    )


def _clause(
    statement: Statement,
    atoms: Atoms,
    scenario: Mapping[str, str | None] | None,
    number: int,
    policies: Sequence[Policy],
) -> Clause:
    needs, unclear = 0, False
    for condition in statement.conditions:
        atom = _atom(condition, scenario)
        if atom is None:
            unclear = True
        else:
            needs |= atoms.bit(atom)
    negated = statement.has("NotResource")
    entries = statement.not_resources if negated else statement.resources
    named = negated or statement.has("Resource")
    settled = (_resource(each.value, scenario) for each in entries)
    place = statement.node.where.pointer
    return Clause(
        ready=Ready.of(statement),
        allows=statement.allows,
        resources=tuple(each for each in settled if each is not None) if named else None,
        not_resources=negated,
        needs=needs,
        unclear=unclear,
        pointer=f"/{number}{place}" if len(policies) > 1 else place,
    )


def _resource(text: str, scenario: Mapping[str, str | None] | None) -> str | None:
    if text.startswith("arn:") and (missing := _FIELDS - text.count(":")) > 0:
        text += ":*" * missing
    return _settled(text, scenario, escaped=True)


def _atom(condition: Condition, scenario: Mapping[str, str | None] | None) -> Atom | None:
    qualifier, base = condition.qualifier, condition.base
    known = base in OPERATORS and (not qualifier or qualifier in QUALIFIERS)
    if not known or (base == "Null" and condition.if_exists):
        return None
    wanted = [each.value for each in condition.values]
    if base != "Null":
        escaped = has_wildcards(base)
        filled = (_settled(each, scenario, escaped=escaped) for each in wanted)
        wanted = [each for each in filled if each is not None]
    return Atom(condition.name, condition.operator.value, tuple(sorted(wanted)))


def _settled(text: str, scenario: Mapping[str, str | None] | None, *, escaped: bool) -> str | None:
    """The text with its variables as the scenario says; None when one of them stands for nothing."""
    if scenario is None or "${" not in text:
        return text
    parts: list[str] = []
    at = 0
    for hole in _HOLE.finditer(text):
        value = _value(hole[1], scenario)
        if value is None:
            return None
        parts += (text[at : hole.start()], literal(value) if escaped else value)
        at = hole.end()
    return "".join((*parts, text[at:]))


def _value(inside: str, scenario: Mapping[str, str | None]) -> str | None:
    if inside in ESCAPES:
        return inside
    name, comma, default = inside.partition(",")
    value = scenario.get(name.strip().lower())
    if value is None and comma:
        return default.strip().strip("'")
    return value


def principals_of(policies: Iterable[Policy]) -> Iterator[Principal]:
    """Every principal that the policies name."""
    for policy in policies:
        for statement in policy.statements:
            yield from statement.principals
            yield from statement.not_principals
