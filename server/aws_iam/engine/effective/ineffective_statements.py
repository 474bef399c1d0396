"""Why a statement has no effect: AWS would reject it, or requests never carry a key that its conditions require."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Form, Kind, Node
from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS
from aws_iam.engine.reference import global_keys
from aws_iam.engine.reference.key_support import actions_with_key
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.reference.catalog import Action


_WITH_PRINCIPAL = (Kind.RESOURCE, Kind.TRUST, Kind.RCP)
_PRINCIPALS = ("Principal", "NotPrincipal")
_WITHOUT = {
    Kind.IDENTITY: _PRINCIPALS,
    Kind.BOUNDARY: _PRINCIPALS,
    Kind.SESSION: _PRINCIPALS,
    Kind.SCP: _PRINCIPALS,
    Kind.TRUST: ("Resource", "NotResource"),
}
_EITHER = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_PAIRED = frozenset(name for pair in _EITHER for name in pair)
_PLAIN = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})


def rejection_reasons(statement: Statement, kind: Kind) -> tuple[str, ...]:
    """Why AWS would reject the statement, in words; empty when it would not."""
    if _is_plain(statement, kind):
        return tuple(_conditions(statement)) if statement.has("Condition") else ()
    return (*_effect(statement), *_elements(statement, kind), *_conditions(statement))


def _is_plain(statement: Statement, kind: Kind) -> bool:
    """Whether the statement has no principals, and nothing but conditions that AWS would reject; most are such."""
    action, resource = statement.action, statement.resource
    return (
        action is not None
        and resource is not None
        and _has_plain_form(statement.elements, kind)
        and (statement.allows or statement.denies)
        and action.is_of_texts
        and resource.is_of_texts
    )


@lru_cache(maxsize=1024)
def _has_plain_form(elements: tuple[str, ...], kind: Kind) -> bool:
    return _PLAIN.issuperset(elements) and not _element_reasons(
        _PAIRED.intersection(elements), kind
    )


def _effect(statement: Statement) -> Iterator[str]:
    if not statement.has("Effect"):
        yield "it has no Effect"
    elif not (statement.allows or statement.denies):
        written = quoted(statement.effect.value, 40) if statement.effect else "not a string"
        yield f"its Effect is {written}, neither `Allow` nor `Deny`"


def _elements(statement: Statement, kind: Kind) -> Iterator[str]:
    present = _PAIRED.intersection(statement.elements)
    yield from _element_reasons(present, kind)
    for name, node in (
        ("Action", statement.action),
        ("NotAction", statement.not_action),
        ("Resource", statement.resource),
        ("NotResource", statement.not_resource),
    ):
        if node is not None and not node.is_of_texts:
            yield f"its {name} is not a string or a list of strings"
    for name in _PRINCIPALS:
        principal = statement.node.member(name) if name in present else None
        if principal is not None and not _is_principal(principal):
            yield f"its {name} is not valid"


# Every statement of every policy asks, and there are few combinations.
@cache
def _element_reasons(present: frozenset[str], kind: Kind) -> tuple[str, ...]:
    """What is wrong with having these elements, of those that exclude each other, in a policy of this kind."""
    both = [f"it has both {one} and {other}" for one, other in _EITHER if {one, other} <= present]
    missing = [f"it has no {names}" for names in _missing(present, kind)]
    not_allowed = [
        f"it has a {name}, which this kind of policy cannot have"
        for name in _WITHOUT.get(kind, ())
        if name in present
    ]
    return (*both, *missing, *not_allowed)


def _missing(present: frozenset[str], kind: Kind) -> Iterator[str]:
    if present.isdisjoint({"Action", "NotAction"}):
        yield "Action"
    if kind in _WITH_PRINCIPAL and present.isdisjoint(_PRINCIPALS):
        yield "Principal"
    # Policies of ECR and some other services omit their own resource.
    if kind not in (Kind.TRUST, Kind.RESOURCE) and present.isdisjoint({"Resource", "NotResource"}):
        yield "Resource"


def _is_principal(node: Node) -> bool:
    if node.form is Form.STRING:
        return node.text == "*"
    return bool(node.members) and all(member.value.is_of_texts for member in node.members)


def _conditions(statement: Statement) -> Iterator[str]:
    node = statement.node.member("Condition") if statement.has("Condition") else None
    if node is None:
        return
    if node.form is not Form.OBJECT:
        yield "its Condition is not an object"
        return
    for operator in node.members:
        if operator.value.form is not Form.OBJECT:
            yield f"its condition {quoted(operator.name.value, 60)} is not an object"
    for condition in statement.conditions:
        if condition.base not in OPERATORS or (
            condition.qualifier and condition.qualifier not in QUALIFIERS
        ):
            yield f"its condition operator {quoted(condition.operator.value, 60)} does not exist"
        elif len(condition.values) != len(condition.node.listed()):
            yield f"its condition on {quoted(condition.key.value, 60)} has a value that is not a string"


# Keys about the role that is passed; requests for other actions have no such role.
_OF_PASSING = frozenset({"iam:passedtoservice", "iam:associatedresourcearn"})


# AWS's own policies limit actions of this service by keys that its reference does not list.
_ILL_LISTED = frozenset({"aws-marketplace"})


_STEPS_OF_A_KEY = 100


def actions_lacking_key(
    statement: Statement, named: Mapping[str, Action], spend: Callable[[int], None]
) -> dict[str, str]:
    """The actions, by full name in lower case, whose requests never carry a required key, with that key.

    Only keys of the action's own service: the reference does not say which keys other services add to a request.
    """
    found: dict[str, str] = {}
    for condition, having in _service_key_conditions(statement, spend):
        spend(len(named))
        prefix = condition.name.partition(":")[0]
        everywhere = condition.name in _OF_PASSING
        for name, action in named.items():
            if (everywhere or action.service == prefix) and name not in having:
                found.setdefault(name, condition.key.value)
    return found


def _service_key_conditions(
    statement: Statement, spend: Callable[[int], None]
) -> Iterator[tuple[Condition, frozenset[str]]]:
    """The conditions that require a service's key, each with the actions whose requests carry it."""
    for condition in statement.conditions:
        name = condition.name
        prefix = name.partition(":")[0]
        if prefix != "aws" and prefix not in _ILL_LISTED and condition.demanded:
            spend(_STEPS_OF_A_KEY + len(name))
            having = actions_with_key(prefix, name)
            # Session keys are in the requests of every service; nothing is known of an unknown key.
            if having and global_keys.find(name) is None:
                yield condition, having
