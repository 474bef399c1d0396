"""Actions against the statement's resources: can the two ever meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.reachable import (
    ArnShape,
    ResourceReach,
    arn_shapes,
    named_actions,
    named_entries,
    reach_of,
    statements_by_action,
)
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind, Policy, Statement
from aws_iam.engine.language.pattern import intersects, is_literal
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.attachment_types import attachment_type
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, policy_with
from aws_iam.rules.gates import Both, at_action, at_resource, at_statement
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Text
    from aws_iam.engine.reference.catalog import Action

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
_KINDS = (*IDENTITY_KINDS, Kind.SCP)


def _is_limited(entry: str) -> bool:
    return bool(entry.strip("*"))


def _is_of_s3(entry: str) -> bool:
    return bool(_bucket_or_object(entry))


def _is_typeless(entry: str) -> bool:
    action = catalog().action(entry) if is_literal(entry) else None
    return action is not None and not action.resource_types


_LIMITED = at_resource(_is_limited)


@check(
    "ACTION_HAS_NO_RESOURCE_TYPE",
    on=Policy,
    when=(Both(at_action(_is_typeless), _LIMITED),),
    severity=Severity.WARNING,
    title="An action that works on no resource is limited to an ARN",
    fix='Put the action into a statement with "Resource": "*".',
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
def action_without_resource(policy: Policy) -> Iterator[Fail]:
    """AWS authorizes such an action on `*` alone, which an ARN does not match: the Allow or Deny has no effect."""
    for statement in policy.statements:
        reach = reach_of(statement)
        by_doubt: dict[str, list[tuple[Text, Action]]] = {}
        for entry, action in named_entries(statement) if reach.limited else ():
            if action.resource_types or _is_known_to_work(action, reach):
                continue
            if not statements_by_action(policy).beside(statement, action):
                by_doubt.setdefault(_doubt(reach, action), []).append((entry, action))
        for doubt, found in by_doubt.items():
            yield _typeless(statement, found, doubt)


# On what AWS authorizes a call all the same, as its refusals and its pages name it:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/walkthrough1.html
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
# https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-quickstart.html
_ASKED_ON = {
    # With a path, where the call asks for one.
    "iam:ListGroups": ("iam", ("group/", "group/*/")),
    "iam:ListInstanceProfiles": ("iam", ("instance-profile/", "instance-profile/*/")),
    "iam:ListRoles": ("iam", ("role/", "role/*/")),
    "iam:ListUsers": ("iam", ("user/", "user/*/")),
    "logs:DescribeLogGroups": ("logs", ("log-group::log-stream:",)),
    # A star, which is one character here.
    "s3:ListAllMyBuckets": ("s3", ("?",)),
    "ssmmessages:OpenDataChannel": ("ssm", ("session/*",)),
}
# Services of which AWS says that what has no resource type takes `*` alone:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html
_STRICT = frozenset({"ec2"})


def _is_known_to_work(action: Action, reach: ResourceReach) -> bool:
    service, resources = _ASKED_ON.get(action.full_name, ("", ()))
    return any(
        intersects(arn.service, service) and any(intersects(arn.resource, r) for r in resources)
        for arn in reach.arns
    )


def _typeless(statement: Statement, found: Sequence[tuple[Text, Action]], doubt: str) -> Fail:
    entry, action = found[0]
    others = len(found) - 1
    more = (
        f" and {others} more {'action' if others == 1 else 'actions'} of the statement"
        if others
        else ""
    )
    if doubt == "wide":
        return Fail(
            entry.where,
            f"the reference gives `{action.full_name}`{more} no resource type and tells to write `*`",
            severity=Severity.SUGGESTION,
            low_confidence=True,
        )
    said = (
        f"the reference gives `{action.full_name}`{more} no resource type"
        if doubt
        else f"`{action.full_name}`{more} {'have' if others else 'has'} no resource type"
    )
    return Fail(
        entry.where,
        f"{said}: {'they never match' if others else 'it never matches'} {quoted(statement.resources[0].value)},"
        f" so that the statement {_verb(statement)} nothing of {'them' if others else 'it'}",
        low_confidence=bool(doubt),
    )


def _doubt(reach: ResourceReach, action: Action) -> str:
    """Why the action may work all the same: nothing when that is certain, else `wide` or `new`.

    Where they list things, some services ask for a wildcard ARN of their own, of which not all are known; and of some
    new actions the reference learns the resource types late.
    """
    if action.service in _STRICT:
        return ""
    if reach.whole_type(action.service):
        return "wide"
    if reach.arns and action.level == "List" and all(is_literal(a.resource) for a in reach.arns):
        return ""
    return "" if arn_shapes(action.service) and reach.foreign(action.service) else "new"


def _verb(statement: Statement) -> str:
    return "denies" if statement.denies else "allows"


def _may_not_meet(statement: Statement) -> bool:
    if tuple(statement.resource_words) == ("*",):
        return False
    reach = reach_of(statement)
    if not reach.arns:
        return False
    named = named_actions(statement)
    return not all(reach.meets(action) for action in named) or (
        len(named) < len(statement.action_words) and any(_services_apart(statement, reach))
    )


@check(
    "ACTION_MATCHES_NO_RESOURCE",
    on=Policy,
    when=(at_statement(_may_not_meet),),
    severity=Severity.WARNING,
    title="An action never meets the ARNs that it is limited to",
    fix="Give the action ARNs of its own resource types, in a statement of its own: `aws-iam policy lookup` lists them.",
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
def no_meeting(policy: Policy) -> Iterator[Fail]:
    """No request joins the action with such a resource, so the Allow or Deny has no effect for it."""
    holder = attachment_type(policy.resource_type)
    if holder and holder.service:
        # What does not go with a known holder has codes of its own.
        return
    for statement in policy.statements:
        reach = reach_of(statement)
        if not reach.arns:
            continue
        written = named_entries(statement)
        if len(written) < len(statement.actions):
            yield from _services_apart(statement, reach)
        by_doubt: dict[bool, list[tuple[Text, Action, Arn]]] = {}
        for entry, action in written:
            if reach.meets(action):
                continue
            arn = _apart(action, reach)
            if arn and not statements_by_action(policy).beside(statement, action):
                by_doubt.setdefault(_is_unsure(action, reach), []).append((entry, action, arn))
        for unsure, found in by_doubt.items():
            yield _mismatch(statement, found, unsure=unsure)


def _services_apart(statement: Statement, reach: ResourceReach) -> Iterator[Fail]:
    """Wildcards of a service that has nothing among the ARNs."""
    for entry in statement.actions:
        if is_literal(entry.value):
            continue
        service = entry.value.partition(":")[0].lower()
        if not is_literal(service) or not catalog().service(service):
            continue
        # A service without ARNs of its own may work on those of its sister, such as ssmmessages.
        if arn_shapes(service) and reach.foreign(service):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has nothing among ARNs of {quoted(reach.arns[0].service)}:"
                f" the statement {_verb(statement)} nothing of it",
            )


def _mismatch(
    statement: Statement, found: Sequence[tuple[Text, Action, Arn]], *, unsure: bool
) -> Fail:
    entry, action, arn = found[0]
    more = f"; so it is with {len(found) - 1} more of its actions" if found[1:] else ""
    source = ", says the reference" if unsure else ""
    return Fail(
        entry.where,
        f"`{action.full_name}` works on {_named(action)}{source}, and {quoted(str(arn))} is none:"
        f" the statement {_verb(statement)} nothing of it{more}",
        low_confidence=unsure,
    )


def _is_unsure(action: Action, reach: ResourceReach) -> bool:
    """Whether the reference may have left a resource type out."""
    return action.service not in _COMPLETE and not reach.foreign(action.service)


# Services whose actions the reference gives all their resource types, as far as policies of AWS show.
_COMPLETE = frozenset(
    {"dynamodb", "ecs", "iam", "kms", "lambda", "logs", "s3", "sns", "sqs", "sts"}
)


def _apart(action: Action, reach: ResourceReach) -> Arn | None:
    """An ARN of the statement when none of them can be of the action's types, and that is certain enough."""
    if not action.resource_types or not _forms(action):
        return None
    if reach.foreign(action.service):
        return reach.arns[0]
    # Tags are the last thing that the reference learns of a new type, and S3 has a code of its own.
    if action.level == "Tagging" or "Tag" in action.name or _of_s3(action):
        return None
    return reach.beside(action)


