"""A policy with values that are known only at deployment, read in two ways that no value can go beyond.

    most_and_least(source)   →   (allows the most, allows the least), or None where nothing is known of a statement

In the first an Allow has every request that some value gives it, and a Deny those alone that every value gives it; in the
second it is the other way round. What both decide alike holds whatever the values are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Policy, policy_of
from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Source

    Widen = Callable[[Node], str]

_ENTRIES = ("Action", "Resource")
_NEGATED = ("NotAction", "NotResource", "NotPrincipal")
_IDLE = frozenset({"Sid"})
_WORD = re.compile(r"[A-Za-z0-9-]+")


def most_and_least(source: Source) -> tuple[Policy, Policy] | None:
    """The policy as it allows the most and as it allows the least; None where nothing is known of a statement."""
    policy = source.content
    if not isinstance(policy, Policy):
        return None
    body = policy.node.member("Statement")
    if body is None or any(node.at.pointer in source.unresolved for node in body.listed()):
        return None
    star, other = (_texts(source, number) for number in (0, 1))
    most: list[Node] = []
    least: list[Node] = []
    for node in body.listed():
        effect = node.member("Effect")
        if effect is None:
            return None
        if not any(_open_places(node, source)):
            most.append(node)
            least.append(node)
            continue
        is_deny = effect.text == "Deny"

        def widen(entry: Node, *, is_deny: bool = is_deny) -> str:
            return _widened(entry, star, other, is_deny=is_deny)

        wide = _wide(node, source.unresolved, widen)
        if effect.at.pointer in source.unresolved:
            most.append(_with_effect(wide, "Allow"))
            least.append(_with_effect(wide, "Deny"))
            continue
        narrow = _narrow(node, source.unresolved)
        (least if is_deny else most).append(wide)
        if narrow:
            (most if is_deny else least).append(narrow)
    return _with(policy, most), _with(policy, least)


def open_statements(source: Source) -> frozenset[str]:
    """The pointers of the statements with a value that is known only at deployment."""
    if not isinstance(source.content, Policy) or not source.unresolved:
        return frozenset()
    nodes = (statement.node for statement in source.content.statements)
    return frozenset(node.at.pointer for node in nodes if any(_open_places(node, source)))


def open_values(source: Source, pointer: str) -> dict[str, str]:
    """The values of a statement that are known only at deployment, as far as they are known, with the word for what is not."""
    if not isinstance(source.content, Policy):
        return {}
    other = _texts(source, len(source.variants) - 1) if source.variants else {}
    nodes = (s.node for s in source.content.statements if s.node.at.pointer == pointer)
    found = (own for node in nodes for own in _open_places(node, source))
    return {own.text: _word(own.text, other.get(own.at.pointer, "")) for own in found}


def _word(text: str, varied: str) -> str:
    """The first word in a text that stands for a value: in the other variant it has an `x` in front."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(text, varied, strict=False))
    begin = len(list(alike))
    found = _WORD.match(text, begin) if varied[begin : begin + 1] == "x" else None
    return found[0] if found else text


def _open_places(node: Node, source: Source) -> Iterator[Node]:
    for member in node.members:
        if member.key not in _IDLE:
            for own in walk(member.value):
                if own.at.pointer in source.unresolved and own.text:
                    yield own
                yield from (m.name for m in own.members if m.name.at.pointer in source.unresolved)


def _with(policy: Policy, statements: Sequence[Node]) -> Policy:
    body = policy.node.member("Statement")
    at = body.at if body else policy.node.at
    listed = Node(Form.ARRAY, at, items=tuple(statements))
    members = [
        Member(own.key, listed, own.name) if own.key == "Statement" else own
        for own in policy.node.members
    ]
    made = policy_of(policy.node.but(members=tuple(members)), policy.kind, None)
    return replace(made, kind_guessed=policy.kind_guessed, resource_type=policy.resource_type)


def _with_effect(node: Node, effect: str) -> Node:
    members = [
        Member(own.key, own.value.but(value=effect), own.name) if own.key == "Effect" else own
        for own in node.members
    ]
    return node.but(members=tuple(members))


def _wide(node: Node, unresolved: frozenset[str], widen: Widen) -> Node:
    """The statement with every request that some value gives it."""
    members = []
    for member in node.members:
        value = member.value
        if not _is_open(value, unresolved):
            members.append(member)
        elif member.key in _ENTRIES:
            items = [
                string(widen(own), own.at) if own.at.pointer in unresolved else own
                for own in value.listed()
            ]
            members.append(_member(member, items))
        elif member.key in _NEGATED:
            known = _known(value, unresolved)
            if known is not None or member.key != "NotPrincipal":
                members.append(Member(member.key, known or _list(value, ()), member.name))
            else:
                members.append(Member("Principal", string("*", value.at), None))
        elif member.key == "Principal":
            members.append(Member(member.key, string("*", value.at), member.name))
        elif member.key == "Condition":
            members.append(Member(member.key, _conditions(value, unresolved), member.name))
        else:
            members.append(member)
    return node.but(members=tuple(members))


