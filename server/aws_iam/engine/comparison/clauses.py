"""Statements as clauses over shared conditions, with the policy variables replaced by a scenario.

A scenario says what each variable stands for: a text that the policies do not contain, one that they do contain, or nothing
(the key is absent). Within a scenario no variable is left, so only patterns have to be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aws_iam.engine.comparison.distinct_values import Atom
from aws_iam.engine.comparison.permissive_policies import is_added
from aws_iam.engine.comparison.plain_operators import plain_operator
from aws_iam.engine.evaluation.conditions import has_wildcards, is_short_arn
from aws_iam.engine.evaluation.context import default_of, with_stand_ins
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import as_short_form
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS, Family
from aws_iam.engine.language.variables import ESCAPES
from aws_iam.engine.reference.resource_policy_scope import scope_of
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Condition, Policy, Principal, Statement

_HOLE = re.compile(r"\$\{([^}]*)\}")
_VARIABLES = "2012-10-17"
# Operators in whose values variables are filled in.
_FILLED = (Family.STRING, Family.ARN)
# Replaces `${` in policies whose version has no variables.
_PLAIN = "\U000f0002{"
_PRINCIPALED = (Kind.RESOURCE, Kind.TRUST, Kind.RCP)
_FIELDS = 5
# For each statement: a document may have thousands.
_MOST_KNOWN = 4

EVERYTHING: Final = "*"
NONE_KNOWN: Final[Mapping[int, Clause]] = MappingProxyType({})


@dataclass(slots=True, kw_only=True, eq=False)
class Clause:
    """One statement. `resources` is None where the policy means its own resource; `needs` are atoms as bits.

    `unread` are its conditions that cannot be evaluated: two equal ones hold for the same requests, and nothing else is
    known. Where an `unclear` statement would decide, the comparison claims nothing.
    """

    ready: IndexedStatement
    allows: bool
    resources: tuple[str, ...] | None
    not_resources: bool
    needs: int
    unread: frozenset[Atom]
    unclear: bool
    # The pointer of the policy among several of its side.
    place: str
    # Whether it has Principal or NotPrincipal.
    has_principals: bool
    # Whether it applies to every resource.
    is_anywhere: bool
    # Whether `${…}` is a variable in it.
    has_variables: bool
    # What limits the actions that its policy decides about; `EVERYTHING` of a policy that is only placed beside others.
    scope: str | None

    @property
    def pointer(self) -> str:
        """The pointer of the statement."""
        return f"{self.place}{self.statement.node.at.pointer}"

    @property
    def why_unclear(self) -> str:
        """Why it cannot be known to which requests an unclear statement applies."""
        if self.unread:
            return f"the conditions at {self.pointer} cannot be evaluated"
        return f"the canonical user id at {self.pointer} does not say whose account it is"

    @property
    def statement(self) -> Statement:
        """The parsed statement."""
        return self.ready.statement


@slotted
class Side:
    """One side of a comparison: the union of some policies."""

    clauses: tuple[Clause, ...]

    @property
    def allows(self) -> tuple[Clause, ...]:
        """The Allow statements."""
        return tuple([clause for clause in self.clauses if clause.allows])

    @property
    def denies(self) -> tuple[Clause, ...]:
        """The Deny statements."""
        return tuple([clause for clause in self.clauses if not clause.allows])

    def beside(self, other: Side) -> Side:
        """The union of both."""
        return Side(clauses=(*other.clauses, *self.clauses))


@dataclass(slots=True)
class Atoms:
    """The distinct conditions of all sides, numbered."""

    numbers: dict[Atom, int] = field(default_factory=dict)

    def bit(self, atom: Atom) -> int:
        """The bit of an atom."""
        return 1 << self.numbers.setdefault(atom, len(self.numbers))

    def by_key(self) -> dict[str, list[Atom]]:
        """The atoms of each key, keys with most atoms first."""
        found: dict[str, list[Atom]] = {}
        for atom in self.numbers:
            found.setdefault(atom.key, []).append(atom)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))


@memo_on_subject
def _contains_variable(statement: Statement) -> bool:
    texts = [*statement.resource_words, *statement.not_resource_words]
    texts += [value.value for condition in statement.conditions for value in condition.values]
    return "${" in "\n".join(texts)


def contain_variables(policies: Iterable[Policy]) -> bool:
    """Whether any text contains `${`, an escape such as `${*}` included."""
    return any(any(map(_contains_variable, policy.statements)) for policy in policies)


def variable_keys(policies: Sequence[Policy]) -> tuple[str, ...]:
    """The keys, in lower case, of the policies' variables."""
    found: dict[str, None] = {}
    if not contain_variables(policies):
        return ()
    for texts in comparable_texts([policy for policy in policies if has_variables(policy)]):
        for text in texts:
            for hole in _HOLE.findall(text) if "${" in text else ():
                if hole not in ESCAPES:
                    found[_key_of(hole)] = None
    return tuple(found)


