"""How conditions on one key relate: does one follow from others, can they hold together.

    tests = condition_tests(statement)           by key, in lower case
    follows(conclusion, premises, effort)        whenever the premises hold, so does the conclusion
    contradiction(premises, effort)              two of them that never hold together; None if there are none

Every yes is certain. Absent keys, IfExists, Null and the qualifiers work as AWS documents:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from aws_iam.engine.algebra.value_sets import Values, disjoint, inside, values
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.algebra.text_sets import Effort
    from aws_iam.engine.language.document import Condition, Statement

_FEW = 20
"""The conditions on one key that are compared without counting the effort."""


@slotted
class ConditionTest:
    """One condition: which values it names, and whether it holds when the key is absent."""

    condition: Condition
    holds_absent: bool
    holds_present: bool | None
    """For Null, whether it holds when the key is present; None when the values decide."""
    values: Values | None

    @property
    def key(self) -> str:
        """The key in lower case."""
        return self.condition.name

    @property
    def mode(self) -> str:
        """The qualifier; empty without one."""
        return self.condition.qualifier


# Three families of rules ask for those of the same statements.
@memo_on_subject
def condition_tests(statement: Statement) -> Mapping[str, Sequence[ConditionTest]]:
    """The conditions of a statement as tests, by key."""
    return condition_tests_by_key(statement.conditions)


def condition_tests_by_key(
    conditions: Iterable[Condition],
) -> Mapping[str, Sequence[ConditionTest]]:
    """The conditions as tests, by key."""
    found: dict[str, list[ConditionTest]] = {}
    for condition in conditions:
        found.setdefault(condition.name, []).append(_test(condition))
    return found


def _test(condition: Condition) -> ConditionTest:
    if condition.operator.value == "Null":
        words = {value.value.lower() for value in condition.values}
        if words and words <= {"true", "false"}:
            return ConditionTest(
                condition=condition,
                holds_absent="true" in words,
                holds_present="false" in words,
                values=None,
            )
    known = condition.base in OPERATORS and condition.qualifier in {"", *QUALIFIERS}
    return ConditionTest(
        condition=condition,
        holds_absent=known and _holds_absent(condition),
        holds_present=None,
        values=values(condition) if known else None,
    )


def _holds_absent(condition: Condition) -> bool:
    if condition.base == "Null":
        return False
    if condition.if_exists or condition.qualifier == "ForAllValues":
        return True
    return condition.negated and condition.qualifier != "ForAnyValue"


def _decided(test: ConditionTest) -> bool:
    """Whether the result for an absent key is known."""
    return test.holds_present is not None or test.values is not None


def follows(conclusion: ConditionTest, premises: Sequence[ConditionTest], effort: Effort) -> bool:
    """Whether the conclusion holds in every request in which all premises, on the same key, hold."""
    if len(premises) > _FEW and not effort.spend(len(premises)):
        return False
    if _always_holds(conclusion) or any(_by_wording(premise, conclusion) for premise in premises):
        return True
    needs_key = any(_decided(premise) and not premise.holds_absent for premise in premises)
    if any(premise.holds_present is False and premise.holds_absent for premise in premises):
        return _decided(conclusion) and conclusion.holds_absent
    if conclusion.holds_present is not None:
        return conclusion.holds_present and (conclusion.holds_absent or needs_key)
    if needs_key and _accepts_every_value(conclusion):
        return True
    return any(
        (needs_key or conclusion.holds_absent or not premise.holds_absent)
        and _accepts_less(premise, conclusion, effort)
        for premise in premises
    )


def _by_wording(premise: ConditionTest, conclusion: ConditionTest) -> bool:
    """Whether the premise has the same operator and the same or fewer values; for a negated one, the same or more."""
    mine, its = premise.condition, conclusion.condition
    if mine.operator.value != its.operator.value:
        return False
    few, many = (its, mine) if mine.negated else (mine, its)
    wanted, given = ({value.value for value in one.values} for one in (few, many))
    return wanted == given or (bool(wanted) and wanted <= given)


def _always_holds(test: ConditionTest) -> bool:
    if test.holds_present is not None:
        return test.holds_present and test.holds_absent
    return test.holds_absent and _accepts_every_value(test)


def _accepts_every_value(test: ConditionTest) -> bool:
    if test.values is None or test.condition.negated or not test.values.is_everything:
        return False
    # A multivalued key can be present without a value.
    return test.mode == "ForAllValues" or (not test.mode and has_one_value(test.key))


def _accepts_less(premise: ConditionTest, conclusion: ConditionTest, effort: Effort) -> bool:
    """Whether the conclusion accepts every value that the premise accepts."""
    mine, its = premise.values, conclusion.values
    if mine is None or its is None or premise.mode != conclusion.mode:
        return False
    match premise.condition.negated, conclusion.condition.negated:
        case False, False:
            return inside(mine, its, effort)
        case True, True:
            return inside(its, mine, effort)
        case False, True:
            return (bool(premise.mode) or has_one_value(premise.key)) and disjoint(
                mine, its, effort
            )
        case _:
            return False


def has_one_value(key: str) -> bool:
    """Whether the key has a single value; False when AWS does not document it."""
    known = catalog().condition_key(key)
    return known is not None and bool(known.type) and not known.multivalued


def is_always_there(key: str) -> bool:
    """Whether every request carries the key."""
    known = catalog().condition_key(key)
    return known is not None and known.presence_rule == "always"


def contradiction(
    premises: Sequence[ConditionTest], effort: Effort
) -> tuple[ConditionTest, ConditionTest] | None:
    """Two tests that no request satisfies together, given the others on the key; None if there are none."""
    decided = list(filter(_decided, premises))
    requiring = next((test for test in decided if not test.holds_absent), None)
    for first, second in combinations(decided, 2):
        if len(decided) > _FEW and not effort.spend(1):
            return None
        if not _exclude_each_other(first, second, effort):
            continue
        if not (first.holds_absent and second.holds_absent) or is_always_there(first.key):
            return first, second
        # Both hold when the key is absent, but another test requires the key.
        if requiring:
            return first, second
    return None


def _exclude_each_other(a: ConditionTest, b: ConditionTest, effort: Effort) -> bool:
    """Whether no request that carries the key satisfies both."""
    if a.holds_present is not None or b.holds_present is not None:
        return _only_absent(a, b) or _only_absent(b, a)
    if a.values is None or b.values is None or a.mode or b.mode or not has_one_value(a.key):
        return False
    match a.condition.negated, b.condition.negated:
        case False, False:
            return disjoint(a.values, b.values, effort)
        case False, True:
            return inside(a.values, b.values, effort)
        case True, False:
            return inside(b.values, a.values, effort)
        case _:
            return False


def _only_absent(a: ConditionTest, b: ConditionTest) -> bool:
    """Whether the first requires an absent key and the second fails then."""
    return a.holds_present is False and not b.holds_absent
