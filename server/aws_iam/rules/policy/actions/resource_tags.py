"""Conditions on a resource's tags, for actions whose requests never carry them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.gates import at_keys
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.catalog import Action

_KEY = "aws:resourcetag/"
_BLUE = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
_NOT_BLUE = {"StringNotEquals": {"aws:ResourceTag/team": "blue"}}


def _tagged(effect: str, element: str, actions: object, condition: object = _BLUE) -> object:
    return {"Effect": effect, element: actions, "Resource": "*", "Condition": condition}


def _on_tags(statement: Statement) -> Iterator[Condition]:
    """The conditions on tags of the resource; those on one tag once."""
    seen = set()
    for condition in statement.conditions:
        if condition.name.startswith(_KEY) and condition.name not in seen:
            seen.add(condition.name)
            yield condition


@slotted
class _Entry:
    """An entry of Action for which no request carries tags of the resource, by the reference."""

    action: str
    # No action of it has a resource type, so that there is no resource whose tags could be meant.
    is_certain: bool


def _untagged(statement: Statement) -> tuple[_Entry, ...]:
    found = (_judged(action.value) for action in statement.actions)
    return tuple(matched for matched in found if matched)


def _judged(entry: str) -> _Entry | None:
    """The entry, if it is an action, or a beginning of actions with a star, none of which supports the key."""
    prefix, _, name = entry.lower().partition(":")
    head = name.removesuffix("*")
    support = _support(prefix) if is_literal(prefix) and is_literal(head) else None
    if support is None:
        return None
    start = bisect_left(support.names, head)
    # No name of an action has a character beyond `z`, after which `{` comes.
    end = bisect_right(support.names, head if head == name else f"{head}{{")
    if start == end or support.tagged[start] != support.tagged[end]:
        return None
    return _Entry(action=entry, is_certain=support.typed[start] == support.typed[end])


@slotted
class _Support:
    """The actions of a service in order, and how many of those before each may carry tags or have resource types."""

    names: tuple[str, ...]
    tagged: tuple[int, ...]
    typed: tuple[int, ...]


@lru_cache(maxsize=512)
def _support(prefix: str) -> _Support | None:
    """None for an unknown service, and for one whose table has the key while the reference says of no action that it does."""
    service = catalog().service(prefix)
    if service is None:
        return None
    actions = sorted(service.actions.items())
    tagged = [_may_carry_tags(action) for _, action in actions]
    if not any(tagged) and any(name.startswith(_KEY) for name in service.condition_keys):
        return None
    return _Support(
        names=tuple(name for name, _ in actions),
        tagged=(0, *accumulate(tagged)),
        typed=(0, *accumulate(bool(action.resource_types) for _, action in actions)),
    )


def _may_carry_tags(action: Action) -> bool:
    service = catalog().service(action.service)
    keys = list(action.condition_keys)
    for name in action.resource_types:
        keys += action.type_condition_keys.get(name, ())
        type_ = service.resource_types.get(name.lower()) if service else None
        keys += type_.condition_keys if type_ else ()
    # What is created with tags has them already while the request is judged.
    return any(key.lower().startswith((_KEY, "aws:requesttag/")) for key in keys)


def _holds_without(condition: Condition) -> bool:
    """Whether the condition holds for a request without the key."""
    if condition.base == "Null":
        return [value.value.lower() for value in condition.values] == ["true"]
    return condition.negated or condition.if_exists or condition.qualifier == "ForAllValues"


def _listed(
    statement: Statement, *, holds: bool | None = None, questions: bool = True
) -> Iterator[Fail]:
    """The conditions on tags that no request of some action carries.

    `holds` keeps those that then hold, or do not; without `questions` a `Null` test is left out, as ValidatePolicy does.
    """
    entries = _untagged(statement) if any(_on_tags(statement)) else ()
    if not entries:
        return
    services = sorted({entry.action.partition(":")[0].lower() for entry in entries})
    more = f" and {len(entries) - 1} more (of {', '.join(services)})" if entries[1:] else ""
    for condition in _on_tags(statement):
        if holds not in {None, _holds_without(condition)}:
            continue
        if condition.base == "Null" and not questions:
            continue
        always = "always" if _holds_without(condition) else "never"
        yield Fail(
            condition.key.where,
            f"requests for {quoted(entries[0].action)}{more} do not carry"
            f" {quoted(condition.key.value)}: the condition {always} holds for them",
            # The reference attaches keys to resource types unevenly.
            low_confidence=not any(entry.is_certain for entry in entries),
        )


def _all_others(statement: Statement) -> Iterator[Fail]:
    for condition in _on_tags(statement) if statement.not_actions else ():
        always = "always" if _holds_without(condition) else "never"
        yield Fail(
            condition.key.where,
            f"requests for many of the actions that `NotAction` leaves do not carry"
            f" {quoted(condition.key.value)}: the condition {always} holds for them",
        )


_MOVE = "Move the actions into a statement without the condition, limited to ARNs."
_LIST = "List the actions in Action instead, each of which supports aws:ResourceTag."


_ASKED = (at_keys(_KEY),)


@check(
    "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_ASKED,
    severity=Severity.SUGGESTION,
    title="An action is allowed by tags that its requests do not carry",
    fix=_MOVE,
    bad=[
        _tagged("Allow", "Action", ["ec2:DescribeInstances", "ec2:StopInstances"]),
        _tagged("Allow", "Action", "s3:ListAllMyBuckets"),
    ],
    good=[
        _tagged("Allow", "Action", "ec2:StopInstances"),
        _tagged("Allow", "Action", "ec2:*"),
        _tagged("Deny", "Action", "s3:ListAllMyBuckets"),
    ],
)
def never_allowed_by_tag(statement: Statement) -> Iterator[Fail]:
    """Without the key in the request the condition does not hold, so the action is not allowed, whatever the tags."""
    if statement.allows:
        yield from _listed(statement, questions=False)


@check(
    "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="An action is denied by tags that its requests do not carry",
    fix=_MOVE,
    bad=[_tagged("Deny", "Action", ["ec2:StopInstances", "s3:ListAllMyBuckets"])],
    good=[
        _tagged("Deny", "Action", "ec2:StopInstances"),
        _tagged("Allow", "Action", "s3:ListAllMyBuckets"),
    ],
)
def never_denied_by_tag(statement: Statement) -> Iterator[Fail]:
    """Without the key in the request the condition does not hold, so the action is not denied, whatever the tags."""
    if statement.denies:
        yield from _listed(statement, holds=False)


@check(
    "DENY_HITS_ACTIONS_WITHOUT_TAGS",
    on=Statement,
    when=_ASKED,
    severity=Severity.WARNING,
    title="An action is always denied, because its requests do not carry the tags that spare others",
    fix=_MOVE,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
    bad=[_tagged("Deny", "Action", ["ec2:StopInstances", "s3:ListAllMyBuckets"], _NOT_BLUE)],
    good=[
        _tagged("Deny", "Action", "ec2:StopInstances", _NOT_BLUE),
        _tagged("Deny", "Action", "s3:ListAllMyBuckets"),
    ],
)
def always_denied_by_tag(statement: Statement) -> Iterator[Fail]:
    """A negated condition holds for a request without the key, so the Deny hits the action whatever the tags are."""
    if statement.denies:
        yield from _listed(statement, holds=True)


@check(
    "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_ASKED,
    severity=Severity.SUGGESTION,
    title="All actions but a list are allowed by tags that many requests do not carry",
    fix=_LIST,
    bad=[_tagged("Allow", "NotAction", "iam:*")],
    good=[
        _tagged("Allow", "Action", "ec2:StopInstances"),
        _tagged("Deny", "NotAction", "iam:*"),
        _tagged("Allow", "NotAction", "iam:*", {"StringEquals": {"aws:PrincipalTag/a": "b"}}),
    ],
)
def others_never_allowed_by_tag(statement: Statement) -> Iterator[Fail]:
    """What NotAction leaves includes actions without the key, those that AWS adds later among them: they stay not allowed."""
    if statement.allows:
        yield from _all_others(statement)


@check(
    "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    on=Statement,
    when=_ASKED,
    severity=Severity.SECURITY_WARNING,
    title="All actions but a list are denied by tags that many requests do not carry",
    fix=_LIST,
    bad=[_tagged("Deny", "NotAction", "iam:*")],
    good=[
        _tagged("Deny", "Action", "ec2:StopInstances"),
        _tagged("Allow", "NotAction", "iam:*"),
    ],
)
def others_never_denied_by_tag(statement: Statement) -> Iterator[Fail]:
    """What NotAction leaves includes actions without the key, those that AWS adds later among them: they are not denied."""
    if statement.denies:
        yield from _all_others(statement)