def _narrow(node: Node, unresolved: frozenset[str]) -> Node | None:
    """The statement with those requests alone that every value gives it; None if there may be none."""
    members = []
    for member in node.members:
        value = member.value
        if not _is_open(value, unresolved):
            members.append(member)
        elif member.key in _IDLE:
            continue
        elif member.key in (*_ENTRIES, "Principal") and (known := _known(value, unresolved)):
            members.append(Member(member.key, known, member.name))
        elif member.key == "Condition" and (met := _certainly_met(value, unresolved)):
            members.append(Member(member.key, met, member.name))
        else:
            return None
    return node.but(members=tuple(members))


def _is_open(value: Node, unresolved: frozenset[str]) -> bool:
    for own in walk(value):
        if own.at.pointer in unresolved:
            return True
        if any(member.name.at.pointer in unresolved for member in own.members):
            return True
    return False


def _known(value: Node, unresolved: frozenset[str]) -> Node | None:
    """The entries that are known, of a list or of the lists of an object; None without any."""
    if value.form is Form.OBJECT:
        members = [
            Member(own.key, known, own.name)
            for own in value.members
            if own.name.at.pointer not in unresolved and (known := _known(own.value, unresolved))
        ]
        return value.but(members=tuple(members)) if members else None
    kept = tuple(own for own in value.listed() if own.at.pointer not in unresolved)
    return _list(value, kept) if kept else None


def _conditions(value: Node, unresolved: frozenset[str]) -> Node:
    """The conditions that are known; one with an unknown value is met by some value, and a negated one has fewer."""
    operators = []
    for operator in value.members:
        keys = []
        for key in operator.value.members:
            if not (
                _is_open(key.value, unresolved)
                or key.name.at.pointer in unresolved
                or operator.name.at.pointer in unresolved
            ):
                keys.append(key)
            elif "Not" in operator.key and (known := _known(key.value, unresolved)):
                keys.append(Member(key.key, known, key.name))
        if keys:
            kept = operator.value.but(members=tuple(keys))
            operators.append(Member(operator.key, kept, operator.name))
    return Node(Form.OBJECT, value.at, members=tuple(operators))


def _certainly_met(value: Node, unresolved: frozenset[str]) -> Node | None:
    """The conditions with the values that are known, where one of these is enough for each; None where it is not."""
    operators = []
    for operator in value.members:
        is_negated = "Not" in operator.key or operator.key.endswith("Null")
        keys = []
        for key in operator.value.members:
            named_later = {key.name.at.pointer, operator.name.at.pointer} & unresolved
            is_open = _is_open(key.value, unresolved)
            known = _known(key.value, unresolved) if is_open else key.value
            if named_later or known is None or (is_open and is_negated):
                return None
            keys.append(Member(key.key, known, key.name))
        kept = operator.value.but(members=tuple(keys))
        operators.append(Member(operator.key, kept, operator.name))
    return Node(Form.OBJECT, value.at, members=tuple(operators))


def _list(value: Node, items: Sequence[Node]) -> Node:
    return Node(Form.ARRAY, value.at, items=tuple(items))


def _member(member: Member, items: Sequence[Node]) -> Member:
    return Member(member.key, _list(member.value, items), member.name)


def _texts(source: Source, number: int) -> Mapping[str, str]:
    """What a variant of the policy has in the places of unknown values."""
    if len(source.variants) <= number:
        return {}
    nodes = walk(source.variants[number].node)
    return {
        own.at.pointer: own.text
        for own in nodes
        if own.form is Form.STRING and own.at.pointer in source.unresolved
    }


def _widened(
    entry: Node, star: Mapping[str, str], other: Mapping[str, str], *, is_deny: bool
) -> str:
    """A pattern of every text that the entry may be.

    The variant with stars has one for each unknown part; in a Deny it has none there, and what two variants have in common
    at their beginnings is known.
    """
    starred, varied = star.get(entry.at.pointer), other.get(entry.at.pointer)
    if starred is None or varied is None or starred == "*":
        return "*"
    if not is_deny:
        return starred
    # In the other variant an `x` stands in front of the same words.
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(entry.text, varied, strict=False))
    return f"{''.join(own for own, _ in alike).rstrip('x')}*"
