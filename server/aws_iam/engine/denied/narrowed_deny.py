"""The narrowest exception from a Deny: statements that deny all that it denied, except one request.

A Deny becomes up to three statements: the same for all other principals; and for this principal all other actions, and this
action on other resources. Where one resource cannot be excluded from a pattern, the exception is broader, and the comparison
of both policies shows it.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PRINCIPAL = "aws:PrincipalArn"
_NOT = (
    "ArnNotEquals",
    "ArnNotLike",
    "StringNotEquals",
    "StringNotLike",
    "ArnNotEqualsIfExists",
    "ArnNotLikeIfExists",
)
_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_IS = ("ArnEquals", "ArnLike")


@slotted
class ExemptRequest:
    """The request to exempt. `principal` is the caller's aws:PrincipalArn; empty where the policy is the caller's own."""

    action: str
    resource: str
    principal: str = ""


def narrowed(statement: Mapping[str, Any], request: ExemptRequest) -> tuple[dict[str, Any], ...]:
    """The statements that replace the Deny; empty when no narrower ones can be written."""
    pieces: list[dict[str, Any]] = []
    mine: Mapping[str, Any] | None = statement
    if request.principal:
        for_others = _with_condition(statement, _NOT, request.principal, join=True)
        mine = _with_condition(statement, _IS, request.principal, join=False)
        if for_others is None:
            return ()
        pieces.append(for_others)
    if mine is not None:
        pieces += _other_actions(mine, request.action)
        pieces += _other_resources(mine, request)
    return tuple(_named(statement, pieces))


def _named(statement: Mapping[str, Any], pieces: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The statements with distinct Sids and their elements in the usual order; the first keeps the Sid."""
    sid = statement.get("Sid")
    for number, piece in enumerate(pieces):
        named = (
            {**piece, "Sid": f"{sid}{number + 1}"} if isinstance(sid, str) and number else piece
        )
        yield {name: named[name] for name in _ELEMENTS if name in named}


def _with_condition(
    statement: Mapping[str, Any], operators: tuple[str, ...], arn: str, *, join: bool
) -> dict[str, Any] | None:
    """The statement with one more condition on the principal; `join` adds it to a list that exists."""
    given = statement.get("Condition", {})
    if not isinstance(given, dict) or not all(isinstance(keys, dict) for keys in given.values()):
        # AWS would reject such a policy.
        return None
    condition = {name: dict(keys) for name, keys in given.items()}
    for operator, keys in condition.items():
        for key in keys:
            if operator in operators and key.lower() == _PRINCIPAL.lower() and join:
                keys[key] = [*listed(keys[key]), arn]
                return {**statement, "Condition": condition}
    for operator in operators:
        keys = condition.setdefault(operator, {})
        if not any(key.lower() == _PRINCIPAL.lower() for key in keys):
            keys[_PRINCIPAL] = arn
            return {**statement, "Condition": {n: k for n, k in condition.items() if k}}
    return None


def _other_actions(statement: Mapping[str, Any], action: str) -> Iterator[dict[str, Any]]:
    if "NotAction" in statement:
        yield {**statement, "NotAction": [*listed(statement["NotAction"]), action]}
        return
    entries = listed(statement.get("Action"))
    if any(entry.strip("*") == "" for entry in entries):
        bare = {name: value for name, value in statement.items() if name != "Action"}
        yield {**bare, "NotAction": action}
        return
    rest = list(dict.fromkeys(name for entry in entries for name in _without(entry, action)))
    if rest:
        yield {**statement, "Action": rest}


def _without(entry: str, action: str) -> Iterator[str]:
    """Entries that match all that the entry matches, except the action."""
    if not matches(entry.lower(), action.lower()):
        yield entry
        return
    is_prefix = entry.endswith("*") and is_literal(entry[:-1])
    for name in catalog().expand(entry):
        if name.lower() == action.lower():
            continue
        shared = _common_prefix(name.lower(), action.lower())
        # A pattern for all names that differ from the action here also denies those that AWS adds later.
        yield f"{name[: shared + 1]}*" if is_prefix and shared < len(name) else name


def _common_prefix(one: str, other: str) -> int:
    """The length of the common prefix."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )


def _other_resources(
    statement: Mapping[str, Any], request: ExemptRequest
) -> Iterator[dict[str, Any]]:
    if request.resource == "*":
        return
    bare = {
        name: value
        for name, value in statement.items()
        if name not in {"Action", "NotAction", "Resource", "NotResource"}
    }
    only = {**bare, "Action": request.action}
    if "NotResource" in statement:
        yield {**only, "NotResource": [*listed(statement["NotResource"]), request.resource]}
        return
    entries = listed(statement.get("Resource"))
    if "*" in entries:
        yield {**only, "NotResource": request.resource}
        return
    rest = [entry for entry in entries if not matches(entry, request.resource)]
    if rest:
        yield {**only, "Resource": rest}


def listed(value: object) -> list[str]:
    """The strings of an element, which may be one string or a list."""
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
