"""The error text of a refused token: what it says on its own, and what it adds to a comparison of the token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, next_call
from aws_iam.engine.denied.message import Denial, denials
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE = "references/irsa-oidc.md#refused-with-assumerolewithwebidentity"
_UNSAID = (
    "The error does not say which condition failed: give the trust policy as `document`, and `claims` or `token`, to see"
    " which one."
)
# What policies have and errors do not.
_OF_POLICIES = ("Statement", "Principal", "assume_role_policy")


def is_error(text: object) -> bool:
    """Whether the text, given as the trust policy, is the error instead."""
    if not isinstance(text, str) or any(word in text for word in _OF_POLICIES):
        return False
    try:
        return bool(denials(text))
    except InputError:
        return False


def explained(message: Any) -> Answer:
    """What the error says without a policy and a token, and what to give for the cause."""
    denial = denials(message)[0]
    return Answer(
        summary=_cause(denial) or _UNSAID,
        facts={"aws_said": _said(denial)},
        sources=tuple(filter(None, (denial.source, _PAGE))),
        next=(
            next_call("policy", "denied", "all that the message tells", message=message),
            next_call(
                "irsa",
                "guide",
                "the reasons for which AWS refuses a token",
                topic="refused-with-assumerolewithwebidentity",
            ),
        ),
        as_of=catalog().as_of,
    )


def with_error(answer: Answer, message: Any) -> Answer:
    """The comparison of a token, after a cause outside the policy that the error names."""
    try:
        denial = denials(message)[0]
    except InputError:
        return answer
    cause = _cause(denial)
    return replace(
        answer,
        summary=f"{cause} {answer.summary}" if cause else answer.summary,
        facts={**answer.facts, "aws_said": _said(denial)},
        sources=tuple(dict.fromkeys(filter(None, (*answer.sources, denial.source)))),
    )


def _cause(denial: Denial) -> str:
    if not denial.mended_by:
        return ""
    return f"The error names its cause: {denial.cause}. {denial.mended_by}"


def _said(denial: Denial) -> Mapping[str, str]:
    said = {"action": denial.action, "error_code": denial.code, "remark": denial.remark}
    return {name: text for name, text in said.items() if text}
