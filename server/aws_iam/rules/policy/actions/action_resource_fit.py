"""Actions and resources of a statement: whether an action can ever match one of the ARNs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.reachable import (
    ArnShape,
    ResourceReach,
    all_meet,
    arn_shapes,
    is_too_long,
    named_actions,
    named_entries,
    reach_of,
    statements_by_action,
)
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind, Policy, Statement
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.attachment_types import attachment_type
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.corrections import is_authorised_on
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, policy_with
from aws_iam.rules.gates import Both, at_action, at_resource, at_statement
from aws_iam.rules.outcomes import Fail, Unknown, ended_early
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Text
    from aws_iam.engine.reference.catalog import Action
    from aws_iam.rules.outcomes import Outcome

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
_KINDS = (*IDENTITY_KINDS, Kind.SCP)


def _is_not_star(entry: str) -> bool:
    return bool(entry.strip("*"))


def _is_bucket_or_object(entry: str) -> bool:
    return bool(_bucket_or_object(entry))


def _has_no_resource_type(entry: str) -> bool:
    action = catalog().action(entry) if is_literal(entry) else None
    return action is not None and not action.resource_types


_LIMITED = at_resource(_is_not_star)


@check(
    "ACTION_HAS_NO_RESOURCE_TYPE",
    on=Policy,
    when=(Both(at_action(_has_no_resource_type), _LIMITED),),
    severity=Severity.WARNING,
    title="An action that has no resource type is limited to an ARN",
    fix='Move the action to a statement with "Resource": "*".',
    source=_REFERENCE,
    kinds=_KINDS,
    bad=[
        policy_with(allow("s3:ListAllMyBuckets", "arn:aws:s3:::amzn-s3-demo-bucket")),
        policy_with(allow(["kms:ListKeys", "kms:DescribeKey"], "arn:aws:kms:*:*:key/*")),
    ],
    good=[
        policy_with(allow("s3:ListAllMyBuckets")),
        policy_with(allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/*")),
        policy_with(
            allow("ssmmessages:OpenDataChannel", "arn:aws:ssm:*:*:session/${aws:userid}-*")
        ),
        policy_with(
            allow("kms:List*"),
            allow(["kms:ListKeys", "kms:DescribeKey"], "arn:aws:kms:*:*:key/*"),
        ),
    ],
)
def action_without_resource(policy: Policy) -> Iterator[Outcome]:
    """AWS authorizes such an action on `*` only, which no ARN matches, so the Allow or Deny has no effect for it.

    False alarm when AWS authorizes the action on an ARN that its reference does not list.
    """
    for statement in policy.statements:
        if all(action.resource_types for action in named_actions(statement)):
            continue
        reach = reach_of(statement)
        by_doubt: dict[str, list[tuple[Text, Action]]] = {}
        judged = reach.limited and not reach.too_long
        for entry, action in named_entries(statement) if judged else ():
            if action.resource_types or any(
                is_authorised_on(action.full_name, arn) for arn in reach.arns
            ):
                continue
            if not statements_by_action(policy).beside(statement, action):
                by_doubt.setdefault(_doubt(reach, action), []).append((entry, action))
        for doubt, entries in by_doubt.items():
            yield _without_resource_type(statement, entries, doubt)
    yield from _ended_early(policy)


def _ended_early(policy: Policy) -> Iterator[Unknown]:
    """An Unknown for each statement with too many resources, and one when too many statements share actions."""
    left_out = "the actions were not compared with the ARNs"
    for statement in policy.statements:
        if is_too_long(statement):
            reason = f"{left_out}, because the statement has {len(statement.resources)} of them"
            yield Unknown(statement.place("Resource"), reason, reason=reason)
    if policy.statements:
        yield from ended_early(
            statements_by_action(policy).effort,
            policy.statements[0],
            "some actions were not looked for in the other statements",
        )


# AWS says of these services that an action without resource types works with `*` only:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html
_STRICT = frozenset({"ec2"})


def _without_resource_type(
    statement: Statement, entries: Sequence[tuple[Text, Action]], doubt: str
) -> Fail:
    entry, action = entries[0]
    others = len(entries) - 1
    more = f" and {counted(others, 'more action')} of the statement" if others else ""
    fact = f"`{action.full_name}`{more} {'have' if others else 'has'} no resource type"
    if doubt == "wide":
        return Fail(
            entry.where,
            f"{fact} in the service authorization reference, which says to use `*`",
            severity=Severity.SUGGESTION,
            low_confidence=True,
        )
    according = " in the service authorization reference" if doubt else ""
    return Fail(
        entry.where,
        f"{fact}{according}: {'they never match' if others else 'it never matches'}"
        f" {quoted(statement.resources[0].value)},"
        f" so the statement does not {_verb(statement)} {'them' if others else 'it'}",
        low_confidence=bool(doubt),
    )


def _doubt(reach: ResourceReach, action: Action) -> str:
    """Why the action may work nevertheless: `wide` or `new`, or nothing when it certainly does not.

    `wide`: some services authorize their List actions on a wildcard ARN, and not all of these are known. `new`: AWS
    adds the resource types of some new actions to its reference later.
    """
    if action.service in _STRICT:
        return ""
    if reach.whole_type(action.service):
        return "wide"
    if reach.arns and action.level == "List" and all(is_literal(a.resource) for a in reach.arns):
        return ""
    return "" if arn_shapes(action.service) and reach.foreign(action.service) else "new"


def _verb(statement: Statement) -> str:
    return "deny" if statement.denies else "allow"


def _may_mismatch(statement: Statement) -> bool:
    words = statement.resource_words
    if "*" in words or all_meet(statement.action_words, words):
        return False
    reach = reach_of(statement)
    if not reach.arns:
        return reach.too_long
    actions = named_actions(statement)
    # Most actions of a statement are of the same types.
    types = {(action.service, action.resource_types) for action in actions}
    return not all(reach.meets_types(*key) for key in types) or (
        len(actions) < len(statement.action_words) and any(_service_mismatches(statement, reach))
    )


@check(
    "ACTION_MATCHES_NO_RESOURCE",
    on=Policy,
    when=(at_statement(_may_mismatch),),
    severity=Severity.WARNING,
    title="An action never matches the ARNs of its statement",
    fix="Move the action to a separate statement with ARNs of its resource types; `policy lookup` lists them.",
    source=_REFERENCE,
    kinds=(*_KINDS, Kind.RESOURCE),
    bad=[
        policy_with(allow("sqs:SendMessage", "arn:aws:sns:eu-west-1:111122223333:topic")),
        policy_with(allow("sqs:*", "arn:aws:sns:eu-west-1:111122223333:topic")),
        policy_with(
            allow("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111122223333:log-group:app")
        ),
        policy_with(allow("iam:PassRole", "arn:aws:iam::111122223333:user/ana")),
    ],
    good=[
        policy_with(
            allow(
                ["sqs:SendMessage", "sns:Publish"],
                ["arn:aws:sqs:*:111122223333:queue", "arn:aws:sns:*:111122223333:topic"],
            )
        ),
        policy_with(allow("logs:PutLogEvents", "arn:aws:logs:*:111122223333:log-group:app:*")),
        policy_with(
            allow("wafv2:AssociateWebACL", "arn:aws:apigateway:*::/restapis/a1/stages/prod")
        ),
    ],
)
def no_meeting(policy: Policy) -> Iterator[Outcome]:
    """No request combines the action with such a resource, so the Allow or Deny has no effect for it.

    False alarm when AWS authorizes the action on a resource type that its reference does not list.
    """
    attached_to = attachment_type(policy.resource_type)
    if attached_to and attached_to.service:
        # Actions and ARNs that do not fit a known attached resource have their own codes.
        return
    for statement in policy.statements:
        reach = reach_of(statement) if _may_mismatch(statement) else None
        if not (reach and reach.arns):
            continue
        named = named_entries(statement)
        if len(named) < len(statement.actions):
            yield from _service_mismatches(statement, reach)
        by_doubt: dict[bool, list[tuple[Text, Action, Arn]]] = {}
        for entry, action in named:
            if reach.meets(action):
                continue
            arn = _mismatched_arn(action, reach)
            if arn and not statements_by_action(policy).beside(statement, action):
                by_doubt.setdefault(_is_unsure(action, reach), []).append((entry, action, arn))
        for unsure, mismatches in by_doubt.items():
            yield _mismatch(statement, mismatches, unsure=unsure)
    yield from _ended_early(policy)


def _service_mismatches(statement: Statement, reach: ResourceReach) -> Iterator[Fail]:
    """Wildcards for actions of a service to which none of the ARNs belongs."""
    for entry in statement.actions:
        if is_literal(entry.value):
            continue
        service = entry.value.partition(":")[0].lower()
        if not is_literal(service) or not catalog().service(service):
            continue
        # A service without ARNs, such as ssmmessages, may use those of a related service.
        if arn_shapes(service) and reach.foreign(service):
            yield Fail(
                entry.where,
                f"no action of {quoted(entry.value)} works on an ARN of {quoted(reach.arns[0].service)},"
                f" so the statement does not {_verb(statement)} any of them",
            )


def _mismatch(
    statement: Statement, mismatches: Sequence[tuple[Text, Action, Arn]], *, unsure: bool
) -> Fail:
    entry, action, arn = mismatches[0]
    others = counted(len(mismatches) - 1, "more action")
    more = f"; the same applies to {others} of the statement" if mismatches[1:] else ""
    source = ", according to the service authorization reference" if unsure else ""
    return Fail(
        entry.where,
        f"`{action.full_name}` works on {_listed_types(action)}{source}, but not on {quoted(str(arn))},"
        f" so the statement does not {_verb(statement)} it{more}",
        low_confidence=unsure,
    )


def _is_unsure(action: Action, reach: ResourceReach) -> bool:
    """Whether the reference may lack a resource type of the action."""
    return action.service not in _COMPLETE and not reach.foreign(action.service)


# The reference lists all resource types for the actions of these services, as far as AWS's own policies show.
_COMPLETE = frozenset(
    {"dynamodb", "ecs", "iam", "kms", "lambda", "logs", "s3", "sns", "sqs", "sts"}
)


def _mismatched_arn(action: Action, reach: ResourceReach) -> Arn | None:
    """An ARN of the statement when it is certain enough that none of its ARNs is of the action's types."""
    if not action.resource_types or not _arn_shapes(action):
        return None
    if reach.foreign(action.service):
        return reach.arns[0]
    # The reference lists new resource types for tagging actions last, and S3 has its own code.
    if action.level == "Tagging" or "Tag" in action.name or _s3_kind(action):
        return None
    return reach.beside(action)


