"""`kms lockout`: whether PutKeyPolicy would refuse a policy, and who could still administer the key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer
from aws_iam.engine.evaluation.caller import CallerKind, caller_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.kms.reasoning.administrators import administrators
from aws_iam.tools.kms.reasoning.lockout_rules import MESSAGE, Lockout, judged
from aws_iam.tools.kms.reasoning.statements import MANAGE, has_effect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.language.document import Policy
    from aws_iam.tools.kms.reasoning.administrators import Administrator

_PUT = "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"
_DEFAULT = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"
_PAGE = "references/kms-patterns.md#account-statement-and-lockout"
_LAYERS = ("identity", "boundary", "session", "scp", "rcp")
_PLAIN = re.compile(r"[!-)+->@-~]{1,2048}|\*")
_MOST_ROWS = 50
_ADMINISTERS = frozenset(
    {CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED, CallerKind.ROOT}
)


def lockout(
    document: Any, caller: str, policies: Any, context: Any, account: str | None
) -> Answer:
    """The answer of PutKeyPolicy to this caller, and the administrators that the policy leaves."""
    content = one_policy(document, Kind.RESOURCE)
    given = _layers(policies)
    own = _account_of(caller)
    owner = checked("account", account, "account") if account else own
    found = judged(
        content, caller=caller, account=owner, layers=given, context=_object("context", context)
    )
    every = tuple(administrators(content, owner))
    ignored = [
        statement.place().pointer for statement in content.statements if not has_effect(statement)
    ]
    return Answer(
        summary=_summary(found, caller),
        facts={
            "put_key_policy": found.outcome,
            "reason": found.reason,
            **({"error": found.error} if found.error else {}),
            **({"hangs_on": list(found.keys)} if found.keys else {}),
            **(
                {"needs": [f"policies.{layer}" for layer in found.missing]}
                if found.missing
                else {}
            ),
            "administrators": [
                _row(administrator) for administrator in every if administrator.how != "nobody"
            ][:_MOST_ROWS],
            **_seeming(every),
            **({"statements_without_effect": ignored[:_MOST_ROWS]} if ignored else {}),
            **_mended(content, found, caller, owner),
            "bypass": (
                "BypassPolicyLockoutSafetyCheck=true skips this check, and a key that nobody can administer is only "
                "recovered through AWS Support"
            ),
            "assumed": [{"what": assumption} for assumption in _assumed(found, given)],
        },
        sources=(_PUT, _DEFAULT, _PAGE),
        next=_next(found),
        as_of=catalog().as_of,
    )


def _account_of(caller: str) -> str:
    if not _PLAIN.fullmatch(caller):
        raise InputError(
            f"`caller` {quoted(caller, 200)} is no ARN of one caller",
            hint="without blanks and wildcards",
        )
    found = caller_of(caller, action=MANAGE)
    if found.kind not in _ADMINISTERS:
        raise InputError(
            f"`caller` {quoted(caller)} does not call PutKeyPolicy",
            hint="give the ARN of a user, a role, a session or the root user",
        )
    return found.account


def _layers(policies: Any) -> dict[str, Any]:
    given = _object("policies", policies)
    for layer in given:
        if layer not in _LAYERS:
            known = ", ".join(f"`{layer}`" for layer in _LAYERS)
            why = "the key policy is `document`" if layer == "resource" else f"it has {known}"
            raise InputError(f"`policies` has no layer {quoted(str(layer))} here", hint=why)
    return given


def _object(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise InputError(f"`{name}` is no JSON") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"`{name}` must be an object")
    return value


def _summary(found: Lockout, caller: str) -> str:
    who = quoted(caller)
    match found.outcome:
        case "accepted":
            return f"PutKeyPolicy by {who} would be accepted: {found.reason}."
        case "refused":
            said = f' KMS says: "{MESSAGE}".' if MESSAGE in found.error else f" ({found.error})"
            return f"PutKeyPolicy by {who} would be refused: {found.reason}.{said}"
        case _:
            return f"Whether PutKeyPolicy by {who} would be refused is unknown: {found.reason}."


def _row(found: Administrator) -> dict[str, str]:
    note = {"note": found.note} if found.note else {}
    how = (
        "through IAM policies of the account that allow kms:PutKeyPolicy"
        if found.how == "IAM policies"
        else "by the key policy"
    )
    return {
        "principal": escaped(found.principal, 2048),
        "how": how,
        "statement": found.pointer,
        **note,
    }


def _seeming(every: tuple[Administrator, ...]) -> dict[str, Any]:
    rows = [
        {
            "principal": escaped(administrator.principal, 2048),
            "why": administrator.note,
            "statement": administrator.pointer,
        }
        for administrator in every
        if administrator.how == "nobody"
    ]
    return {"not_administrators": rows[:_MOST_ROWS]} if rows else {}


def _mended(content: Policy, found: Lockout, caller: str, account: str) -> Mapping[str, Any]:
    """The statement that ends the lockout, for a refusal that is one."""
    if MESSAGE not in found.error:
        return {}
    arn = Arn.of(caller)
    root = f"arn:{arn.partition if arn else 'aws'}:iam::{account}:root"
    sids = {statement.sid.value for statement in content.statements if statement.sid}
    name = "AccountMayDelegateByIam"
    statement = {
        **({} if name in sids else {"Sid": name}),
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {
        "add_statement": statement,
        "fix": (
            "add the account statement and let the caller's IAM policies allow kms:PutKeyPolicy, or allow the caller "
            "kms:PutKeyPolicy in a statement of the key policy; a Deny must leave the caller out"
        ),
    }


def _assumed(found: Lockout, given: Mapping[str, Any]) -> Iterator[str]:
    """What the answer takes for granted."""
    absent = [layer for layer in _LAYERS if layer not in given]
    if found.outcome != "refused":
        yield "every principal exists: AWS refuses a policy that names one that does not"
        if absent:
            yield f"no policy of the layers that are not given denies it: {', '.join(absent)}"
    yield "the policy is the default one: the check does not look at AWS_RAM policies"
    yield "AWS weighs IAM policies and conditions as in any request, which its pages do not say of this check"


def _next(found: Lockout) -> tuple[str, ...]:
    calls = []
    if found.missing:
        calls.append(
            "aws-iam kms lockout --document FILE --caller ARN --policies '{\"identity\": [POLICY]}'"
        )
    return (*calls, "aws-iam kms check --document FILE")
