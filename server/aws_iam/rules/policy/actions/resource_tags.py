"""Conditions on aws:ResourceTag for actions that do not support the key."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.check import check
from aws_iam.rules.gates import at_keys
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.catalog import Action

_KEY = "aws:resourcetag/"
_BLUE = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
_NOT_BLUE = {"StringNotEquals": {"aws:ResourceTag/team": "blue"}}


def _tag_statement(
    effect: str, element: str, actions: object, condition: object = _BLUE
) -> object:
    return {"Effect": effect, element: actions, "Resource": "*", "Condition": condition}


def _tag_conditions(statement: Statement) -> Iterator[Condition]:
    """The conditions on tags of the resource, one for each tag."""
    seen = set()
    for condition in statement.conditions:
        if condition.name.startswith(_KEY) and condition.name not in seen:
            seen.add(condition.name)
            yield condition


@slotted
class _UnsupportedEntry:
    """An entry of Action none of whose actions supports aws:ResourceTag, according to the reference."""

    action: str
    # Certain when none of its actions has a resource type: there is no resource that could have tags.
    is_certain: bool


def _unsupported_entries(statement: Statement) -> tuple[_UnsupportedEntry, ...]:
    entries = (_unsupported_entry(action.value) for action in statement.actions)
    return tuple(entry for entry in entries if entry)


def _unsupported_entry(entry: str) -> _UnsupportedEntry | None:
    """The entry, if it is an action or a prefix of actions with `*` and none of these supports the key."""
    prefix, _, name = entry.lower().partition(":")
    head = name.removesuffix("*")
    support = _support(prefix) if is_literal(prefix) and is_literal(head) else None
    if support is None:
        return None
    start = bisect_left(support.names, head)
    # `{` follows `z`, the last character that occurs in names of actions.
    end = bisect_right(support.names, head if head == name else f"{head}{{")
    if start == end or support.tagged[start] != support.tagged[end]:
        return None
    return _UnsupportedEntry(action=entry, is_certain=support.typed[start] == support.typed[end])


@slotted
class _Support:
    """The sorted actions of a service; before each, how many support tag conditions and how many have resource types."""

    names: tuple[str, ...]
    tagged: tuple[int, ...]
    typed: tuple[int, ...]


@memo_of_reference(512)
def _support(prefix: str) -> _Support | None:
    """None for an unknown service, and for one that lists the key in the reference but for none of its actions."""
    service = catalog().service(prefix)
    if service is None:
        return None
    actions = sorted(service.actions.items())
    tagged = [_supports_tags(action) for _, action in actions]
    if not any(tagged) and any(name.startswith(_KEY) for name in service.condition_keys):
        return None
    return _Support(
        names=tuple(name for name, _ in actions),
        tagged=(0, *accumulate(tagged)),
        typed=(0, *accumulate(bool(action.resource_types) for _, action in actions)),
    )


def _supports_tags(action: Action) -> bool:
    service = catalog().service(action.service)
    keys = list(action.condition_keys)
    for name in action.resource_types:
        keys += action.type_condition_keys.get(name, ())
        type_ = service.resource_types.get(name.lower()) if service else None
        keys += type_.condition_keys if type_ else ()
    # A resource that is created with tags has them when AWS evaluates the request.
    return any(key.lower().startswith((_KEY, "aws:requesttag/")) for key in keys)


def _holds_without_key(condition: Condition) -> bool:
    """Whether the condition is true for a request without the key."""
    if condition.base == "Null":
        return [value.value.lower() for value in condition.values] == ["true"]
    return condition.negated or condition.if_exists or condition.qualifier == "ForAllValues"


def _actions_without_tags(
    statement: Statement, *, holds: bool | None = None, null_tests: bool = True
) -> Iterator[Fail]:
    """The conditions on tags that some actions do not support.

    `holds` selects those that are then true, or false; without `null_tests` a `Null` test is left out, as ValidatePolicy does.
    """
    entries = _unsupported_entries(statement) if any(_tag_conditions(statement)) else ()
    if not entries:
        return
    services = sorted({entry.action.partition(":")[0].lower() for entry in entries})
    more = f" and {len(entries) - 1} more (of {', '.join(services)})" if entries[1:] else ""
    for condition in _tag_conditions(statement):
        if holds not in {None, _holds_without_key(condition)}:
            continue
        if condition.base == "Null" and not null_tests:
            continue
        always = "always" if _holds_without_key(condition) else "never"
        yield Fail(
            condition.key.where,
            f"requests for {quoted(entries[0].action)}{more} have no"
            f" {quoted(condition.key.value)}, so the condition is {always} true for them",
            # The reference does not list the key for every resource type that supports it.
            low_confidence=not any(entry.is_certain for entry in entries),
        )


def _not_action_without_tags(statement: Statement) -> Iterator[Fail]:
    for condition in _tag_conditions(statement) if statement.not_actions else ():
        always = "always" if _holds_without_key(condition) else "never"
        yield Fail(
            condition.key.where,
            f"requests for many of the actions that `NotAction` does not exclude have no"
            f" {quoted(condition.key.value)}, so the condition is {always} true for them",
        )


_MOVE_ACTIONS = "Move the actions to a statement without the condition, limited to ARNs."
_LIST_ACTIONS = "Use Action and list only actions that support aws:ResourceTag."


_HAS_TAG_CONDITION = (at_keys(_KEY),)


@check(
    "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_HAS_TAG_CONDITION,
    severity=Severity.SUGGESTION,
    title="A tag condition is on an Allow of an action that does not support it",
    fix=_MOVE_ACTIONS,
    bad=[
        _tag_statement("Allow", "Action", ["ec2:DescribeInstances", "ec2:StopInstances"]),
        _tag_statement("Allow", "Action", "s3:ListAllMyBuckets"),
    ],
    good=[
        _tag_statement("Allow", "Action", "ec2:StopInstances"),
        _tag_statement("Allow", "Action", "ec2:*"),
        _tag_statement("Deny", "Action", "s3:ListAllMyBuckets"),
    ],
)
def never_allowed_by_tag(statement: Statement) -> Iterator[Fail]:
    """Requests for the action lack the key: a positive condition never allows it and a negated one always does.

    False alarm when the action supports aws:ResourceTag although AWS's reference does not say so.
    """
    if statement.allows:
        yield from _actions_without_tags(statement, null_tests=False)


@check(
    "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_HAS_TAG_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="A tag condition is on a Deny of an action that does not support it",
    fix=_MOVE_ACTIONS,
    bad=[_tag_statement("Deny", "Action", ["ec2:StopInstances", "s3:ListAllMyBuckets"])],
    good=[
        _tag_statement("Deny", "Action", "ec2:StopInstances"),
        _tag_statement("Allow", "Action", "s3:ListAllMyBuckets"),
    ],
)
def never_denied_by_tag(statement: Statement) -> Iterator[Fail]:
    """Requests for the action lack the key, so the condition is false and the action is not denied, whatever the tags.

    False alarm when the action supports aws:ResourceTag although AWS's reference does not say so.
    """
    if statement.denies:
        yield from _actions_without_tags(statement, holds=False)


@check(
    "DENY_HITS_ACTIONS_WITHOUT_TAGS",
    on=Statement,
    when=_HAS_TAG_CONDITION,
    severity=Severity.WARNING,
    title="A Deny always applies to an action that does not support its tag condition",
    fix=_MOVE_ACTIONS,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
    bad=[
        _tag_statement("Deny", "Action", ["ec2:StopInstances", "s3:ListAllMyBuckets"], _NOT_BLUE)
    ],
    good=[
        _tag_statement("Deny", "Action", "ec2:StopInstances", _NOT_BLUE),
        _tag_statement("Deny", "Action", "s3:ListAllMyBuckets"),
    ],
)
def always_denied_by_tag(statement: Statement) -> Iterator[Fail]:
    """A negated condition is true for requests without the key, so the Deny applies to the action whatever the tags.

    False alarm when the action is meant to be always denied, or supports aws:ResourceTag although AWS's reference does
    not say so.
    """
    if statement.denies:
        yield from _actions_without_tags(statement, holds=True)


@check(
    "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_HAS_TAG_CONDITION,
    severity=Severity.SUGGESTION,
    title="A tag condition is on an Allow with NotAction, and many of its actions do not support it",
    fix=_LIST_ACTIONS,
    bad=[_tag_statement("Allow", "NotAction", "iam:*")],
    good=[
        _tag_statement("Allow", "Action", "ec2:StopInstances"),
        _tag_statement("Deny", "NotAction", "iam:*"),
        _tag_statement(
            "Allow", "NotAction", "iam:*", {"StringEquals": {"aws:PrincipalTag/a": "b"}}
        ),
    ],
)
def others_never_allowed_by_tag(statement: Statement) -> Iterator[Fail]:
    """NotAction also covers actions that do not support the key, and AWS keeps adding such actions.

    A positive condition never allows them, a negated one always does.

    False alarm when only the actions that support the key are meant to be allowed.
    """
    if statement.allows:
        yield from _not_action_without_tags(statement)


@check(
    "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_HAS_TAG_CONDITION,
    severity=Severity.SECURITY_WARNING,
    title="A tag condition is on a Deny with NotAction, and many of its actions do not support it",
    fix=_LIST_ACTIONS,
    bad=[_tag_statement("Deny", "NotAction", "iam:*")],
    good=[
        _tag_statement("Deny", "Action", "ec2:StopInstances"),
        _tag_statement("Allow", "NotAction", "iam:*"),
    ],
)
def others_never_denied_by_tag(statement: Statement) -> Iterator[Fail]:
    """NotAction also covers actions that do not support the key, and AWS keeps adding such actions.

    A positive condition never denies them, a negated one always does.


    False alarm when only the actions that support the key are meant to be denied.
    """
    if statement.denies:
        yield from _not_action_without_tags(statement)
