"""Whether a policy is well formed; the rules on grammar find nothing in such a policy."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.engine.language.document import Node, Policy, Statement

_TOP = frozenset({"Version", "Id", "Statement"})
_LISTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})
_MAPS = frozenset({"Principal", "NotPrincipal"})


def is_well_formed(statement: Statement) -> bool:
    """Whether each element exists, occurs once, has the right type and is not empty; none is missing or beside its opposite."""
    elements = statement.elements
    if len(elements) > len(_ELEMENTS) or not _are_elements_well_formed(elements):
        return False
    if not (statement.allows or statement.denies):
        return False
    for member in statement.node.members:
        name, node = member.key, member.value
        if name in _LISTS:
            if not node.is_of_texts:
                return False
        elif not _TESTS[name](node):
            return False
    return True


@lru_cache(maxsize=256)
def _are_elements_well_formed(elements: tuple[str, ...]) -> bool:
    """Whether a statement may have these elements together."""
    names = frozenset(elements)
    if (
        len(names) < len(elements)
        or not names <= _ELEMENTS
        or ("Action" in names) == ("NotAction" in names)
    ):
        return False
    resources = ("Resource" in names) + ("NotResource" in names)
    return resources == 1 or (not resources and not names.isdisjoint(_MAPS))


def is_well_formed_policy(policy: Policy) -> bool:
    """Whether the policy has the current version and a list of statements that are all objects."""
    members = policy.node.members
    names = {member.key for member in members}
    body = policy.node.member("Statement")
    return (
        body is not None
        and len(names) == len(members)
        and names <= _TOP
        and policy.version is not None
        and policy.version.value == "2012-10-17"
        and (policy.id is not None or "Id" not in names)
        and 0 < len(policy.statements) == len(body.listed())
    )


def _is_string(node: Node) -> bool:
    return node.form is Form.STRING and bool(node.text)


def _is_principal(node: Node) -> bool:
    return node.form is Form.STRING or (
        _is_map(node) and all(member.value.is_of_texts for member in node.members)
    )


def _is_condition(node: Node) -> bool:
    if not _is_map(node):
        return False
    for operator in node.members:
        if not _is_map(operator.value):
            return False
        for key in operator.value.members:
            if not _is_value(key.value):
                return False
    return True


def _is_value(node: Node) -> bool:
    """A scalar, or scalars of one type."""
    if node.form is Form.STRING:
        return True
    forms = {value.form for value in node.listed()}
    return len(forms) == 1 and forms <= _SCALARS


def _is_map(node: Node) -> bool:
    """An object that has members and no key twice."""
    members = node.members
    return bool(members) and (
        len(members) == 1 or len({member.key for member in members}) == len(members)
    )


_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})
_TESTS: Mapping[str, Callable[[Node], bool]] = {
    "Sid": _is_string,
    "Effect": _is_string,
    "Principal": _is_principal,
    "NotPrincipal": _is_principal,
    "Condition": _is_condition,
}
_ELEMENTS = _LISTS | _TESTS.keys()
