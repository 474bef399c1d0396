"""Empty elements: lists, objects and strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import IDENTITY_KINDS, Condition, Form, Kind, Statement
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.gates import MALFORMED
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
_TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "sts:AssumeRole",
}


def _empty_lists(statement: Statement, *names: str) -> Iterator[Fail]:
    for name in names:
        node = statement.node.member(name)
        if node and node.form is Form.ARRAY and not node.items:
            yield Fail(node.where, f"`{name}` is an empty list: the statement applies to nothing")


@check(
    "EMPTY_ARRAY_ACTION",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The list of actions is empty",
    fix="List the actions, or remove the statement.",
    bad=[{**_ALLOW, "Action": []}],
    good=[_ALLOW],
)
def no_actions_listed(statement: Statement) -> Iterator[Fail]:
    """A statement without actions has no effect, which is rarely intended.

    False alarm when a tool fills the list in before the policy is deployed.
    """
    yield from _empty_lists(statement, "Action", "NotAction")


@check(
    "EMPTY_ARRAY_RESOURCE",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The list of resources is empty",
    fix="List the resources, or remove the statement.",
    kinds=(*IDENTITY_KINDS, Kind.RESOURCE, Kind.SCP, Kind.RCP),
    bad=[{**_ALLOW, "Resource": []}],
    good=[_ALLOW],
)
def no_resources_listed(statement: Statement) -> Iterator[Fail]:
    """A statement without resources has no effect, which is rarely intended.

    False alarm when a tool fills the list in before the policy is deployed.
    """
    yield from _empty_lists(statement, "Resource", "NotResource")


@check(
    "EMPTY_ARRAY_PRINCIPAL",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The list of principals is empty",
    fix="List the principals, or remove the statement.",
    kinds=(Kind.RESOURCE, Kind.TRUST),
    bad=[{**_TRUST, "Principal": {"AWS": []}}],
    good=[_TRUST],
)
def no_principals_listed(statement: Statement) -> Iterator[Fail]:
    """A statement without principals has no effect, which is rarely intended.

    False alarm when a tool fills the list in before the policy is deployed.
    """
    for name in ("Principal", "NotPrincipal"):
        node = statement.node.member(name)
        for member in node.members if node else ():
            if member.value.form is Form.ARRAY and not member.value.items:
                yield Fail(member.value.where, f"`{name}` has an empty list of principals")


@check(
    "EMPTY_OBJECT_PRINCIPAL",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The principal is an empty object",
    fix="Name the principals, or remove the statement.",
    kinds=(Kind.RESOURCE, Kind.TRUST),
    bad=[{**_TRUST, "Principal": {}}],
    good=[_TRUST],
)
def nobody_named(statement: Statement) -> Iterator[Fail]:
    """A statement without principals has no effect, which is rarely intended.

    False alarm when a tool fills the principals in before the policy is deployed.
    """
    for name in ("Principal", "NotPrincipal"):
        node = statement.node.member(name)
        if node and node.form is Form.OBJECT and not node.members:
            yield Fail(node.where, f"`{name}` is an empty object")


@check(
    "EMPTY_OBJECT_CONDITION",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The condition is an empty object",
    fix="Remove Condition, or add the intended condition.",
    bad=[{**_ALLOW, "Condition": {}}],
    good=[_ALLOW],
)
def no_condition_written(statement: Statement) -> Iterator[Fail]:
    """An empty condition is always true, so the statement is wider than it looks.

    False alarm when a tool fills the condition in before the policy is deployed.
    """
    condition = statement.node.member("Condition")
    if condition and condition.form is Form.OBJECT and not condition.members:
        yield Fail(condition.where, "`Condition` is an empty object, so it is always true")


def _without_values(statement: Statement) -> Iterator[Condition]:
    for condition in statement.conditions:
        if condition.node.form is Form.ARRAY and not condition.node.items:
            yield condition


_TRUE_WITHOUT_KEY = "the condition is true only when the request lacks the key"


def _empty_values(condition: Condition, consequence: str) -> Fail:
    key = quoted(condition.key.value)
    return Fail(condition.node.where, f"{key} has an empty list of values: {consequence}")


@check(
    "EMPTY_ARRAY_CONDITION",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The condition key has no values",
    fix="List the values, or remove the key.",
    bad=[{**_ALLOW, "Condition": {"StringEquals": {"aws:username": []}}}],
    good=[{**_ALLOW, "Condition": {"StringEquals": {"aws:username": ["ana"]}}}],
)
def no_values(statement: Statement) -> Iterator[Fail]:
    """Without a value to compare the key with, the condition has no clear meaning.

    False alarm when a tool fills the values in before the policy is deployed.
    """
    for condition in _without_values(statement):
        if not (condition.qualifier or condition.if_exists):
            yield _empty_values(condition, "there is no value to compare it with")


@check(
    "EMPTY_ARRAY_CONDITION_FORALLVALUES",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="ForAllValues has no values",
    fix="List the values; to require that the key is absent, use Null with the value true.",
    bad=[{**_ALLOW, "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": []}}}],
    good=[{**_ALLOW, "Condition": {"Null": {"aws:TagKeys": "true"}}}],
)
def no_values_for_all(statement: Statement) -> Iterator[Fail]:
    """The condition is true only when the request lacks the key, which Null expresses clearly.

    False alarm when a tool fills the values in before the policy is deployed.
    """
    for condition in _without_values(statement):
        if condition.qualifier == "ForAllValues":
            yield _empty_values(condition, _TRUE_WITHOUT_KEY)


@check(
    "EMPTY_ARRAY_CONDITION_FORANYVALUE",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="ForAnyValue has no values",
    fix="List the values, or remove the key.",
    bad=[{**_ALLOW, "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": []}}}],
    good=[{**_ALLOW, "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}}],
)
def no_values_for_any(statement: Statement) -> Iterator[Fail]:
    """The condition is never true, so the statement never applies.

    False alarm when a tool fills the values in before the policy is deployed.
    """
    for condition in _without_values(statement):
        if condition.qualifier == "ForAnyValue":
            yield _empty_values(condition, "the condition is never true")


@check(
    "EMPTY_ARRAY_CONDITION_IFEXISTS",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The IfExists condition has no values",
    fix="List the values; to require that the key is absent, use Null with the value true.",
    bad=[{**_ALLOW, "Condition": {"StringEqualsIfExists": {"aws:username": []}}}],
    good=[{**_ALLOW, "Condition": {"StringEqualsIfExists": {"aws:username": ["ana"]}}}],
)
def no_values_if_exists(statement: Statement) -> Iterator[Fail]:
    """The condition is true only when the request lacks the key, which Null expresses clearly.

    False alarm when a tool fills the values in before the policy is deployed.
    """
    for condition in _without_values(statement):
        if condition.if_exists and not condition.qualifier:
            yield _empty_values(condition, _TRUE_WITHOUT_KEY)


@check(
    "EMPTY_SID_VALUE",
    on=Statement,
    when=MALFORMED,
    severity=Severity.SUGGESTION,
    title="The Sid is empty",
    fix="Remove Sid, or give the statement a name.",
    bad=[{**_ALLOW, "Sid": ""}],
    good=[{**_ALLOW, "Sid": "ListBuckets"}, _ALLOW],
)
def nameless(statement: Statement) -> Iterator[Fail]:
    """An empty Sid does not identify the statement.

    False alarm when a tool fills the Sid in before the policy is deployed.
    """
    if statement.sid and not statement.sid.value:
        yield Fail(statement.sid.where, "the `Sid` is empty")
