"""Gates: cheap tests on parts of a policy that tell which rules may find something in it.

    @check(…, when=(has("NotAction"), at_action(_is_service_wildcard)))

Most policies break few rules. A gate tests one word of a statement (an action, a resource, an operator with its key, a
value) or which elements the statement has, and is open where its rule might fail. A rule runs on the statements for
which one of its gates is open; a rule without gates runs on every statement. Gates are optional and only affect speed:
a test compares the findings with and without them.

The result of a gate is cached by word, because policies repeat the same words. A set of rules is an `int` with a bit
for each rule, because most of the work is to unite such sets. Judging AWS's managed policies takes 2.3 times as long
without gates, and 1.6 times as long with frozensets instead of bits.

Gates assume well-formed statements (`is_well_formed`); for any other statement every gate is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache, reduce
from itertools import count
from operator import or_
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Condition, Form, Node, Place
from aws_iam.engine.language.memo import ByWord
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.parsing.json_nodes import string
from aws_iam.rules.well_formed import is_well_formed, is_well_formed_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aws_iam.engine.language.document import Policy, Statement


class Part(Enum):
    """The part of a policy that a gate tests."""

    POLICY = auto()
    STATEMENT = auto()
    ELEMENT = auto()
    SID = auto()
    EFFECT = auto()
    ACTION = auto()
    RESOURCE = auto()
    PRINCIPAL = auto()
    CONDITION = auto()
    VALUE = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """A test of one part of a statement: whether a word there may break a rule."""

    part: Part
    test: Callable[[Any], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """Open for a statement if both gates are."""

    first: Gate
    second: Gate


MALFORMED: tuple[Gate, ...] = ()
"""For a rule that only malformed statements can break: no gate opens for a well-formed one."""


def at_policy(test: Callable[[Policy], bool]) -> Gate:
    """Open where the policy passes the test, whose result is not cached; for rules on policies."""
    return Gate(Part.POLICY, test)


def at_statement(test: Callable[[Statement], bool]) -> Gate:
    """Open where the statement passes the test, whose result is not cached."""
    return Gate(Part.STATEMENT, test)


def _repeats_a_key(statement: Statement) -> bool:
    conditions = statement.conditions
    return len(conditions) > 1 and len({condition.name for condition in conditions}) < len(
        conditions
    )


KEY_TWICE = at_statement(_repeats_a_key)
"""Open where two conditions test the same key."""


def has(*elements: str) -> Gate:
    """Open where the statement has one of these elements."""
    return Gate(Part.ELEMENT, frozenset(elements).__contains__)


def at_action(test: Callable[[str], bool]) -> Gate:
    """Open where an entry of Action or NotAction passes the test."""
    return Gate(Part.ACTION, test)


def at_resource(test: Callable[[str], bool]) -> Gate:
    """Open where an entry of Resource or NotResource passes the test."""
    return Gate(Part.RESOURCE, test)


def at_principal(test: Callable[[str], bool]) -> Gate:
    """Open where an entry of Principal or NotPrincipal passes the test."""
    return Gate(Part.PRINCIPAL, test)


def at_condition(test: Callable[[Condition], bool]) -> Gate:
    """Open where a condition passes the test, which may only look at its operator and its key."""
    return Gate(Part.CONDITION, test)


def at_keys(*names: str) -> Gate:
    """Open where a condition has one of the keys, in lower case; a name that ends in a slash is a prefix."""
    exact, heads = frozenset(names), tuple(name for name in names if name.endswith("/"))
    return at_condition(
        lambda condition: (
            condition.name in exact or bool(heads and condition.name.startswith(heads))
        )
    )


def at_operators(*families: Family) -> Gate:
    """Open where a condition has an operator of one of the families."""
    return at_condition(lambda condition: OPERATORS.get(condition.base) in families)


def at_sid(test: Callable[[str], bool]) -> Gate:
    """Open where the Sid passes the test."""
    return Gate(Part.SID, test)


def at_deny() -> Gate:
    """Open where the statement is a Deny."""
    return Gate(Part.EFFECT, "Deny".__eq__)


def at_value(test: Callable[[str], bool]) -> Gate:
    """Open where the value of a condition passes the test."""
    return Gate(Part.VALUE, test)


PRINCIPALS = has("Principal", "NotPrincipal")


def _has_variable(text: str) -> bool:
    return "${" in text


VARIABLE_IN_VALUE = at_value(_has_variable)
VARIABLE = (at_resource(_has_variable), VARIABLE_IN_VALUE)


class Gates:
    """The gates of all rules; a set of rules is a number with a bit for each."""

    def __init__(self, gates: Sequence[Iterable[Gate | Both] | None]) -> None:
        """`gates` holds the gates of each rule, in order; None for a rule without gates, which always runs."""
        self.every: int = (1 << len(gates)) - 1
        self.always: int = sum(1 << at for at, of_rule in enumerate(gates) if of_rule is None)
        # Gates with the same test are one.
        bits: dict[tuple[Part, Callable[[Any], bool]], int] = {}
        # Each gate of a pair gets a bit of its own, above those of the rules.
        self._pairs: list[tuple[int, int]] = []
        spare_bits = count(len(gates))
        for at, of_rule in enumerate(gates):
            for gate_or_pair in of_rule or ():
                if isinstance(gate_or_pair, Gate):
                    key = gate_or_pair.part, gate_or_pair.test
                    bits[key] = bits.get(key, 0) | 1 << at
                    continue
                own = [1 << next(spare_bits), 1 << next(spare_bits)]
                for gate, bit in zip((gate_or_pair.first, gate_or_pair.second), own, strict=True):
                    key = gate.part, gate.test
                    bits[key] = bits.get(key, 0) | bit
                self._pairs.append((sum(own), 1 << at))
        by_part = {
            part: _PartGates(
                [(test, mask) for (of_part, test), mask in bits.items() if of_part is part]
            )
            for part in Part
        }
        self._policies = by_part[Part.POLICY]
        self._statements = by_part[Part.STATEMENT]
        self._elements = by_part[Part.ELEMENT]
        self._sids = by_part[Part.SID]
        self._effects = by_part[Part.EFFECT]
        self._actions = by_part[Part.ACTION]
        self._resources = by_part[Part.RESOURCE]
        self._principals = by_part[Part.PRINCIPAL]
        self._values = by_part[Part.VALUE]
        self._conditions = by_part[Part.CONDITION]
        self._of_form = lru_cache(maxsize=_CACHED)(self._open_at_form)
        self._of_pair = lru_cache(maxsize=_CACHED)(self._open_at_pair)

    def open(self, policy: Policy) -> tuple[int, list[int]]:
        """The rules that the policy may break, and for each statement the rules that it may break."""
        if not is_well_formed_policy(policy):
            return self.every, [self.every] * len(policy.statements)
        parts = [self._open_at(statement) for statement in policy.statements]
        return reduce(or_, parts, self.always | self._policies.at(policy)), parts

    def _open_at(self, statement: Statement) -> int:
        if not is_well_formed(statement):
            return self.every
        mask = self._of_form(statement.elements, statement.denies) | self._statements.at(statement)
        mask |= self._actions.over(statement.action_words or statement.not_action_words)
        if statement.sid:
            mask |= self._sids.over((statement.sid.value,))
        resources = statement.resource_words or statement.not_resource_words
        if resources:
            mask |= self._resources.over(resources)
        if statement.principals or statement.not_principals:
            both = (*statement.principals, *statement.not_principals)
            mask |= self._principals.over([principal.value for principal in both])
        for condition in statement.conditions:
            operator, key = condition.operator.value, condition.key.value
            is_short = len(operator) + len(key) <= _LONGEST
            mask |= (self._of_pair if is_short else self._open_at_pair)(operator, key)
            mask |= self._values.over([value.value for value in condition.values])
        for pair, bit in self._pairs:
            if mask & pair == pair:
                mask |= bit
        return mask & self.every

    def _open_at_form(self, names: tuple[str, ...], denies: bool) -> int:  # noqa: FBT001 - a part of the form
        mask = self.always | self._effects.at("Deny" if denies else "Allow")
        for name in names:
            mask |= self._elements.at(name)
        return mask

    def _open_at_pair(self, operator: str, key: str) -> int:
        return self._conditions.at(Condition(string(operator), string(key), (), _NOTHING))


_NOTHING = Node(Form.ARRAY, Place())
# Bounds of the caches: words longer than any of AWS's are tested each time, and a very long list opens all gates.
_LONGEST = 512
_MOST_WORDS = 5_000
_CACHED = 16_384


class _PartGates:
    """The gates of one part, with a cache of their results."""

    def __init__(self, tests: Sequence[tuple[Callable[[Any], bool], int]]) -> None:
        self._tests = tests
        self._known = ByWord(self.at, of_reference=False)
        self._all = 0
        for _, bits in tests:
            self._all |= bits

    def over(self, words: Sequence[str]) -> int:
        """The rules with an open gate for one of the words."""
        if len(words) > _MOST_WORDS:
            return self._all
        mask = 0
        # Most words open no gate, so that few sets are different.
        for opened in set(map(self._known.__getitem__, words)):
            mask |= opened
        return mask

    def at(self, word: Any) -> int:
        """The rules with an open gate for the word."""
        mask = 0
        for test, bits in self._tests:
            if test(word):
                mask |= bits
        return mask
