"""Statements as sets of requests: does one statement apply to every request to which another applies.

    scope(statement)             its actions, resources, principals and conditions as sets; None when it is malformed
    meaning(statement)           equal for statements that differ only in spelling
    applies_within(a, b)         whether b applies to every request to which a applies

A yes is certain for two statements of policies of one kind and version; a no can mean that it cannot be decided, or not
within the effort. The effect of a statement is ignored.

    a within b   ⇐   actions of a ⊆ actions of b, resources likewise, principals likewise,
                     and each condition of b follows from those of a on the same key
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from aws_iam.engine.algebra import text_sets
from aws_iam.engine.algebra.condition_sets import ConditionTest, condition_tests, follows
from aws_iam.engine.algebra.text_sets import Effort, Texts, is_everything, literal_prefix, within
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Form
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.variables import without_variables
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.language.document import Node, Principal, Statement

_ARN_FIELDS = 6


@slotted
class Principals:
    """The principals of a statement; `inverted` for NotPrincipal."""

    names: frozenset[tuple[str, str]]
    inverted: bool = False


@slotted
class Scope:
    """The requests of a statement; an element is None when the statement does not have it."""

    actions: Texts
    resources: Texts | None
    principals: Principals | None
    tests: Mapping[str, Sequence[ConditionTest]]


def applies_within(
    a: Statement | Scope, b: Statement | Scope, effort: Effort | None = None
) -> bool:
    """Whether `b` applies to every request to which `a` applies."""
    inner = a if isinstance(a, Scope) else scope(a)
    outer = b if isinstance(b, Scope) else scope(b)
    if inner is None or outer is None:
        return False
    work = effort or Effort()
    return within(inner.actions, outer.actions, work) and limits_within(inner, outer, work)


def limits_within(inner: Scope, outer: Scope, effort: Effort) -> bool:
    """The same for resources, principals and conditions only, whatever the actions."""
    return (
        _resources_within(inner.resources, outer.resources, effort)
        and _principals_within(inner.principals, outer.principals)
        and conditions_within(inner, outer, effort)
    )


def conditions_within(inner: Scope, outer: Scope, effort: Effort) -> bool:
    """Whether each condition of the outer scope follows from the conditions of the inner one."""
    return all(
        effort.spend(1 + len(inner.tests.get(key, ())))
        and follows(conclusion, inner.tests.get(key, ()), effort)
        for key, conclusions in outer.tests.items()
        for conclusion in conclusions
    )


@slotted
class Meaning:
    """The content of a statement, without its Sid, the order of its lists and the case of action names."""

    effect: str | None
    actions: frozenset[str]
    not_actions: frozenset[str]
    resources: frozenset[str]
    not_resources: frozenset[str]
    principals: frozenset[tuple[str, str]]
    not_principals: frozenset[tuple[str, str]]
    conditions: frozenset[tuple[str, str, frozenset[str]]]
    # The names of its elements: malformed ones have no parsed content.
    elements: frozenset[str]


@memo_on_subject
def action_names(statement: Statement) -> frozenset[str]:
    """The entries of Action in lower case, as AWS compares them."""
    return frozenset(map(str.lower, statement.action_words))


@memo_on_subject
def action_patterns(statement: Statement) -> tuple[str, ...]:
    """The entries of Action with a wildcard, in lower case."""
    names = action_names(statement)
    together = "\n".join(names)
    if "*" not in together and "?" not in together:
        return ()
    return tuple([name for name in names if "*" in name or "?" in name])


def related(statements: Sequence[Statement]) -> Sequence[int]:
    """The indices of statements that may share actions with another one.

    Most policies name each action once, or have one statement for each service: these share nothing.
    """
    words = list(map(action_names, statements))
    if not all(words):
        return range(len(statements))
    # A narrower entry starts with the literal prefix of the wider one.
    heads = set(map(literal_prefix, chain.from_iterable(map(action_patterns, statements))))
    twice = len(frozenset().union(*words)) < sum(map(len, words))
    if not (heads or twice):
        return ()
    if len(heads) * len(statements) > _MOST_HEADS:
        return range(len(statements))
    found: set[int] = set()
    rows = list(enumerate(map(sorted, words))) if heads else []
    for prefix in heads:
        having = [at for at, row in rows if _begins_one(prefix, row)]
        if len(having) > 1:
            found.update(having)
    if twice:
        number = Counter(chain.from_iterable(words))
        found.update(at for at, some in enumerate(words) if any(number[word] > 1 for word in some))
    return sorted(found)


_MOST_HEADS = 10_000


def _begins_one(text: str, row: Sequence[str]) -> bool:
    """Whether one of the sorted words starts with the text."""
    at = bisect_left(row, text)
    return at < len(row) and row[at].startswith(text)


# Without the memo a megabyte of statements takes twice as long.
@memo_on_subject
def meaning(statement: Statement) -> Meaning:
    """The content of the statement; equal for statements that differ only in spelling."""
    return Meaning(
        effect=statement.effect.value if statement.effect else None,
        actions=action_names(statement),
        not_actions=frozenset(map(str.lower, statement.not_action_words)),
        resources=frozenset(statement.resource_words),
        not_resources=frozenset(statement.not_resource_words),
        principals=frozenset(
            (principal.type, principal.value) for principal in statement.principals
        ),
        not_principals=frozenset(
            (principal.type, principal.value) for principal in statement.not_principals
        ),
        conditions=frozenset(
            (
                condition.operator.value,
                condition.name,
                frozenset(value.value for value in condition.values),
            )
            for condition in statement.conditions
        ),
        elements=frozenset(member.key for member in statement.node.members if member.key != "Sid"),
    )


def scope(statement: Statement) -> Scope | None:
    """The sets of a statement; None when an element is missing, repeated or malformed."""
    if not _is_well_formed(statement):
        return None
    actions = _texts(statement.action_words, statement.not_action_words, ignore_case=True)
    if actions is None:
        return None
    return Scope(
        actions=actions,
        resources=_texts(
            statement.resource_words, statement.not_resource_words, ignore_case=False
        ),
        principals=_principals(statement),
        tests=condition_tests(statement),
    )


_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))


def _is_well_formed(statement: Statement) -> bool:
    """Whether everything in the statement was parsed, so that the sets leave nothing out."""
    names = {member.key for member in statement.node.members}
    if len(names) < len(statement.node.members):
        return False
    if any(one in names and other in names for one, other in _PAIRS):
        return False
    return (
        _is_parsed(statement.action)
        and _is_parsed(statement.not_action)
        and _is_parsed(statement.resource)
        and _is_parsed(statement.not_resource)
        and _are_principals_parsed(statement)
        and _are_conditions_parsed(statement)
    )


def _is_parsed(node: Node | None) -> bool:
    """Whether the element has entries, all of them strings."""
    if node is None or node.form is Form.STRING:
        return True
    return bool(node.words) and len(node.words) == node.count


def _are_principals_parsed(statement: Statement) -> bool:
    for element, read_ in (
        ("Principal", statement.principals),
        ("NotPrincipal", statement.not_principals),
    ):
        node = statement.node.member(element)
        if node is None:
            continue
        written = sum(len(typed.value.listed()) for typed in node.members) if node.members else 1
        types = [member.name.value for member in node.members]
        if not read_ or len(read_) != written or len(types) != len(set(types)):
            return False
    return True


def _are_conditions_parsed(statement: Statement) -> bool:
    node = statement.node.member("Condition")
    if node is None:
        return True
    if node.form is not Form.OBJECT:
        return False
    written = 0
    for operator in node.members:
        keys = [member.name.value.lower() for member in operator.value.members]
        if operator.value.form is not Form.OBJECT or len(keys) != len(set(keys)):
            return False
        written += len(keys)
    operators = [member.name.value for member in node.members]
    complete = all(
        len(condition.values) == len(condition.node.listed()) for condition in statement.conditions
    )
    return (
        len(operators) == len(set(operators)) and complete and written == len(statement.conditions)
    )


def _texts(entries: Sequence[str], others: Sequence[str], *, ignore_case: bool) -> Texts | None:
    chosen = entries or others
    if not chosen:
        return None
    if ignore_case:
        return Texts(tuple(map(str.lower, chosen)), inverted=not entries)
    return Texts(
        tuple(chosen), inverted=not entries, contains=resource_contains, apart=resources_apart
    )


def resource_contains(wide: str, narrow: str) -> bool:
    """Whether every resource of the narrow entry is one of the wide entry.

    AWS does not document whether `*` inside an ARN matches colons, and completes short ARNs in some kinds of policy; so the
    answer is yes only if it holds in every reading.
    """
    if wide == narrow or is_everything(wide):
        return True
    return all(_arn_contains(one, other) for one in _readings(wide) for other in _readings(narrow))


def resources_apart(a: str, b: str) -> bool:
    """Whether no resource belongs to both entries, in every reading of them."""
    return all(text_sets.apart(one, other) for one in _readings(a) for other in _readings(b))


def _readings(entry: str) -> tuple[str, ...]:
    missing = _ARN_FIELDS - 1 - without_variables(entry).count(":")
    if missing > 0 and entry.lower().startswith("arn:"):
        return entry, entry + ":*" * missing
    return (entry,)


def _arn_contains(wide: str, narrow: str) -> bool:
    outer, inner = Arn.of(wide), Arn.of(narrow)
    if outer is None or inner is None:
        return text_sets.contains(wide, narrow)
    return all(map(text_sets.contains, _fields(outer), _fields(inner)))


def _fields(arn: Arn) -> tuple[str, ...]:
    return (arn.partition, arn.service, arn.region, arn.account, arn.resource)


def _resources_within(a: Texts | None, b: Texts | None, effort: Effort) -> bool:
    if a is None or b is None:
        return a is b
    return within(a, b, effort)


_ACCOUNT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root")
_EVERYONE = ("*", "*")


def _principals(statement: Statement) -> Principals | None:
    chosen = statement.principals or statement.not_principals
    if not chosen:
        return None
    return Principals(names=frozenset(map(_named, chosen)), inverted=not statement.principals)


def _named(principal: Principal) -> tuple[str, str]:
    """Type and name; both spellings of everyone, and of an account, are the same."""
    if principal.is_everyone:
        return _EVERYONE
    account = _ACCOUNT.fullmatch(principal.value) if principal.type == "AWS" else None
    return principal.type, account[1] if account else principal.value


def _principals_within(a: Principals | None, b: Principals | None) -> bool:
    """Whether `b` has all principals of `a`; an account does not contain its users, because it grants differently."""
    if a is None or b is None:
        return a is b
    if a.inverted or b.inverted:
        return a == b
    # Federated principals are not part of `*`: they are not AWS principals before they sign in.
    return a.names <= b.names or (
        _EVERYONE in b.names and all(type_ != "Federated" for type_, _ in a.names - b.names)
    )
