"""Resource policies after which nobody can change them any more, or nobody but the root user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.key_policies.administrators import PRINCIPAL, administrators
from aws_iam.engine.key_policies.statements import (
    PUT_KEY_POLICY,
    covers_action,
    has_effect,
    owner_shown_by,
)
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.attachment_types import KMS_KEY
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, OBJECTS, allow_to, policy_with
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Statement

_BUCKET = "AWS::S3::Bucket"
# KMS Developer Guide, key-policy-default.
_IDS = ("key-default-", "key-consolepolicy-", "auto-")
_ACCOUNT = {"AWS": "arn:aws:iam::111122223333:root"}
_APP = {"AWS": "arn:aws:iam::111122223333:role/app"}
_ADMIN = {"AWS": "arn:aws:iam::111122223333:role/admin"}
_DENY_ALL = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, OBJECTS]}
_SHOWN = 3
# An id, a service and an account have none of these.
_OF_OTHERS = frozenset(":${<")


@check(
    "KEY_WITHOUT_ADMINISTRATOR",
    on=Policy,
    severity=Severity.ERROR,
    title="Nobody can administer the key",
    fix="Add the statement that allows the key's account `kms:*`, or name an administrator that exists; only AWS Support can recover a key that already has this policy.",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    kinds=(Kind.RESOURCE,),
    resource_type=KMS_KEY,
    bad=[
        policy_with(allow_to(_APP, "kms:Decrypt", "*")),
        policy_with(allow_to({"AWS": "AROAEXAMPLEEXAMPLE123"}, "kms:*", "*")),
        policy_with(
            allow_to(_ACCOUNT, "kms:*", "*"),
            {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"},
        ),
    ],
    good=[
        policy_with(allow_to(_ACCOUNT, "kms:*", "*")),
        policy_with(allow_to(_ADMIN, "kms:PutKeyPolicy", "*"), allow_to(_APP, "kms:Decrypt", "*")),
    ],
)
def key_without_administrator(policy: Policy) -> Iterator[Fail]:
    """A key whose policy lets nobody call kms:PutKeyPolicy cannot be changed or deleted any more; KMS refuses such a policy unless the caller bypasses its check.

    It is judged as `kms check` does. False alarm when it is a part of a policy, to be added to the key's own; a document that only reads like a key policy is judged with that reservation.
    """
    listed = policy.node.member("Statement")
    is_of_key = _is_of_key(policy)
    if not (is_of_key or _reads_like_key(policy)) or listed is None:
        return
    if any(map(_is_without_effect, policy.statements)):
        return
    gone = []
    for administrator in administrators(policy, owner_shown_by(policy)):
        # One is enough, and most policies name one first. A name that is none yet is not judged.
        if administrator.how != "nobody" or _is_unfilled(administrator.principal):
            return
        gone.append(f"{quoted(administrator.principal)}: {administrator.note}")
    why = f" ({'; '.join(gone[:_SHOWN])})" if gone else ""
    # Of a list with a statement that is unknown until deployment nothing is said.
    message = f"nobody may call kms:PutKeyPolicy{why}"
    if is_of_key:
        yield Fail(listed.where, message)
        return
    if_whole = f"if it is the whole policy of a key, {message}"
    yield Fail(listed.where, if_whole, severity=Severity.WARNING, low_confidence=True)


def _is_of_key(policy: Policy) -> bool:
    """Whether the policy is surely a whole key policy: by its resource, or by the Id that KMS gives them."""
    if policy.resource_type:
        return policy.resource_type == KMS_KEY
    words = [word.lower() for own in policy.statements for word in own.action_words]
    is_named = policy.id is not None and policy.id.value.lower().startswith(_IDS)
    return is_named and all(word.startswith("kms:") for word in words)


def _reads_like_key(policy: Policy) -> bool:
    """Whether the policy reads like that of a key: it grants named principals actions on a key, on `*` alone.

    That of a VPC endpoint lets everyone pass, or names actions on no key as well; it may be an RCP if it only denies.
    """
    return (
        not policy.resource_type
        and any(own.allows for own in policy.statements)
        and any(not p.is_everyone for own in policy.statements for p in own.principals)
        and all(map(_is_about_this_key, policy.statements))
    )


def _is_about_this_key(statement: Statement) -> bool:
    """Whether the resource is `*` alone, as in key policies, and each action one on keys."""
    words = statement.action_words
    return list(statement.resource_words) == ["*"] and bool(words) and all(map(_is_on_keys, words))


def _is_on_keys(word: str) -> bool:
    if not word.lower().startswith("kms:"):
        return False
    action = catalog().action(word) if is_literal(word) else None
    return action is None or "key" in action.resource_types


def _is_without_effect(statement: Statement) -> bool:
    """Whether KMS would ignore a statement that lets somebody administer the key; other rules tell what it lacks."""
    return (
        statement.allows and covers_action(statement, PUT_KEY_POLICY) and not has_effect(statement)
    )


def _is_unfilled(principal: str) -> bool:
    """Whether it is no name of a principal, such as a placeholder, of which other rules tell."""
    return not _OF_OTHERS.isdisjoint(principal) and not PRINCIPAL.fullmatch(principal)


_CHANGES = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
_OF_S3 = re.compile(r"arn:[^:]+:s3:::")


@check(
    "BUCKET_POLICY_LOCKOUT",
    on=Policy,
    severity=Severity.SECURITY_WARNING,
    title="Only the root user can change the bucket policy",
    fix="Deny only the actions that nobody may use, or except the administrators with a condition on `aws:PrincipalArn`.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
    kinds=(Kind.RESOURCE,),
    resource_type=_BUCKET,
    bad=[policy_with(_DENY_ALL), policy_with({**_DENY_ALL, "Action": "s3:*BucketPolicy"})],
    good=[
        policy_with({**_DENY_ALL, "Resource": OBJECTS}),
        policy_with({**_DENY_ALL, "Action": "s3:Delete*"}),
        policy_with(
            {**_DENY_ALL, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": _ADMIN["AWS"]}}}
        ),
    ],
)
def bucket_policy_for_root_alone(policy: Policy) -> Iterator[Fail]:
    """A Deny for everyone without a condition stops the administrators of the bucket, too: no policy of theirs allows what it denies.

    False alarm when the bucket is meant to be closed for good: the root user of its account can still delete the policy.
    """
    if not _is_of_bucket(policy):
        return
    for statement in policy.statements:
        if _stops_everyone(statement):
            yield Fail(
                statement.place("Effect"),
                "everyone is denied `s3:PutBucketPolicy` and `s3:DeleteBucketPolicy` on the bucket",
            )


def _is_of_bucket(policy: Policy) -> bool:
    """Whether the policy is a bucket's: by its resource, or because it names nothing but buckets and objects."""
    if policy.resource_type:
        return policy.resource_type == _BUCKET
    words = [word for own in policy.statements for word in own.resource_words]
    return all(_OF_S3.match(word) for word in words)


def _stops_everyone(statement: Statement) -> bool:
    """Whether a Deny keeps everyone from the policy of the bucket, whatever the request."""
    return (
        statement.denies
        and not statement.conditions
        and any(principal.is_everyone for principal in statement.principals)
        and all(covers_action(statement, action) for action in _CHANGES)
        and any("/" not in word for word in statement.resource_words)
    )
