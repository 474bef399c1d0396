"""All that a policy may allow, whatever its values that are known only at deployment turn out to be.

upper_bound(source)   →   the policy with `Resource: "*"` for `arn:aws:s3:::${var.bucket}/*`, and without such a Deny
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.arn_formats import EXAMPLE_REGION
from aws_iam.engine.comparison.witnesses import ACCOUNT
from aws_iam.engine.language.alternatives import unread_alternatives
from aws_iam.engine.language.document import Kind, Policy, dump
from aws_iam.engine.sources.gather import sources_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from aws_iam.engine.language.document import Source

_DENY = "Deny"
# What a statement is about, by the elements that say so or except it.
_ABOUT = (("Action", "NotAction"), ("Resource", "NotResource"))
_CONDITION = "Condition"


def upper_bound(source: Source) -> Policy | None:
    """The policy, allowing at least what it will allow; None where it may be quite another one."""
    content = source.content
    if not isinstance(content, Policy) or source.cases or unread_alternatives(source.alternatives):
        return None
    unresolved = source.unresolved
    pointers = [own.place().pointer for own in content.statements]
    if any(not any(_is_in(own, pointer) for pointer in pointers) for own in unresolved):
        return None
    text = dump(content)
    if not unresolved and ACCOUNT not in text:
        return replace(content, kind=Kind.IDENTITY)
    value = json.loads(text)
    body = value["Statement"]
    listed = body if isinstance(body, list) else [body]
    value["Statement"] = [
        own
        for pointer, statement in zip(pointers, listed, strict=True)
        if (own := _at_most(statement, pointer, unresolved))
    ]
    (found,) = sources_of(value, Kind.IDENTITY)
    return found.content if isinstance(found.content, Policy) else None


def _is_in(pointer: str, start: str) -> bool:
    return pointer == start or pointer.startswith(f"{start}/")


def _at_most(
    statement: dict[str, Any], pointer: str, unresolved: Collection[str]
) -> dict[str, Any] | None:
    """The statement with everything where too little is known; None for a Deny that may deny nothing."""

    def is_open(name: str) -> bool:
        return any(_is_in(own, f"{pointer}/{name}") for own in unresolved)

    is_known = not any(_is_in(own, pointer) for own in unresolved)
    if statement.get("Effect") == _DENY and not is_open("Effect"):
        return statement if is_known else None
    found = _in_any_account(statement) | {"Effect": "Allow"}
    for names in _ABOUT:
        if any(map(is_open, names)):
            for name in names:
                found.pop(name, None)
            found[names[0]] = "*"
    if is_open(_CONDITION):
        found.pop(_CONDITION, None)
    return found


def _in_any_account(statement: dict[str, Any]) -> dict[str, Any]:
    """The statement for the resources of every account, where it names those of its own, for which there is a stand-in."""
    found = dict(statement)
    if ACCOUNT in json.dumps(found.get("NotResource")):
        found.pop("NotResource")
        found["Resource"] = "*"
    named = found.get("Resource")
    if named is not None and ACCOUNT in json.dumps(named):
        listed = named if isinstance(named, list) else [named]
        found["Resource"] = [_anywhere(own) if isinstance(own, str) else own for own in listed]
    return found


def _anywhere(arn: str) -> str:
    return arn.replace(ACCOUNT, "*").replace(EXAMPLE_REGION, "*") if ACCOUNT in arn else arn
