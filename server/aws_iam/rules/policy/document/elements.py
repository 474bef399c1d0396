"""The elements of a statement: required ones, ones that exclude each other, Effect and Sid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind, Policy, Statement
from aws_iam.engine.reference.attachment_types import REPOSITORY
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import policy_with
from aws_iam.rules.gates import MALFORMED, at_policy, at_sid, has
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.language.document import Text

_ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
_BUCKET = {
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
}
_DELETE = {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}


def _without(statement: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in statement.items() if key != name}


@check(
    "MISSING_EFFECT",
    on=Statement,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The statement has no Effect",
    fix='Add "Effect": "Allow" or "Effect": "Deny".',
    bad=[_without(_ALLOW, "Effect")],
    good=[_ALLOW],
)
def no_effect(statement: Statement) -> Iterator[Fail]:
    """A statement must say whether it allows or denies; there is no default.

    No false alarms: AWS rejects the policy.
    """
    if not statement.has("Effect"):
        yield Fail(statement.place(), "the statement has no `Effect`")


@check(
    "INVALID_EFFECT",
    on=Statement,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="Effect is neither Allow nor Deny",
    fix="Write `Allow` or `Deny`, with a capital letter.",
    bad=[{**_ALLOW, "Effect": "allow"}, {**_ALLOW, "Effect": "Permit"}],
    good=[_ALLOW],
)
def unknown_effect(statement: Statement) -> Iterator[Fail]:
    """Effect must be exactly `Allow` or `Deny`; it is case-sensitive.

    No false alarms: AWS rejects the policy.
    """
    effect = statement.effect
    if effect and not (statement.allows or statement.denies):
        near = closest(effect.value, ("Allow", "Deny"))
        hint = f"did you mean `{near}`?" if near else "write `Allow` or `Deny`"
        yield Fail(effect.where, f"{quoted(effect.value)} is not an effect; {hint}")


@check(
    "MISSING_ACTION",
    on=Statement,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The statement has neither Action nor NotAction",
    fix="Add Action with the actions that the statement allows or denies.",
    bad=[_without(_ALLOW, "Action")],
    good=[_ALLOW, {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
)
def no_action(statement: Statement) -> Iterator[Fail]:
    """A statement must name the actions that it allows or denies.

    No false alarms: AWS rejects the policy.
    """
    if not (statement.has("Action") or statement.has("NotAction")):
        yield Fail(statement.place(), "the statement has neither `Action` nor `NotAction`")


@check(
    "MISSING_RESOURCE",
    on=Policy,
    when=(has("Principal", "NotPrincipal"),),
    severity=Severity.ERROR,
    title="The statement has neither Resource nor NotResource",
    fix='Add Resource with ARNs, or "Resource": "*" for actions that have no resource types.',
    kinds=(*IDENTITY_KINDS, Kind.RESOURCE, Kind.SCP, Kind.RCP),
    bad=[policy_with(_without(_ALLOW, "Resource"))],
    good=[
        policy_with(_ALLOW),
        policy_with(
            {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::amzn-s3-demo-bucket"}
        ),
    ],
)
def no_resource(policy: Policy) -> Iterator[Fail]:
    """A statement must name its resources; only role trust policies and resource policies of some services omit them.

    False alarm when a service other than ECR and EFS applies such a statement to the attached resource.
    """
    without = [
        candidate
        for candidate in policy.statements
        if not (candidate.has("Resource") or candidate.has("NotResource"))
    ]
    if without and not _is_attached_without_resource(policy):
        for statement in without:
            yield Fail(statement.place(), "the statement has neither `Resource` nor `NotResource`")


# Resources whose policies need no Resource: it is the attached resource.
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
# https://docs.aws.amazon.com/efs/latest/ug/create-file-system-policy.html
_ATTACHED_WITHOUT_RESOURCE = {
    REPOSITORY: "ecr",
    "AWS::ECR::PublicRepository": "ecr-public",
    "AWS::EFS::FileSystem": "elasticfilesystem",
}


def _is_attached_without_resource(policy: Policy) -> bool:
    """Whether the policy is attached to such a resource: by `resource_type`, else by its actions."""
    if policy.kind is not Kind.RESOURCE:
        return False
    if policy.resource_type:
        return policy.resource_type in _ATTACHED_WITHOUT_RESOURCE
    entries = [action.value for statement in policy.statements for action in statement.actions]
    services = {entry.partition(":")[0].lower() for entry in entries if entry != "*"}
    return len(services) == 1 and services <= set(_ATTACHED_WITHOUT_RESOURCE.values())


@check(
    "MISSING_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The statement has neither Principal nor NotPrincipal",
    fix='Add Principal, such as {"AWS": "111122223333"}.',
    kinds=(Kind.RESOURCE, Kind.TRUST),
    bad=[_without(_BUCKET, "Principal")],
    good=[_BUCKET],
)
def no_principal(statement: Statement) -> Iterator[Fail]:
    """A resource policy must say to whom it applies; only an identity policy applies to its own principal.

    No false alarms: AWS rejects the policy.
    """
    if not (statement.has("Principal") or statement.has("NotPrincipal")):
        yield Fail(statement.place(), "the statement has neither `Principal` nor `NotPrincipal`")


@check(
    "UNSUPPORTED_ELEMENT_COMBINATION",
    on=Statement,
    when=(has("NotPrincipal"),),
    severity=Severity.ERROR,
    title="The statement has both an element and its Not form",
    fix="Keep one of the two, and move the other to a separate statement.",
    bad=[{**_ALLOW, "NotAction": "iam:*"}],
    good=[_ALLOW],
)
def element_and_its_opposite(statement: Statement) -> Iterator[Fail]:
    """A statement either lists its actions, resources or principals or excludes some, never both.

    No false alarms: AWS rejects the policy.
    """
    for name in ("Action", "Resource", "Principal"):
        if statement.has(name) and statement.has(f"Not{name}"):
            yield Fail(
                statement.place(f"Not{name}"), f"the statement has both `{name}` and `Not{name}`"
            )


@check(
    "UNSUPPORTED_PRINCIPAL",
    on=Statement,
    when=(has("Principal", "NotPrincipal"),),
    severity=Severity.ERROR,
    title="The identity policy names a principal",
    fix="Remove the element; the principal is the user, group or role that the policy is attached to.",
    kinds=IDENTITY_KINDS,
    bad=[{**_ALLOW, "Principal": "*"}],
    good=[_ALLOW],
)
def principal_in_identity_policy(statement: Statement) -> Iterator[Fail]:
    """An identity policy applies to the principal that it is attached to and cannot name another.

    False alarm when the document is a resource or trust policy; validate it with that `kind`.
    """
    for name in ("Principal", "NotPrincipal"):
        if statement.has(name):
            yield Fail(
                statement.place(name),
                f"the statement has `{name}`, but this is an identity policy",
            )


_SID = re.compile(r"[A-Za-z0-9]*")


def _is_unsupported(sid: str) -> bool:
    return not _SID.fullmatch(sid)


@check(
    "UNSUPPORTED_SID",
    on=Statement,
    when=(at_sid(_is_unsupported),),
    severity=Severity.ERROR,
    title="The Sid has a character that is not a letter or digit",
    fix="Use only A to Z, a to z and 0 to 9.",
    kinds=IDENTITY_KINDS,
    bad=[{**_ALLOW, "Sid": "list all buckets"}],
    good=[{**_ALLOW, "Sid": "ListAllBuckets"}],
)
def sid_with_other_characters(statement: Statement) -> Iterator[Fail]:
    """In IAM policies a Sid may have only letters and digits; S3, SQS, SNS and KMS accept more characters.

    No false alarms: AWS rejects the policy.
    """
    sid = statement.sid
    if sid and _is_unsupported(sid.value):
        yield Fail(
            sid.where,
            f"the Sid {quoted(sid.value)} has a character that is not a letter or digit",
        )


def _repeated_sids(policy: Policy) -> Iterator[Fail]:
    seen: dict[str, Text] = {}
    for statement in policy.statements:
        sid = statement.sid
        if sid is None or not sid.value:
            continue
        first = seen.setdefault(sid.value, sid)
        if first is not sid:
            yield Fail(
                sid.where,
                f"the Sid {quoted(sid.value)} is already used at `{first.where.pointer}`",
            )


def _repeats_a_sid(policy: Policy) -> bool:
    sids = [statement.sid.value for statement in policy.statements if statement.sid]
    return len(set(sids)) < len(sids)


_SAME_SID = at_policy(_repeats_a_sid)


@check(
    "UNIQUE_SIDS_REQUIRED",
    on=Policy,
    when=(_SAME_SID,),
    severity=Severity.ERROR,
    title="Two statements have the same Sid",
    fix="Give each statement a different Sid, or none.",
    kinds=(*IDENTITY_KINDS, Kind.TRUST, Kind.SCP, Kind.RCP),
    bad=[
        {
            "Version": "2012-10-17",
            "Statement": [{"Sid": "Buckets", **_ALLOW}, {"Sid": "Buckets", **_DELETE}],
        }
    ],
    good=[
        {
            "Version": "2012-10-17",
            "Statement": [{"Sid": "List", **_ALLOW}, {"Sid": "NoDelete", **_DELETE}],
        }
    ],
)
def same_sid(policy: Policy) -> Iterator[Fail]:
    """Sids must be unique within an IAM policy, and AWS rejects a policy that repeats one.

    False alarm when AWS accepts repeated Sids in an SCP or RCP; its documentation does not say.
    """
    yield from _repeated_sids(policy)


@check(
    "UNIQUE_SIDS_RECOMMENDED",
    on=Policy,
    when=(_SAME_SID,),
    severity=Severity.WARNING,
    title="Two statements have the same Sid",
    fix="Give each statement a different Sid, or none.",
    kinds=(Kind.RESOURCE,),
    bad=[
        {
            "Version": "2012-10-17",
            "Statement": [{"Sid": "Read", **_BUCKET}, {"Sid": "Read", **_BUCKET}],
        }
    ],
    good=[{"Version": "2012-10-17", "Statement": [{"Sid": "Read", **_BUCKET}]}],
)
def same_sid_on_resource(policy: Policy) -> Iterator[Fail]:
    """Most services accept repeated Sids, but the Sid then no longer identifies a statement.

    False alarm when nothing refers to the statements by their Sid.
    """
    yield from _repeated_sids(policy)
