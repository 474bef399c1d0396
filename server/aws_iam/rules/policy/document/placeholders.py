"""Values that nobody filled in: what stands there matches nothing until somebody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement, Text
from aws_iam.engine.language.placeholders import (
    KEYS_WITH_WORDS,
    may_be_word_of_key,
    placeholders,
    placeholders_of_key,
)
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, allow, allow_if, allow_to
from aws_iam.rules.gates import (
    PRINCIPALS,
    Both,
    at_action,
    at_condition,
    at_keys,
    at_resource,
    at_value,
)
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORGANIZATION = "aws:PrincipalOrgID"


def _unfilled(statement: Statement) -> Iterator[tuple[Text, tuple[str, ...]]]:
    """The texts of a statement that name something of the reader's own, each with its placeholders."""
    named = (principal.name for principal in (*statement.principals, *statement.not_principals))
    texts = (
        *statement.actions,
        *statement.not_actions,
        *statement.resources,
        *statement.not_resources,
        *named,
    )
    yield from ((text, placeholders(text.value)) for text in texts)
    for condition in statement.conditions:
        yield condition.key, placeholders(condition.key.value)
        # `TRUE` under Null is no value of the key.
        key = "" if condition.base == "Null" else condition.name
        for value in condition.values:
            yield value, placeholders_of_key(key, value.value)


def _has_placeholder(text: str) -> bool:
    return bool(placeholders(text))


def _is_on_placeholder(condition: Condition) -> bool:
    return _has_placeholder(condition.key.value)


@check(
    "PLACEHOLDER_NOT_FILLED",
    on=Statement,
    when=(
        at_action(_has_placeholder),
        at_resource(_has_placeholder),
        at_condition(_is_on_placeholder),
        at_value(_has_placeholder),
        Both(at_keys(*KEYS_WITH_WORDS), at_value(may_be_word_of_key)),
        PRINCIPALS,
    ),
    severity=Severity.WARNING,
    title="A placeholder was not replaced by a value",
    fix="Replace the placeholder by the value of your account, organization or resource.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
    bad=[
        allow_to("*", "s3:GetObject", OBJECTS, {"StringEquals": {_ORGANIZATION: "${ORG_ID}"}}),
        allow_to("*", "s3:GetObject", OBJECTS, {"StringEquals": {_ORGANIZATION: "<org-id>"}}),
        allow("s3:GetObject", "arn:aws:s3:::[BUCKET]/*"),
        allow("sqs:SendMessage", "${QUEUE_ARN}"),
        allow("sqs:SendMessage", "arn:aws:sqs:REGION:ACCOUNT_ID:jobs"),
        allow_if("StringEquals", "aws:ResourceAccount", "ACCOUNT_ID"),
    ],
    good=[
        allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}/*"),
        allow_if("StringEquals", _ORGANIZATION, "o-exampleorg"),
        allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/${*}/[a-z]/*"),
    ],
)
def unfilled(statement: Statement) -> Iterator[Fail]:
    """AWS takes the placeholder literally: it matches nothing, so the statement grants or denies nothing there.

    What the policy allows once the value is filled in cannot be judged before. False alarm when a tool fills the
    placeholder before the policy reaches AWS.
    """
    for text, found in _unfilled(statement):
        for placeholder in found[:1]:
            inside = "" if placeholder == text.value else f" in {quoted(text.value)}"
            yield Fail(
                text.where,
                f"{quoted(placeholder)}{inside} was not filled in: it matches nothing as it stands",
            )
