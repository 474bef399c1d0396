"""The document itself: JSON syntax, repeated keys, element names, types, Version and characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import (
    IDENTITY_KINDS,
    Form,
    Kind,
    Node,
    Place,
    Policy,
    Syntax,
)
from aws_iam.engine.language.plain_policy import STATEMENT_ELEMENTS
from aws_iam.engine.language.usable import VERSIONS, repeated_keys
from aws_iam.engine.parsing.json_nodes import Lines
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.gates import MALFORMED, at_policy
from aws_iam.rules.outcomes import Fail
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOP = ("Version", "Id", "Statement")
_ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
_GOOD = {"Version": "2012-10-17", "Statement": [_ALLOW]}


@check(
    "JSON_SYNTAX_ERROR",
    on=Syntax,
    severity=Severity.ERROR,
    title="The document is not valid JSON",
    fix="Correct the text at this line and column; the rest can be checked only after that.",
    bad=['{"Version": "2012-10-17",}', "{'Version': '2012-10-17'}"],
    good=[_GOOD],
)
def json_syntax(syntax: Syntax) -> Iterator[Fail]:
    """AWS rejects a document that is not valid JSON, and nothing else in it can be checked.

    False alarm when the text is the source of a template, which becomes JSON only when the template is rendered.
    """
    yield Fail(syntax.where, f"{syntax.message}: {syntax.hint}")


@check(
    "DUPLICATE_KEY",
    on=Policy,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="An object has the same key twice",
    fix="Merge the two, or move the second one to a separate statement.",
    source="https://www.rfc-editor.org/rfc/rfc8259#section-4",
    bad=['{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Effect": "Deny"}]}'],
    good=[_GOOD],
)
def repeated_key(policy: Policy) -> Iterator[Fail]:
    """Most JSON parsers silently keep only one of the two, so the policy does not do what it says.

    False alarm when both have the same value.
    """
    for name in repeated_keys(policy.node):
        yield Fail(name.where, f"the object already has the key {quoted(name.value)}")


@check(
    "DATA_TYPE_MISMATCH",
    on=Policy,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="An element has a value of the wrong type",
    fix="Give the element a value of the type that the message names.",
    bad=[
        {"Version": "2012-10-17", "Statement": [{**_ALLOW, "Action": 7}]},
        {"Version": "2012-10-17", "Statement": ["Allow"]},
        {"Version": "2012-10-17", "Statement": [{**_ALLOW, "Condition": ["aws:username"]}]},
    ],
    good=[_GOOD, {"Version": "2012-10-17", "Statement": _ALLOW}],
)
def wrong_type(policy: Policy) -> Iterator[Fail]:
    """Every element of a policy has a fixed type.

    No false alarms: AWS rejects the policy.
    """
    root = policy.node
    if root.form is not Form.OBJECT:
        yield _mistyped("the policy", root, "an object")
        return
    yield from _not_strings(root, ("Version", "Id"))
    body = root.member("Statement")
    for node in body.listed() if body else ():
        if node.form is Form.OBJECT:
            yield from _mistyped_statement(node)
        else:
            yield _mistyped("a statement", node, "an object")


def _mistyped_statement(statement: Node) -> Iterator[Fail]:
    yield from _not_strings(statement, ("Sid", "Effect"))
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        element = statement.member(name)
        for entry in element.listed() if element else ():
            if entry.form is not Form.STRING:
                yield _mistyped(f"`{name}`", entry, "a string or a list of strings")
    condition = statement.member("Condition")
    if condition:
        yield from _mistyped_condition(condition)


def _mistyped_condition(condition: Node) -> Iterator[Fail]:
    if condition.form is not Form.OBJECT:
        yield _mistyped("`Condition`", condition, "an object of operators")
    for operator in condition.members:
        if operator.value.form is not Form.OBJECT:
            yield _mistyped(quoted(operator.name.value), operator.value, "an object of keys")
        for key in operator.value.members:
            for value in key.value.listed():
                if value.scalar() is None:
                    yield _mistyped(quoted(key.name.value), value, "a string or a list of strings")


def _not_strings(node: Node, names: Iterable[str]) -> Iterator[Fail]:
    for name in names:
        value = node.member(name)
        if value and value.form is not Form.STRING:
            yield _mistyped(f"`{name}`", value, "a string")


def _mistyped(subject: str, node: Node, expected: str) -> Fail:
    return Fail(node.where, f"{subject} is {node.form}; it must be {expected}")


@check(
    "INVALID_POLICY_ELEMENT",
    on=Policy,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The policy language has no element with this name",
    fix="Correct the name (names are case-sensitive, such as `NotAction`), or remove the element.",
    bad=[
        {"Version": "2012-10-17", "Statement": [{**_ALLOW, "Actions": "s3:GetObject"}]},
        {"Version": "2012-10-17", "Comment": "read only", "Statement": [_ALLOW]},
    ],
    good=[_GOOD],
)
def unknown_element(policy: Policy) -> Iterator[Fail]:
    """AWS rejects a policy with an unknown element.

    False alarm when a tool other than AWS reads the element and removes it before the policy is deployed.
    """
    yield from _unknown_members(policy.node, _TOP, "a policy")
    body = policy.node.member("Statement")
    for node in body.listed() if body else ():
        yield from _unknown_members(node, STATEMENT_ELEMENTS, "a statement")


def _unknown_members(node: Node, known: tuple[str, ...], owner: str) -> Iterator[Fail]:
    for member in node.members:
        name = member.name.value
        if name in known:
            continue
        near = closest(name, known)
        hint = (
            f"did you mean `{near}`?"
            if near
            else f"its elements are {joined(known, shown=len(known))}"
        )
        yield Fail(member.name.where, f"{owner} has no element {quoted(name)}; {hint}")


@check(
    "MISSING_STATEMENT",
    on=Policy,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The policy has no statement",
    fix="Add a Statement with Effect, Action and Resource.",
    bad=[{"Version": "2012-10-17"}],
    good=[_GOOD],
)
def no_statement(policy: Policy) -> Iterator[Fail]:
    """A policy without statements neither allows nor denies anything, and AWS rejects it.

    False alarm when a tool adds the statements before the policy is deployed.
    """
    if policy.node.form is not Form.OBJECT:
        return
    body = policy.node.member("Statement")
    if body is None:
        yield Fail(policy.node.where, "the policy has no `Statement`")
    elif body.form is Form.ARRAY and not body.items:
        # AWS does not say whether an empty list counts as a missing statement.
        yield Fail(body.where, "`Statement` is an empty list", low_confidence=True)


@check(
    "MISSING_VERSION",
    on=Policy,
    when=MALFORMED,
    severity=Severity.WARNING,
    title="The policy has no Version",
    fix='Add "Version": "2012-10-17".',
    bad=[{"Statement": [_ALLOW]}],
    good=[_GOOD],
)
def no_version(policy: Policy) -> Iterator[Fail]:
    """Without Version, AWS reads a policy as version 2008-10-17, where variables such as `${aws:username}` are plain text.

    False alarm when the policy needs no feature of version 2012-10-17.
    """
    if policy.node.form is Form.OBJECT and policy.node.member("Version") is None:
        yield Fail(
            policy.node.where,
            "the policy has no `Version`: AWS reads it as 2008-10-17, without policy variables",
        )


@check(
    "INVALID_VERSION",
    on=Policy,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="Version is not a version of the policy language",
    fix='Write "Version": "2012-10-17"; it is the version of the policy language, not of your policy.',
    bad=[{"Version": "2024-01-01", "Statement": [_ALLOW]}],
    good=[_GOOD, {"Version": "2008-10-17", "Statement": [_ALLOW]}],
)
def unknown_version(policy: Policy) -> Iterator[Fail]:
    """The policy language has only the versions 2012-10-17 and 2008-10-17.

    No false alarms: AWS rejects the policy.
    """
    version = policy.version
    if version and version.value not in VERSIONS:
        yield Fail(
            version.where,
            f"{quoted(version.value)} is not a version of the policy language; write `2012-10-17`",
        )


_UNSUPPORTED = re.compile("[^\t\n\r\u0020-\u00ff]")


def _has_non_ascii(policy: Policy) -> bool:
    return policy.text is not None and not policy.text.isascii()


@check(
    "UNSUPPORTED_CHARACTER",
    on=Policy,
    when=(at_policy(_has_non_ascii),),
    severity=Severity.ERROR,
    title="The text has a character that IAM does not accept",
    fix="Use only tab, line feed, carriage return and the characters U+0020 to U+00FF.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    kinds=(*IDENTITY_KINDS, Kind.TRUST),
    bad=['{"Version": "2012-10-17", "Statement": [{"Effect": "Allow\u200b"}]}'],
    good=[_GOOD],
)
def foreign_character(policy: Policy) -> Iterator[Fail]:
    """IAM rejects the document. The character is often invisible and came with copied text.

    No false alarms: AWS rejects the policy.
    """
    text = policy.text or ""
    match = _UNSUPPORTED.search(text)
    if match:
        place = Place(None, "", match.start(), Lines(text))
        point = f"U+{ord(match[0]):04X}"
        yield Fail(place.where, f"IAM does not accept the character {quoted(match[0])} ({point})")
