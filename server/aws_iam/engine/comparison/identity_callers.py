"""The callers that can have an identity policy, as values of the condition keys that follow from the caller.

The ARN of a caller contains its account, its type and, for a user, its name; conditions on those keys are therefore
searched together, over ARNs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import DIGITS, OverBudget, Pattern, Symbol
from aws_iam.engine.comparison.distinct_values import pattern_of
from aws_iam.engine.comparison.pattern_combinations import (
    combinations,
    literal_pattern,
    principal_arns,
)
from aws_iam.engine.evaluation.conditions import holds_for
from aws_iam.engine.evaluation.context import without_stand_ins
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.automaton import Budget, Token
    from aws_iam.engine.comparison.distinct_values import Atom, Value

ARN, ACCOUNT, NAME, TYPE = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:username",
    "aws:principaltype",
)
KEYS = frozenset({ARN, ACCOUNT, NAME, TYPE})
"""The keys that follow from the caller's ARN."""

_FIELD = 4
_KINDS = (
    ("AssumedRole", "iam", "role/"),
    ("User", "iam", "user/"),
    ("FederatedUser", "sts", "federated-user/"),
)
_ROOT = ("Account", "iam", "root")
_TEXTUAL = frozenset({Family.STRING, Family.ARN, Family.NULL})
_IN_NAME = {Symbol.ONE: Symbol.ONE_IN_NAME, Symbol.MANY: Symbol.MANY_IN_NAME}
_FIELD_OF_ANY = (*"arn:", Symbol.MANY_IN_FIELD, ":", Symbol.MANY_IN_FIELD, ":", ":")
_BEFORE_NAME = (*"arn:", Symbol.MANY_IN_FIELD, *":iam::", Symbol.MANY_IN_FIELD, *":user")


@positional
class IdentityCaller:
    """A caller with an identity policy: the values of its keys, and the atoms that they make true."""

    values: Mapping[str, Value]
    true: int


def identity_callers(
    atoms: Sequence[Atom],
    fixed: Mapping[str, Value],
    within: tuple[str, str],
    budget: Budget,
    *,
    with_root: bool = False,
) -> tuple[IdentityCaller, ...]:
    """One caller for each combination of atoms on KEYS that can be true; `fixed` are key values that are set already.

    `within` are the partition, as a pattern, and the account to use where no condition asks for another. The root user,
    whom only SCPs limit, is among them `with_root`.
    """
    partition, account = within
    if any(OPERATORS[atom.base] not in _TEXTUAL for atom in atoms):
        raise OverBudget("a condition on the caller compares with something other than text")
    patterns = [
        arn_pattern_
        for atom in atoms
        if atom.key != TYPE
        for wanted in atom.wanted
        for arn_pattern_ in (_as_arn_pattern(atom.key, pattern_of(atom, wanted)),)
    ]
    wanted = [
        _as_arn_pattern(key, literal_pattern(value[0]))
        for key, value in fixed.items()
        if value and key in KEYS - {TYPE}
    ]
    found: dict[int, IdentityCaller] = {}
    for kind, service, start in (*_KINDS, _ROOT) if with_root else _KINDS:
        shapes = principal_arns(partition, service, start)
        cells = combinations((*patterns, *wanted), inside=shapes, fresh=DIGITS, budget=budget)
        for cell, text in cells.items():
            if cell >> len(patterns) != (1 << len(wanted)) - 1:
                continue
            for arn in _readable(without_stand_ins(text), account):
                values = _values(kind, arn)
                if any(values.get(key) != value for key, value in fixed.items() if key in KEYS):
                    continue
                true = sum(
                    1 << at
                    for at, atom in enumerate(atoms)
                    if holds_for(atom.operator, atom.wanted, values[atom.key])
                )
                found.setdefault(true, IdentityCaller(values, true))
    return tuple(found.values())


def _readable(arn: str, account: str) -> Iterator[str]:
    """Readable variants of the ARN first, with an example account and name, then the ARN as found."""
    fields = arn.split(":")
    readable = [*fields[:_FIELD], account, *fields[_FIELD + 1 :]]
    kind, slash, _ = readable[-1].partition("/")
    if slash:
        yield ":".join((*readable[:-1], f"{kind}/example"))
    yield ":".join(readable)
    yield arn


def _values(kind: str, arn: str) -> Mapping[str, Value]:
    name = arn.rpartition("/")[2]
    return {
        ARN: (arn,),
        ACCOUNT: (arn.split(":")[_FIELD],),
        TYPE: (kind,),
        NAME: (name,) if kind == "User" else None,
    }


def _as_arn_pattern(key: str, pattern: Pattern) -> Pattern:
    """A pattern for one of the keys as a pattern for the caller's ARN."""
    if key == ARN:
        return pattern
    named: tuple[Token, ...] = tuple(
        _IN_NAME.get(token, token) if isinstance(token, Symbol) else token
        for token in pattern.tokens
    )
    if key == ACCOUNT:
        return Pattern((*_FIELD_OF_ANY, *named, ":", Symbol.MANY))
    return Pattern((*_BEFORE_NAME, Symbol.MANY, "/", *named))
