"""What a repaired policy leaves open or takes for granted, in words: the same in every answer that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.repair.later_actions import escaping
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SHOWN = 5
_OF_FIELDS = {
    (
        "StringEquals",
        "aws:RequestedRegion",
    ): "a request to a Region is about a resource of that Region, which stands in the ARN where the Deny has a wildcard",
    (
        "StringEquals",
        "aws:ResourceAccount",
    ): "`aws:ResourceAccount` is the account of the resource, which stands in the ARN where the Deny has a wildcard",
    (
        "StringEqualsIfExists",
        "aws:RequestedRegion",
    ): "a request to a Region is about a resource of that Region, by the ARN",
    (
        "StringEqualsIfExists",
        "aws:ResourceAccount",
    ): "every request has `aws:ResourceAccount`, which is the account in the ARN of the resource",
}


def later_actions(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """That a Deny by names takes fewer of the actions that AWS adds later than its pattern did; empty where none does."""
    found = escaping(before, after)
    if found is None:
        return ""
    patterns = joined([quoted(own) for own in found.patterns], "or", shown=_SHOWN)
    whom = joined([quoted(own) for own in found.principals], shown=_SHOWN)
    to = f" to {whom}" if whom else ""
    return f"Of the actions that AWS adds later, those that only {patterns} matched are no longer denied{to}."


def own_resources_only(own_resources: Sequence[str]) -> str:
    """What a policy is taken to be about, where it is compared for that only."""
    if own_resources:
        return "the policy is about its own bucket and the objects in it only"
    return "callers of the policy reach resources of their own partition only"


def names_a_resource(actions: Iterable[str]) -> str:
    """What requests are taken to have, where policies are compared for such requests only."""
    named = joined([quoted(own) for own in dict.fromkeys(actions)], shown=_SHOWN)
    return f"every request for {named} names a resource"


def fields_of_arns(taken_apart: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """What keys that stand for fields of ARNs are taken to be, where a Deny is narrowed by them."""
    found = {
        (operator, key)
        for own in taken_apart
        for operator, keys in own["Condition"].items()
        for key in keys
    }
    return [text for key, text in _OF_FIELDS.items() if key in found]


def taken_for_granted(texts: Iterable[str]) -> str:
    """A sentence with what the proof of a repair takes for granted; empty where that is nothing."""
    found = list(texts)
    return f"Taken for granted: {'; '.join(found)}." if found else ""