def comparable_texts(policies: Iterable[Policy]) -> Iterator[tuple[str, ...]]:
    """The texts that can contain variables, grouped by what they are compared with: resources, values of each key."""
    resources: dict[str, None] = {}
    values: dict[str, dict[str, None]] = {}
    for policy in policies:
        for statement in policy.statements:
            resources |= dict.fromkeys(statement.resource_words)
            resources |= dict.fromkeys(statement.not_resource_words)
            for condition in statement.conditions:
                held = values.setdefault(condition.name, {})
                held |= dict.fromkeys(value.value for value in condition.values)
    yield tuple(resources)
    yield from map(tuple, values.values())


def as_written(text: str) -> str:
    """The text of a resource as the policy has it."""
    return as_short_form(text.replace(_PLAIN, "${"))


def has_variables(policy: Policy) -> bool:
    """Whether `${…}` is a variable in the policy: only in version 2012-10-17."""
    return policy.version is not None and policy.version.value == _VARIABLES


def side_of(
    policies: Sequence[Policy],
    atoms: Atoms,
    scenario: Mapping[str, str | None] | None,
    among: Container[int] | None = None,
    known: Mapping[int, Clause] = NONE_KNOWN,
) -> Side:
    """The policies as clauses over the atoms, variables replaced by the scenario, or as written without one.

    With `among` only these statements, by identity; `known` are clauses that exist already.
    """
    found = []
    several = sum(not is_added(policy) for policy in policies) > 1
    for number, policy in enumerate(policies):
        variables = _Variables(has_variables(policy), scenario)
        place = f"/{number}" if several else ""
        scope = EVERYTHING if is_added(policy) else scope_of(policy)
        found += [
            known.get(id(statement)) or _clause(statement, atoms, variables, place, scope)
            for statement in policy.statements
            if among is None or id(statement) in among
        ]
    return Side(clauses=tuple(found))


@positional
class _Variables:
    """Replaces `${…}` by the scenario's text; where the version has no variables it stays as written."""

    exist: bool
    scenario: Mapping[str, str | None] | None

    def settled(self, text: str, *, escaped: bool) -> str | None:
        """The text with its variables replaced, if there is a scenario; None when one of them has no value.

        With `escaped` the text is a pattern in which the filled-in text is literal.
        """
        if "${" not in text:
            return text
        if not self.exist:
            # This plain text must differ from the same text as a variable of another policy.
            return text if self.scenario is not None else text.replace("${", _PLAIN)
        if self.scenario is None:
            return text
        parts: list[str] = []
        at = 0
        for hole in _HOLE.finditer(text):
            value = _value(hole[1], self.scenario)
            if value is None:
                return None
            parts += (text[at : hole.start()], with_stand_ins(value) if escaped else value)
            at = hole.end()
        return "".join((*parts, text[at:]))


@positional
class _Settled:
    """What a statement says once its variables are replaced; `named` unless it means the policy's own resource."""

    atoms: tuple[Atom, ...]
    unread: frozenset[Atom]
    resources: tuple[str, ...]
    negated: bool
    principaled: bool
    named: bool
    unclear: bool


@memo_on_subject
def _own_variables(statement: Statement) -> tuple[str, ...]:
    """The keys of a statement's variables, in lower case; most have none."""
    if not _contains_variable(statement):
        return ()
    texts = [*statement.resource_words, *statement.not_resource_words]
    texts += [value.value for condition in statement.conditions for value in condition.values]
    return tuple({_key_of(hole): None for text in texts for hole in _HOLE.findall(text)}) or ("",)


@memo_on_subject
def _known(_statement: Statement) -> dict[tuple[object, ...], _Settled]:
    """What the statement says by what its own variables stand for: most scenarios differ in others."""
    return {}


