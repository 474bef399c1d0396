"""How a key may be used: through services, directly, and with which encryption context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_to
from aws_iam.rules.outcomes import Fail
from aws_iam.tools.kms.checks import subject as key
from aws_iam.tools.kms.checks.subject import (
    CONDITIONS,
    CONTEXT,
    FACTS,
    GUIDE,
    OWN,
    ROOT,
    USES,
    VIA,
    KeyPolicy,
    arn,
    key_policy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Statement

_APP = f"arn:aws:iam::{OWN}:role/App"
_USE = ["kms:Decrypt", "kms:GenerateDataKey"]
_THROUGH = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
_OWN_CONTEXT = {"StringEquals": {"kms:EncryptionContext:app": "orders"}}
_DIRECT = key_policy(ROOT, allow_to(arn("role/App"), _USE), users=(_APP,))
_BY_S3 = allow_to(arn("role/App"), _USE, condition=_THROUGH)


def _using(at: KeyPolicy, user: str) -> Iterator[Statement]:
    """The statements that let a declared user use the key."""
    for statement in at.allows:
        if key.names(statement, user) and key.takes_any(statement, USES):
            yield statement


@check(
    "KMS-VIASERVICE-BREAKS",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="A principal that calls KMS directly may use the key only through a service",
    fix="Add a second statement without kms:ViaService for kms:GenerateDataKey and kms:Decrypt.",
    source=f"{CONDITIONS}#conditions-kms-via-service",
    bad=[key_policy(ROOT, _BY_S3, users=(_APP,))],
    good=[
        _DIRECT,
        key_policy(
            ROOT, _BY_S3, allow_to(arn("role/App"), _USE, condition=_OWN_CONTEXT), users=(_APP,)
        ),
        key_policy(ROOT, _BY_S3),
    ],
)
def breaks_direct_use(at: KeyPolicy) -> Iterator[Fail]:
    """With kms:ViaService KMS refuses the application's own calls, unless an IAM policy allows them through the account statement.

    False alarm when the declared user only calls through the service: say so with
    `only_via_service`.
    """
    for user in () if at.only_via else at.users:
        found = tuple(_using(at, user))
        if found and all(key.is_under(candidate, VIA) for candidate in found):
            yield Fail(
                found[0].place("Condition"),
                f"{quoted(user)} may use the key only through services, although `users` says that it calls KMS directly",
            )


@check(
    "KMS-VIASERVICE",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.INFO,
    title="A principal that needs the key only through a service may also use it directly",
    fix='Add "StringEquals": {"kms:ViaService": "SERVICE.REGION.amazonaws.com"}.',
    source=f"{CONDITIONS}#conditions-kms-via-service",
    bad=[key_policy(ROOT, allow_to(arn("role/App"), _USE), users=(_APP,), only_via=True)],
    good=[key_policy(ROOT, _BY_S3, users=(_APP,), only_via=True), _DIRECT],
)
def directly_too(at: KeyPolicy) -> Iterator[Fail]:
    """If a principal needs the key only through a service, a condition on kms:ViaService keeps it from using the key directly.

    False alarm when the declared user also calls KMS itself.
    """
    for user in at.users if at.only_via else ():
        for statement in _using(at, user):
            if not key.is_under(statement, VIA):
                yield Fail(
                    statement.place(),
                    f"{quoted(user)} may use the key without going through a service",
                )


@check(
    "KMS-CTX",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.INFO,
    title="An application may use the key without an encryption context",
    fix='Add "StringEquals": {"kms:EncryptionContext:KEY": "VALUE"} on kms:Decrypt and kms:GenerateDataKey.',
    source=f"{GUIDE}/encrypt_context.html",
    bad=[_DIRECT],
    good=[
        key_policy(ROOT, allow_to(arn("role/App"), _USE, condition=_OWN_CONTEXT), users=(_APP,)),
        key_policy(ROOT, allow_to(arn("role/App"), "kms:Sign"), users=(_APP,)),
    ],
)
def without_context(at: KeyPolicy) -> Iterator[Fail]:
    """A required encryption context ties ciphertext to its purpose and makes uses distinguishable in CloudTrail.

    False alarm when the application's library sets no context.
    """
    for user in () if at.only_via else at.users:
        for statement in _using(at, user):
            symmetric = key.takes_any(statement, ("kms:Decrypt", "kms:GenerateDataKey"))
            is_free = not key.is_under(statement, CONTEXT) and not key.is_under(statement, VIA)
            if symmetric and is_free:
                yield Fail(
                    statement.place(),
                    f"{quoted(user)} may use the key with any encryption context or none",
                )
