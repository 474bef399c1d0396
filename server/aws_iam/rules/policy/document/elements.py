"""The elements of a statement: what must be there, what excludes what, Effect and Sid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind, Policy, Statement
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
    """A statement must say whether it allows or denies; AWS assumes neither."""
    if not statement.has("Effect"):
        yield Fail(statement.place(), "the statement has no `Effect`")


@check(
    "INVALID_EFFECT",
    on=Statement,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="Effect is neither Allow nor Deny",
    fix="Write `Allow` or `Deny`, with a capital.",
    bad=[{**_ALLOW, "Effect": "allow"}, {**_ALLOW, "Effect": "Permit"}],
    good=[_ALLOW],
)
def unknown_effect(statement: Statement) -> Iterator[Fail]:
    """AWS knows two effects, spelled exactly so, and refuses any other."""
    effect = statement.effect
    if effect and not (statement.allows or statement.denies):
        near = closest(effect.value, ("Allow", "Deny"))
        hint = f"did you mean `{near}`?" if near else "write `Allow` or `Deny`"
        yield Fail(effect.where, f"{quoted(effect.value)} is no effect; {hint}")


@check(
    "MISSING_ACTION",
    on=Statement,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The statement has neither Action nor NotAction",
    fix="Add Action with the actions that the statement is about.",
    bad=[_without(_ALLOW, "Action")],
    good=[_ALLOW, {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
)
def no_action(statement: Statement) -> Iterator[Fail]:
    """A statement must name the actions that it is about."""
    if not (statement.has("Action") or statement.has("NotAction")):
        yield Fail(statement.place(), "the statement has neither `Action` nor `NotAction`")


@check(
    "MISSING_RESOURCE",
    on=Policy,
    when=(has("Principal", "NotPrincipal"),),
    severity=Severity.ERROR,
    title="The statement has neither Resource nor NotResource",
    fix='Add Resource with ARNs, or "Resource": "*" for actions without resource types.',
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
    """Only role trust policies leave the resource out, and those of some services: there it is the holder."""
    without = [
        candidate
        for candidate in policy.statements
        if not (candidate.has("Resource") or candidate.has("NotResource"))
    ]
    if without and not _is_of_holder(policy):
        for statement in without:
            yield Fail(statement.place(), "the statement has neither `Resource` nor `NotResource`")


# Services that take the holder for the resource:
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
# https://docs.aws.amazon.com/efs/latest/ug/create-file-system-policy.html
_HOLDERS = {"AWS::ECR::Repository": "ecr", "AWS::EFS::FileSystem": "elasticfilesystem"}


def _is_of_holder(policy: Policy) -> bool:
    """Whether the policy is on such a holder: by what the caller says, else by its actions."""
    if policy.kind is not Kind.RESOURCE:
        return False
    if policy.resource_type:
        return policy.resource_type in _HOLDERS
    entries = [action.value for statement in policy.statements for action in statement.actions]
    services = {entry.partition(":")[0].lower() for entry in entries if entry != "*"}
    return len(services) == 1 and services <= set(_HOLDERS.values())


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
    """A policy on a resource must say who it speaks of; only identity policies know that by themselves."""
    if not (statement.has("Principal") or statement.has("NotPrincipal")):
        yield Fail(statement.place(), "the statement has neither `Principal` nor `NotPrincipal`")


@check(
    "UNSUPPORTED_ELEMENT_COMBINATION",
    on=Statement,
    when=(has("NotPrincipal"),),
    severity=Severity.ERROR,
    title="The statement has an element and its Not form",
    fix="Keep one of the two; put the other into a statement of its own.",
    bad=[{**_ALLOW, "NotAction": "iam:*"}],
    good=[_ALLOW],
)
def element_and_its_opposite(statement: Statement) -> Iterator[Fail]:
    """AWS refuses a statement that both lists and excludes."""
    for name in ("Action", "Resource", "Principal"):
        if statement.has(name) and statement.has(f"Not{name}"):
            yield Fail(
                statement.place(f"Not{name}"), f"the statement has `{name}` and `Not{name}`"
            )


@check(
    "UNSUPPORTED_PRINCIPAL",
    on=Statement,
    when=(has("Principal", "NotPrincipal"),),
    severity=Severity.ERROR,
    title="An identity policy names a principal",
    fix="Remove the element: the principal is the user, group or role that has the policy.",
    kinds=IDENTITY_KINDS,
    bad=[{**_ALLOW, "Principal": "*"}],
    good=[_ALLOW],
)
def principal_in_identity_policy(statement: Statement) -> Iterator[Fail]:
    """A policy that is attached to a principal speaks of that principal, and AWS refuses another."""
    for name in ("Principal", "NotPrincipal"):
        if statement.has(name):
            yield Fail(statement.place(name), f"an identity policy has no `{name}`")


_SID = re.compile(r"[A-Za-z0-9]*")


def _is_unsupported(sid: str) -> bool:
    return not _SID.fullmatch(sid)


@check(
    "UNSUPPORTED_SID",
    on=Statement,
    when=(at_sid(_is_unsupported),),
    severity=Severity.ERROR,
    title="Sid has a character other than letters and digits",
    fix="Use only A to Z, a to z and 0 to 9.",
    kinds=IDENTITY_KINDS,
    bad=[{**_ALLOW, "Sid": "list all buckets"}],
    good=[{**_ALLOW, "Sid": "ListAllBuckets"}],
)
def sid_with_other_characters(statement: Statement) -> Iterator[Fail]:
    """IAM refuses such a Sid; S3, SQS, SNS and KMS take more characters in theirs."""
    sid = statement.sid
    if sid and _is_unsupported(sid.value):
        yield Fail(sid.where, f"the Sid {quoted(sid.value)} has other than letters and digits")


def _repeated_sids(policy: Policy) -> Iterator[Fail]:
    seen: dict[str, Text] = {}
    for statement in policy.statements:
        sid = statement.sid
        if sid is None or not sid.value:
            continue
        first = seen.setdefault(sid.value, sid)
        if first is not sid:
            place = first.where.pointer
            yield Fail(sid.where, f"the Sid {quoted(sid.value)} is already that of `{place}`")


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
    fix="Give each statement its own Sid, or none.",
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
    """IAM refuses a policy whose statements share a Sid."""
    yield from _repeated_sids(policy)


@check(
    "UNIQUE_SIDS_RECOMMENDED",
    on=Policy,
    when=(_SAME_SID,),
    severity=Severity.WARNING,
    title="Two statements have the same Sid",
    fix="Give each statement a Sid of its own, or none.",
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
    """Most services take it, but nobody can tell the two statements apart by name."""
    yield from _repeated_sids(policy)
