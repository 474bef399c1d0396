"""Policies made ready for comparison: statements as clauses over shared atoms, variables settled by a scenario.

A scenario says what each variable stands for: a text of its own that nothing else names, one that the policies do name,
or nothing (the key is absent). Within a scenario no variable is left, so that everything is a question about patterns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.policy.comparison.points import Atom
from aws_iam.policy.conditions import has_wildcards
from aws_iam.policy.evaluation.layers import Ready
from aws_iam.policy.evaluation.substitution import default_of, literal
from aws_iam.policy.operators import OPERATORS, QUALIFIERS
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
    # The policy among several of its side.
    place: str
    # Whether it says whom it speaks of.
    has_principals: bool
    # Whether it speaks of every resource.
    is_anywhere: bool

    @property
    def pointer(self) -> str:
        """Where the statement stands."""
        return f"{self.place}{self.statement.node.where.pointer}"

    @property
    def statement(self) -> Statement:
        """The statement as read."""
        return self.ready.statement


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
    for texts in populations([each for each in policies if _has_variables(each)]):
        for text in texts:
            for hole in _HOLE.findall(text) if "${" in text else ():
                if hole not in ESCAPES:
                    found[hole.partition(",")[0].strip().lower()] = None
    return tuple(found)


def populations(policies: Iterable[Policy]) -> Iterator[tuple[str, ...]]:
    """The texts in which a variable may stand, those together that meet the same: resources, values of each key."""
    resources: dict[str, None] = {}
    values: dict[str, dict[str, None]] = {}
    for policy in policies:
        for statement in policy.statements:
            entries = (*statement.resources, *statement.not_resources)
            resources |= dict.fromkeys(each.value for each in entries)
            for condition in statement.conditions:
                held = values.setdefault(condition.name, {})
                held |= dict.fromkeys(each.value for each in condition.values)
    yield tuple(resources)
    yield from map(tuple, values.values())


def _has_variables(policy: Policy) -> bool:
    return policy.version is not None and policy.version.value == _VARIABLES


def side(
    policies: Sequence[Policy], atoms: Atoms, scenario: Mapping[str, str | None] | None
) -> Side:
    """The policies as clauses over the atoms, their variables settled; without a scenario as they are written."""
    return Side(
        clauses=tuple(
            _clause(
                statement,
                atoms,
                scenario if _has_variables(policy) else None,
                f"/{number}" if len(policies) > 1 else "",
                apart=scenario is None and not _has_variables(policy),
            )
            for number, policy in enumerate(policies)
            for statement in policy.statements
        )
    )


def _clause(
    statement: Statement,
    atoms: Atoms,
    scenario: Mapping[str, str | None] | None,
    place: str,
    *,
    apart: bool,
) -> Clause:
    needs, unclear = 0, False
    for condition in statement.conditions:
        atom = _atom(condition, scenario)
        if atom and apart and any("${" in each for each in atom.wanted):
            # In a policy of the old version this is plain text, in others a variable.
            unclear = True
        if atom is None:
            unclear = True
        else:
            needs |= atoms.bit(atom)
    negated = statement.has("NotResource")
    entries = statement.not_resources if negated else statement.resources
    # Only the policy of a resource may leave its own resource out.
    principaled = _has_principal(statement)
    named = negated or statement.has("Resource") or not principaled
    # A canonical user id is an account's, and nothing tells whose.
    canonical = (*statement.principals, *statement.not_principals)
    unclear = unclear or any(each.type == "CanonicalUser" for each in canonical)
    settled = (_resource(each.value, scenario) for each in entries)
    resources = tuple(each for each in settled if each is not None)
    if apart and any("${" in each.value for each in entries):
        unclear = True
    return Clause(
        ready=Ready.of(statement),
        allows=statement.allows,
        resources=resources if named else None,
        has_principals=principaled,
        is_anywhere=not named or (not negated and "*" in resources),
        not_resources=negated,
        needs=needs,
        unclear=unclear,
        place=place,
    )


def _has_principal(statement: Statement) -> bool:
    return statement.has("Principal") or statement.has("NotPrincipal")


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
    return Atom(condition.name, condition.operator.value, tuple(sorted(set(wanted))))


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
    value = scenario.get(inside.partition(",")[0].strip().lower())
    return default_of(inside) if value is None else value


def principals_of(policies: Iterable[Policy]) -> Iterator[Principal]:
    """Every principal that the policies name."""
    for policy in policies:
        for statement in policy.statements:
            yield from statement.principals
            yield from statement.not_principals