def _settled_once(statement: Statement, variables: _Variables) -> _Settled:
    keys, scenario = _own_variables(statement), variables.scenario
    sign: tuple[object, ...] = ()
    if keys:
        values = None if scenario is None else tuple(map(scenario.get, keys))
        sign = variables.exist, values
    known = _known(statement)
    found = known.get(sign)
    if found is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        found = known[sign] = _settled(statement, variables)
    return found


def _clause(
    statement: Statement, atoms: Atoms, variables: _Variables, place: str, scope: str | None
) -> Clause:
    found = _settled_once(statement, variables)
    needs = 0
    for atom in found.atoms:
        needs |= atoms.bit(atom)
    return Clause(
        ready=IndexedStatement.of(statement),
        allows=statement.allows,
        resources=found.resources if found.named else None,
        has_principals=found.principaled,
        is_anywhere=not found.named or (not found.negated and "*" in found.resources),
        not_resources=found.negated,
        needs=needs,
        unread=found.unread,
        unclear=found.unclear,
        place=place,
        has_variables=variables.exist,
        scope=scope,
    )


def _settled(statement: Statement, variables: _Variables) -> _Settled:
    readable: list[Atom] = []
    unread: list[Atom] = []
    for condition in statement.conditions:
        base = condition.base
        known = readable if _is_readable(condition, base, variables) else unread
        known.append(_atom(condition, base, variables))
    names = [member.key for member in statement.node.members]
    negated = "NotResource" in names
    entries = statement.not_resource_words if negated else statement.resource_words
    principaled = "Principal" in names or "NotPrincipal" in names
    # Only a resource policy can omit Resource, and then means its own.
    named = negated or "Resource" in names or not principaled
    # A canonical user id belongs to an account, but nothing says to which.
    canonical = (*statement.principals, *statement.not_principals) if principaled else ()
    settled = [_resource(entry, variables) for entry in entries]
    resources = tuple([text for text in settled if text is not None])
    return _Settled(
        tuple(readable),
        frozenset(unread),
        resources,
        negated,
        principaled,
        named,
        bool(unread) or any(principal.type == "CanonicalUser" for principal in canonical),
    )


def _resource(text: str, variables: _Variables) -> str | None:
    if text == "*":
        return text
    if text.startswith("arn:") and (missing := _FIELDS - text.count(":")) > 0:
        text += ":*" * missing
    return variables.settled(text, escaped=True)


def _is_readable(condition: Condition, base: str, variables: _Variables) -> bool:
    family, qualifier = OPERATORS.get(base), condition.qualifier
    if family is None or (qualifier and qualifier not in QUALIFIERS):
        return False
    if family is Family.BOOL and variables.exist:
        # `evaluate` does not know either whether AWS fills in a variable here.
        return not any("${" in value.value for value in condition.values)
    if family is Family.ARN:
        # AWS does not describe which ARNs a value with fewer than six fields matches.
        texts = (value.value for value in condition.values)
        return not any(is_short_arn(text) and "${" not in text for text in texts)
    return not (base == "Null" and condition.if_exists)


def _atom(condition: Condition, base: str, variables: _Variables) -> Atom:
    written = [value.value for value in condition.values]
    kept = set(written)
    if any("${" in text for text in written) and OPERATORS.get(base) in _FILLED:
        escaped = has_wildcards(base)
        settled = [variables.settled(text, escaped=escaped) for text in written]
        kept = {text for text in settled if text is not None}
    return Atom(condition.name, plain_operator(condition), tuple(sorted(kept)))


def _key_of(inside: str) -> str:
    """The key, in lower case, of what stands in the braces of a variable."""
    return inside.partition(",")[0].strip().lower()


def _value(inside: str, scenario: Mapping[str, str | None]) -> str | None:
    if inside in ESCAPES:
        return inside
    value = scenario.get(_key_of(inside))
    return default_of(inside) if value is None else value


def is_principaled(policies: Iterable[Policy]) -> bool:
    """Whether the policies have principals: those of resources do."""
    return any(policy.kind in _PRINCIPALED for policy in policies)


def principals_of(policies: Iterable[Policy]) -> Iterator[Principal]:
    """All principals that the policies name."""
    for policy in policies:
        for statement in policy.statements:
            yield from statement.principals
            yield from statement.not_principals
