"""Statements of a key policy that never match a request, though they look as if they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.key_policies.statements import has_effect, key_of_statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.service_principals import misspelled_principal
from aws_iam.engine.reference.via_services import SUFFIX, as_of, via_service
from aws_iam.escape import escaped, quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_to
from aws_iam.rules.outcomes import Fail, Unknown
from aws_iam.tools.kms.checks import subject as key
from aws_iam.tools.kms.checks.subject import (
    CONDITIONS,
    CONTEXT,
    FACTS,
    OWN,
    PUT,
    ROOT,
    VIA,
    KeyPolicy,
    arn,
    key_policy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.outcomes import Outcome

_USE = ["kms:Decrypt", "kms:GenerateDataKey"]
_OWN_CONTEXT = {"StringEquals": {"kms:EncryptionContext:app": "orders"}}
_KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/11111111-2222-3333-4444-555555555555"
_OTHER_KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/66666666-7777-8888-9999-000000000000"
_ABOUT_A_KEY = {**allow_to(arn("role/App"), "kms:Decrypt"), "Resource": _KEY}


@check(
    "KMS-STMT-NOEFFECT",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.HIGH,
    title="A statement of the key policy has no effect",
    fix='Write Action, and "Resource": "*", which means this key.',
    source=PUT,
    bad=[
        key_policy(ROOT, {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"}),
        key_policy(ROOT, {"Effect": "Allow", "Principal": arn("role/App"), "Resource": "*"}),
        key_policy(
            ROOT, {**allow_to(arn("role/App"), "kms:Decrypt"), "Resource": "arn:aws:s3:::bucket/*"}
        ),
        key_policy(ROOT, _ABOUT_A_KEY, key=_OTHER_KEY),
    ],
    good=[
        key_policy(ROOT),
        key_policy(
            ROOT,
            {
                **allow_to(arn("role/App"), "kms:Decrypt"),
                "Resource": f"arn:aws:kms:*:{OWN}:key/*",
            },
        ),
        key_policy(ROOT, _ABOUT_A_KEY, key=_KEY),
    ],
)
def without_effect(at: KeyPolicy) -> Iterator[Outcome]:
    """KMS stores a statement without Action or Resource, or with another key as its Resource, but ignores it: such a Deny protects nothing, and such an Allow allows nothing.

    No false alarms, though the statement may be harmless. Without `key` a statement that names a
    key of the account, or a pattern that some keys fit, is unknown.
    """
    for statement in at.policy.statements:
        if not has_effect(statement):
            missing = "Action" if not (statement.actions or statement.not_actions) else "Resource"
            yield Fail(statement.place(), f"it has no `{missing}`, so KMS ignores it")
        elif statement.resources and not any(
            _is_this_key(resource.value, at) for resource in statement.resources
        ):
            entry = statement.resources[0]
            yield Fail(
                entry.where,
                f"{quoted(escaped(entry.value, 200))} is not this key, so the statement has no effect",
            )
        elif at.key and not has_effect(statement, at.key):
            place = statement.place("NotResource")
            yield Fail(place, "`NotResource` leaves out this key, so the statement has no effect")
        elif not at.key and (named := key_of_statement(statement)):
            yield Unknown(
                named.where,
                f"the statement has an effect only if {quoted(escaped(named.value, 200))} is or fits the key that has this policy",
                reason="give `key`, the ARN of the key",
            )


def _is_this_key(entry: str, at: KeyPolicy) -> bool:
    if at.key:
        return matches(entry, at.key)
    fields = entry.split(":", 5)
    if len(fields) < 6:  # noqa: PLR2004 - the fields of an ARN
        return "*" in entry or "${" in entry
    foreign = at.account and fields[4].isdigit() and fields[4] != at.account
    return fields[2] in {"kms", "*"} and fields[5].startswith(("key/", "*")) and not foreign


def _on_service(*values: str) -> KeyPolicy:
    condition = {"StringLike": {"kms:ViaService": list(values)}}
    return key_policy(ROOT, allow_to(arn("role/App"), _USE, condition=condition))


@check(
    "KMS-VIASERVICE-NAME",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="A condition names a service that kms:ViaService never has",
    fix="Write NAME.REGION.amazonaws.com, with the NAME of the table that `kms guide` with `topic: viaservice` shows.",
    source=f"{CONDITIONS}#conditions-kms-via-service",
    bad=[
        _on_service("efs.eu-west-1.amazonaws.com"),
        _on_service("s3.amazonaws.com"),
        _on_service("s3.cn-north-1.amazonaws.com.cn"),
    ],
    good=[
        _on_service("s3.eu-west-1.amazonaws.com", "rds.*.amazonaws.com"),
        _on_service("s3.*", "*.eu-west-1.amazonaws.com", "${Service}.eu-west-1.amazonaws.com"),
    ],
)
def never_sent_name(at: KeyPolicy) -> Iterator[Outcome]:
    """No request has such a value: an Allow that needs it allows nothing, a Deny that needs it protects nothing, and a negated condition on it holds for every call.

    A name that the table lacks is unknown: it may be newer. False alarm when AWS began to use the
    name after the table was made.
    """
    for statement in at.policy.statements:
        for condition in statement.conditions_on(VIA):
            for value in condition.values if condition.base != "Null" else ():
                if why := _why_never_sent(value.value):
                    yield Fail(
                        value.where,
                        f"{quoted(value.value)} never matches, as no request has it under kms:ViaService: {why[0]}",
                        low_confidence=why[1],
                    )
                elif _is_unconfirmed(value.value):
                    yield Unknown(
                        value.where,
                        f"{quoted(value.value)} is unconfirmed: its name is neither in AWS's list of {as_of()} nor among the"
                        " later names known here",
                        reason="check the page of the service: a name that KMS never sends matches no request",
                    )


_LABELS = 4
"""How many parts a value has at least: NAME.REGION.amazonaws.com."""


def _why_never_sent(value: str) -> tuple[str, bool] | None:
    """Why KMS never sends the value, and whether that is only as true as the table is new."""
    if value.lower().endswith(f"{SUFFIX}.cn"):
        return f"it ends in {SUFFIX} in China, too", False
    name, _, rest = value.partition(".")
    if not is_literal(name):
        return None
    if is_literal(rest) and value.endswith(SUFFIX) and len(value.split(".")) < _LABELS:
        return f"it has the form NAME.REGION{SUFFIX}", False
    known = via_service(name)
    if known and known.name != name.lower():
        return f"KMS calls the service {quoted(known.name)}", True
    meant = None if known else misspelled_principal(value.lower())
    return (f"did you mean {quoted(meant)}?", True) if meant else None


def _is_unconfirmed(value: str) -> bool:
    """Whether the value names a service in full that the table lacks."""
    name = value.partition(".")[0]
    return bool(name) and is_literal(name) and "${" not in value and via_service(name) is None


@check(
    "KMS-CTX-DEAD",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="An action never carries the encryption context that the statement requires",
    fix="Give the action a statement of its own, without the condition on the encryption context.",
    source=f"{CONDITIONS}#conditions-kms-encryption-context",
    bad=[
        key_policy(
            ROOT, allow_to(arn("role/App"), [*_USE, "kms:DescribeKey"], condition=_OWN_CONTEXT)
        ),
        key_policy(ROOT, allow_to(arn("role/App"), "kms:Sign", condition=_OWN_CONTEXT)),
    ],
    good=[
        key_policy(
            ROOT, allow_to(arn("role/App"), [*_USE, "kms:CreateGrant"], condition=_OWN_CONTEXT)
        ),
        key_policy(ROOT, allow_to(arn("role/App"), "kms:*", condition=_OWN_CONTEXT)),
        key_policy(
            ROOT,
            allow_to(
                {"Service": "logs.eu-west-1.amazonaws.com"},
                ["kms:Decrypt", "kms:Describe*"],
                condition={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{OWN}:*"
                    }
                },
            ),
        ),
    ],
)
def dead_context(at: KeyPolicy) -> Iterator[Fail]:
    """Only some calls carry an encryption context; for all other actions the statement never matches.

    No false alarms about the call, though another statement may allow the action.
    """
    for statement in at.allows:
        # AWS's own example for CloudWatch Logs has kms:Describe* in such a statement, where it has no effect.
        services = all(principal.type == "Service" for principal in statement.principals)
        if (services and statement.principals) or not key.is_under(statement, CONTEXT):
            continue
        for action in statement.actions:
            expanded = [name.lower() for name in catalog().expand(action.value)]
            if expanded and not key.with_context() & set(expanded):
                yield Fail(
                    action.where,
                    f"{quoted(action.value)} carries no encryption context, so this statement never allows it",
                )