def _arn_shapes(action: Action) -> tuple[ArnShape, ...]:
    return arn_shapes(action.service, action.resource_types) or ()


def _listed_types(action: Action) -> str:
    return joined([f"`{resource_type}`" for resource_type in action.resource_types], shown=3)


@check(
    "S3_ACTION_MATCHES_NO_RESOURCE",
    on=Statement,
    when=(at_resource(_is_bucket_or_object),),
    severity=Severity.WARNING,
    title="An action on buckets is limited to objects, or an action on objects to buckets",
    fix="Use the bucket's ARN for bucket actions and BUCKET/* for object actions; separate statements are clearest.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html",
    kinds=(*_KINDS, Kind.RESOURCE),
    bad=[
        allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket"),
        allow("s3:ListBucket", "arn:aws:s3:::amzn-s3-demo-bucket/*"),
    ],
    good=[
        allow(
            ["s3:ListBucket", "s3:GetObject"],
            ["arn:aws:s3:::amzn-s3-demo-bucket", "arn:aws:s3:::amzn-s3-demo-bucket/*"],
        ),
        allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket*"),
    ],
)
def bucket_action_on_objects(statement: Statement) -> Iterator[Fail]:
    """No request combines a bucket action with an object or the reverse, so the Allow or Deny has no effect for it.

    False alarm when AWS authorizes the action on a resource type that its reference does not list.
    """
    for entry, action in named_entries(statement) if ResourceReach(statement).limited else ():
        kind = _s3_kind(action)
        if not kind:
            continue
        resource_kinds = {_bucket_or_object(resource.value) for resource in statement.resources}
        if resource_kinds == set(_FORMS) - {kind}:
            yield Fail(
                entry.where,
                f"`{action.full_name}` never matches {quoted(statement.resources[0].value)}:"
                f" it works on `{_FORMS[kind]}`",
            )


_FORMS = {"bucket": "arn:aws:s3:::BUCKET", "object": "arn:aws:s3:::BUCKET/*"}


def _bucket_or_object(resource: str) -> str:
    """`bucket` or `object`, as the ARN or pattern names it; nothing when it may be either or something else."""
    arn = Arn.of(without_variables(resource, "*"))
    if arn is None or arn.service != "s3" or arn.region or arn.account:
        return ""
    name, slash, _ = arn.resource.partition("/")
    if slash:
        return "" if "*" in name else "object"
    return "bucket" if is_literal(name) else ""


def _s3_kind(action: Action) -> str:
    """`bucket` or `object` for an action of S3 that works on only one of the two."""
    kind, *others = [name for name in _FORMS if name in action.resource_types] or [""]
    return kind if action.service == "s3" and not others else ""
