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
from aws_iam.policy.document import Kind
from aws_iam.policy.evaluation.layers import Ready
from aws_iam.policy.evaluation.substitution import default_of, literal
from aws_iam.policy.operators import OPERATORS, QUALIFIERS, Family
from aws_iam.policy.variables import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.policy.document import Condition, Policy, Principal, Statement

_HOLE = re.compile(r"\$\{([^}]*)\}")
_VARIABLES = "2012-10-17"
# Variables are filled in where texts are compared.
_FILLED = frozenset({Family.STRING, Family.ARN})
# Opens text that looks like a variable and is none.
_PLAIN = "\U000f0002{"
_PRINCIPALED = frozenset({Kind.RESOURCE, Kind.TRUST, Kind.RCP})
_FIELDS = 5

Scenario = "Mapping[str, str | None]"
"""Variable key, in lower case, to the text it stands for; None when the request has no such key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One statement. `resources` is None where the policy means its own resource; `needs` are atoms as bits.

    `unread` are its conditions that cannot be read: they hold of the same requests as the same ones elsewhere, and nothing
    else is known of them. Where the statement is `unclear` and would decide, nothing is claimed.
    """

    ready: Ready
    allows: bool
    resources: tuple[str, ...] | None
    not_resources: bool
    needs: int
    unread: frozenset[Atom]
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
            _clause(statement, atoms, variables, f"/{number}" if len(policies) > 1 else "")
            for number, policy in enumerate(policies)
            for variables in (_Variables(_has_variables(policy), scenario),)
            for statement in policy.statements
        )
    )


@dataclass(frozen=True, slots=True)
class _Variables:
    """What `${…}` stands for in a policy: what the scenario says, or itself where the version has no variables."""

    exist: bool
    scenario: Mapping[str, str | None] | None

    def settled(self, text: str, *, escaped: bool) -> str | None:
        """The text with its variables settled, if there is a scenario; None when one of them stands for nothing.

        With `escaped` the text is a pattern in which what a variable stands for is literal.
        """
        if "${" not in text:
            return text
        if not self.exist:
            # As they are written, this plain text and another policy's variable are not the same.
            return text if self.scenario is not None else text.replace("${", _PLAIN)
        if self.scenario is None:
            return text
        parts: list[str] = []
        at = 0
        for hole in _HOLE.finditer(text):
            value = _value(hole[1], self.scenario)
            if value is None:
                return None
            parts += (text[at : hole.start()], literal(value) if escaped else value)
            at = hole.end()
        return "".join((*parts, text[at:]))


def _clause(statement: Statement, atoms: Atoms, variables: _Variables, place: str) -> Clause:
    needs, unread = 0, []
    for condition in statement.conditions:
        atom = _atom(condition, variables)
        if _is_readable(condition, variables):
            needs |= atoms.bit(atom)
        else:
            unread.append(atom)
    negated = statement.has("NotResource")
    entries = statement.not_resources if negated else statement.resources
    # Only the policy of a resource may leave its own resource out.
    principaled = _has_principal(statement)
    named = negated or statement.has("Resource") or not principaled
    # A canonical user id is an account's, and nothing tells whose.
    canonical = (*statement.principals, *statement.not_principals)
    settled = (_resource(each.value, variables) for each in entries)
    resources = tuple(each for each in settled if each is not None)
    return Clause(
        ready=Ready.of(statement),
        allows=statement.allows,
        resources=resources if named else None,
        has_principals=principaled,
        is_anywhere=not named or (not negated and "*" in resources),
        not_resources=negated,
        needs=needs,
        unread=frozenset(unread),
        unclear=bool(unread) or any(each.type == "CanonicalUser" for each in canonical),
        place=place,
    )


def _has_principal(statement: Statement) -> bool:
    return statement.has("Principal") or statement.has("NotPrincipal")


def _resource(text: str, variables: _Variables) -> str | None:
    if text.startswith("arn:") and (missing := _FIELDS - text.count(":")) > 0:
        text += ":*" * missing
    return variables.settled(text, escaped=True)


def _is_readable(condition: Condition, variables: _Variables) -> bool:
    qualifier, base = condition.qualifier, condition.base
    if base not in OPERATORS or (qualifier and qualifier not in QUALIFIERS):
        return False
    if OPERATORS[base] is Family.BOOL and variables.exist:
        # The evaluator leaves open, too, what a variable is there.
        return not any("${" in each.value for each in condition.values)
    return not (base == "Null" and condition.if_exists)


def _atom(condition: Condition, variables: _Variables) -> Atom:
    wanted: Iterable[str | None] = (each.value for each in condition.values)
    if OPERATORS.get(condition.base) in _FILLED:
        escaped = has_wildcards(condition.base)
        wanted = (variables.settled(each.value, escaped=escaped) for each in condition.values)
    kept = {each for each in wanted if each is not None}
    return Atom(condition.name, condition.operator.value, tuple(sorted(kept)))


def _value(inside: str, scenario: Mapping[str, str | None]) -> str | None:
    if inside in ESCAPES:
        return inside
    value = scenario.get(inside.partition(",")[0].strip().lower())
    return default_of(inside) if value is None else value


def is_principaled(policies: Iterable[Policy]) -> bool:
    """Whether the policies say who may: those of resources."""
    return any(each.kind in _PRINCIPALED for each in policies)


def principals_of(policies: Iterable[Policy]) -> Iterator[Principal]:
    """Every principal that the policies name."""
    for policy in policies:
        for statement in policy.statements:
            yield from statement.principals
            yield from statement.not_principals
