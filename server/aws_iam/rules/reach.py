"""Actions against the statement's resources: can the two ever meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.policy.arn import Arn
from aws_iam.policy.catalog import catalog
from aws_iam.policy.document import IDENTITY_KINDS, Kind, Statement
from aws_iam.policy.pattern import is_literal, matches
from aws_iam.policy.variables import without_variables
from aws_iam.rules.rule import Problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.policy.catalog import Action
    from aws_iam.policy.document import Text

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
_KINDS = (*IDENTITY_KINDS, Kind.SCP)


def _allow(action: object, resource: object = "*") -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _pairs(statement: Statement) -> Iterator[tuple[Text, Action]]:
    """The known actions, written without wildcard, of a statement that is limited to ARNs."""
    resources = statement.resources
    if not resources or any(matches(each.value, "*") for each in resources):
        return
    for entry in statement.actions:
        action = catalog().action(entry.value) if is_literal(entry.value) else None
        if action:
            yield entry, action


@rule(
    "ACTION_HAS_NO_RESOURCE_TYPE",
    on=Statement,
    severity=Severity.WARNING,
    title="An action that works on no resource is limited to an ARN",
    fix='Put the action into a statement with "Resource": "*".',
    source=_REFERENCE,
    kinds=_KINDS,
    bad=[_allow("s3:ListAllMyBuckets", "arn:aws:s3:::amzn-s3-demo-bucket")],
    good=[
        _allow("s3:ListAllMyBuckets"),
        _allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/*"),
    ],
)
def action_without_resource(statement: Statement) -> Iterator[Problem]:
    """AWS authorizes such an action on `*` alone, which an ARN does not match: the Allow or Deny has no effect."""
    verb = "denies" if statement.denies else "allows"
    for entry, action in _pairs(statement):
        if not action.resource_types:
            yield Problem(
                entry.where,
                f"`{action.full_name}` has no resource type: on {quoted(statement.resources[0].value)}"
                f" it never matches, so the statement {verb} nothing of it",
            )


@rule(
    "S3_ACTION_MATCHES_NO_RESOURCE",
    on=Statement,
    severity=Severity.WARNING,
    title="An action on buckets is limited to objects, or the reverse",
    fix="Give bucket actions the bucket's ARN, object actions BUCKET/*; a statement of its own for each is clearest.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html",
    kinds=_KINDS,
    bad=[
        _allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket"),
        _allow("s3:ListBucket", "arn:aws:s3:::amzn-s3-demo-bucket/*"),
    ],
    good=[
        _allow(
            ["s3:ListBucket", "s3:GetObject"],
            ["arn:aws:s3:::amzn-s3-demo-bucket", "arn:aws:s3:::amzn-s3-demo-bucket/*"],
        ),
        _allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket*"),
    ],
)
def bucket_action_on_objects(statement: Statement) -> Iterator[Problem]:
    """No request joins a bucket action with an object, so the Allow or Deny has no effect for it."""
    for entry, action in _pairs(statement):
        wanted, *others = [name for name in _FORMS if name in action.resource_types] or [""]
        if action.service != "s3" or not wanted or others:
            continue
        kinds = {_bucket_or_object(each.value) for each in statement.resources}
        if kinds == set(_FORMS) - {wanted}:
            yield Problem(
                entry.where,
                f"`{action.full_name}` never matches {quoted(statement.resources[0].value)}:"
                f" it works on `{_FORMS[wanted]}`",
            )


_FORMS = {"bucket": "arn:aws:s3:::BUCKET", "object": "arn:aws:s3:::BUCKET/*"}


def _bucket_or_object(resource: str) -> str:
    """What the ARN or pattern names; nothing when it may be either, or something else."""
    arn = Arn.of(without_variables(resource, "*"))
    if arn is None or arn.service != "s3" or arn.region or arn.account:
        return ""
    name, slash, _ = arn.resource.partition("/")
    if slash:
        return "" if "*" in name else "object"
    return "bucket" if is_literal(name) else ""