def _forms(action: Action) -> tuple[ArnShape, ...]:
    return arn_shapes(action.service, action.resource_types) or ()


def _named(action: Action) -> str:
    names = [f"`{resource_type}`" for resource_type in action.resource_types[:3]]
    return ", ".join(names) + (" …" if len(action.resource_types) > len(names) else "")


@check(
    "S3_ACTION_MATCHES_NO_RESOURCE",
    on=Statement,
    when=(at_resource(_is_of_s3),),
    severity=Severity.WARNING,
    title="An action on buckets is limited to objects, or the reverse",
    fix="Give bucket actions the bucket's ARN, object actions BUCKET/*; a statement of its own for each is clearest.",
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
    """No request joins a bucket action with an object, so the Allow or Deny has no effect for it."""
    for entry, action in named_entries(statement) if ResourceReach(statement).limited else ():
        wanted = _of_s3(action)
        if not wanted:
            continue
        kinds = {_bucket_or_object(resource.value) for resource in statement.resources}
        if kinds == set(_FORMS) - {wanted}:
            yield Fail(
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


def _of_s3(action: Action) -> str:
    """`bucket` or `object`, for an action of S3 that works on the one and never on the other."""
    wanted, *others = [name for name in _FORMS if name in action.resource_types] or [""]
    return wanted if action.service == "s3" and not others else ""
