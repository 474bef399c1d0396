"""A statement as the lists that it consists of, for writing it anew with other entries.

    statement_lists(policy)     →   (StatementLists(effect="Allow", lists=((("Action",), ("s3:Get*",)), …)), …)
    element(statement)          →   {"Effect": "Allow", "Action": "s3:Get*", …}

Every list has a place: `("Action",)`, `("Resource",)`, `("Principal",)`, `("Condition", "StringEquals", "aws:PrincipalTag/team")`.
Where its entries are alternatives, the statement is the union of the statements with one entry each.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Form
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.parsing.json_nodes import dump
from aws_iam.engine.reference.policy_quotas import compact
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.language.document import Condition, Node, Policy, Statement

Place = tuple[str, ...]

ACTION: Place = ("Action",)
NOT_ACTION: Place = ("NotAction",)
RESOURCE: Place = ("Resource",)
PRINCIPAL: Place = ("Principal",)
ACTIONS = frozenset({ACTION, NOT_ACTION})
_WORDS = ("Action", "NotAction", "Resource", "NotResource")
_PRINCIPALS = ("Principal", "NotPrincipal")
_CONDITION = "Condition"
_ORDER = (*_PRINCIPALS, *_WORDS, _CONDITION)
_KNOWN = frozenset({"Sid", "Effect", *_ORDER})
_EVERYONE = "* *"


@slotted
class StatementLists:
    """One statement. An entry of Principal is its type, a space and its name; one of a condition is JSON text."""

    effect: str
    sid: str
    lists: tuple[tuple[Place, tuple[str, ...]], ...]

    def entries(self, place: Place) -> tuple[str, ...]:
        """The entries of a list; empty where the statement has none."""
        return dict(self.lists).get(place, ())

    def but(self, place: Place, entries: Iterable[str]) -> StatementLists:
        """The statement with other entries in one list."""
        changed = tuple(entries)
        lists = tuple((at, changed if at == place else own) for at, own in self.lists)
        return StatementLists(effect=self.effect, sid=self.sid, lists=lists)

    def named(self, sid: str) -> StatementLists:
        """The statement with another Sid."""
        return StatementLists(effect=self.effect, sid=sid, lists=self.lists)

    @property
    def length(self) -> int:
        """Its characters in compact JSON."""
        return len(compact(element(self)))

    @property
    def title(self) -> str:
        """Its Sid, or what it begins with, for people."""
        if self.sid:
            return quoted(self.sid)
        first = next((entry for at, own in self.lists if at in ACTIONS for entry in own), "")
        return f"{self.effect} {quoted(first, 60)}"


def folded(place: Place, entry: str) -> str:
    """The entry without what AWS does not tell apart: actions have no letter case."""
    return entry.lower() if place in ACTIONS else entry


def are_alternatives(place: Place, entries: Sequence[str] = ()) -> bool:
    """Whether a request matches the list when it matches one of its entries, and nothing else depends on them."""
    head = place[0]
    if head == _CONDITION:
        operator = place[1].removesuffix("IfExists")
        # A set operator judges all values of a request together, and a negated one needs all of its own.
        return operator in OPERATORS and "Not" not in operator and operator != "Null"
    return place in {ACTION, RESOURCE} or (place == PRINCIPAL and _EVERYONE not in entries)


def statement_lists(policy: Policy) -> tuple[StatementLists, ...]:
    """The statements of a policy; InputError for one with an element that AWS would refuse."""
    return tuple(map(_lists, policy.statements))


def _lists(statement: Statement) -> StatementLists:
    unknown = [name for name in statement.elements if name not in _KNOWN]
    if unknown:
        raise _refused(
            statement.node, f"has an element {quoted(unknown[0])}, which IAM does not have"
        )
    lists: list[tuple[Place, tuple[str, ...]]] = []
    for name in _ORDER:
        node = statement.node.member(name)
        if node is None:
            continue
        if name in _WORDS:
            lists.append(((name,), _strings(node)))
        elif name in _PRINCIPALS:
            lists.append(((name,), tuple(_named(node))))
        else:
            lists += _tests(node, statement.conditions)
    sid = statement.node.member("Sid")
    if sid is not None and sid.form is not Form.STRING:
        raise _refused(sid, "is not a string")
    effect = statement.effect.value if statement.effect else ""
    return StatementLists(effect=effect, sid=sid.text if sid else "", lists=tuple(lists))


def _strings(node: Node) -> tuple[str, ...]:
    if node.form is Form.STRING or (
        node.form is Form.ARRAY and len(node.words) == len(node.items)
    ):
        return tuple(node.words)
    raise _refused(node, "is neither a string nor a list of strings")


def _named(node: Node) -> Iterator[str]:
    if node.form is Form.STRING and node.value == "*":
        yield _EVERYONE
        return
    if node.form is not Form.OBJECT:
        raise _refused(node, "is neither `*` nor an object")
    for member in node.members:
        yield from (f"{member.key} {name}" for name in _strings(member.value))


def _tests(node: Node, conditions: Sequence[Condition]) -> Iterator[tuple[Place, tuple[str, ...]]]:
    for block in (node, *(member.value for member in node.members)):
        if block.form is not Form.OBJECT:
            raise _refused(block, "is not an object")
    for condition in conditions:
        values = condition.node.listed()
        if len(condition.values) < len(values):
            raise _refused(condition.node, "has a value that is no string, number, true or false")
        place = (_CONDITION, condition.operator.value, condition.key.value)
        yield place, tuple(map(_written, values))


def _written(value: Node) -> str:
    """The value as JSON; a number that Python would write in another way as its text, which means the same to IAM."""
    text = dump(value)
    if value.form is Form.NUMBER and not (text.isdecimal() and len(text) < _MOST_DIGITS):
        return json.dumps(text)
    return text


# Python reads no integer of more digits by default.
_MOST_DIGITS = 4_000


def _refused(node: Node, why: str) -> InputError:
    return InputError(
        f"the policy cannot be shrunk: `{node.at.pointer}` {why}",
        hint="run `policy validate` to see everything that is wrong with it",
    )


def element(statement: StatementLists) -> dict[str, Any]:
    """The statement as JSON."""
    found: dict[str, Any] = {"Sid": statement.sid} if statement.sid else {}
    found["Effect"] = statement.effect
    for place, entries in statement.lists:
        if place[0] == _CONDITION:
            _, operator, key = place
            block = found.setdefault(_CONDITION, {}).setdefault(operator, {})
            block[key] = _bare([json.loads(entry) for entry in entries])
        elif place[0] in _PRINCIPALS:
            found[place[0]] = _principals(entries)
        else:
            found[place[0]] = _bare(list(entries))
    return found


def _principals(entries: Sequence[str]) -> Any:
    if _EVERYONE in entries:
        return "*"
    by_type: dict[str, list[str]] = {}
    for entry in entries:
        type_, _, name = entry.partition(" ")
        by_type.setdefault(type_, []).append(name)
    return {type_: _bare(names) for type_, names in by_type.items()}


def _bare(entries: list[Any]) -> Any:
    return entries[0] if len(entries) == 1 else entries
