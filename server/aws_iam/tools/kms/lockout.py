"""`kms lockout`: whether PutKeyPolicy would refuse a policy, and who could still administer the key."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, next_call
from aws_iam.engine.evaluation.caller import CallerKind, caller_of
from aws_iam.engine.evaluation.deployment_values import most_and_least
from aws_iam.engine.key_policies.administrators import administrators
from aws_iam.engine.key_policies.statements import (
    PUT_KEY_POLICY,
    has_effect,
    key_of_statement,
    owner_shown_by,
)
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_known
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.kit.json_object import json_object, json_value
from aws_iam.tools.kms.key_argument import key_argument
from aws_iam.tools.kms.principal_names import SHORT, account_id, partition_in, principal_arn
from aws_iam.tools.kms.reasoning.lockout_rules import MESSAGE, Lockout, put_key_policy_outcome
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.key_policies.administrators import Administrator
    from aws_iam.engine.language.document import Policy, Source

_PUT = "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"
_DEFAULT = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"
_PAGE = "references/kms-patterns.md#account-statement-and-lockout"
_LAYERS = ("identity", "boundary", "session", "scp", "rcp")
_PLAIN = re.compile(r"[!-)+->@-~]{1,2048}|\*")
_DELETABLE = re.compile(r"arn:[a-z-]+:(?:iam|sts)::[0-9]{12}:(?!root$)[^*?]+")
_MOST_ROWS = 50
_POLICIES = '{"identity": [POLICY]}'
_CONTEXT = '{"aws:PrincipalOrgID": "o-exampleorg"}'
_ADMINISTERS = frozenset(
    {CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED, CallerKind.ROOT}
)


def lockout(
    document: Any,
    caller: str,
    policies: Any,
    context: Any,
    account: str | None,
    key: str | None,
) -> Answer:
    """What PutKeyPolicy would answer this caller, and the administrators that remain."""
    content, source = one_known(document, Kind.RESOURCE)
    given_policies = json_value("policies", policies, example=_POLICIES)
    layers = _layers(given_policies)
    owner = account_id("account", account) if account else ""
    key_arn = key_argument(key, owner)
    if key_arn:
        owner = key_arn.split(":")[4]
    caller = _whole(caller, owner or owner_shown_by(content), partition_in(content, key_arn))
    own = _account_of(caller)
    owner = owner or own
    outcome_of = partial(
        put_key_policy_outcome,
        caller=caller,
        account=owner,
        layers=layers,
        context=json_object("context", context, example=_CONTEXT),
        key=key_arn,
    )
    if source.unresolved:
        content = _known_part(source, outcome_of)
    result = outcome_of(content)
    found = tuple(administrators(content, owner, key_arn))
    ignored = [
        statement.place().pointer
        for statement in content.statements
        if not has_effect(statement, key_arn)
    ]
    only = _only_principals(result, found)
    return Answer(
        summary=_summary(result, caller) + only,
        facts={
            "put_key_policy": result.outcome,
            "reason": result.reason,
            **({"error": result.error} if result.error else {}),
            **({"hangs_on": list(result.keys)} if result.keys else {}),
            **(
                {"needs": [f"policies.{layer}" for layer in result.missing]}
                if result.missing
                else {}
            ),
            "administrators": [
                _row(administrator) for administrator in found if administrator.how != "nobody"
            ][:_MOST_ROWS],
            **_not_administrators(found),
            **({"statements_without_effect": ignored[:_MOST_ROWS]} if ignored else {}),
            **_repair(content, result, caller, owner),
            **(_root_is_missing(content, caller, owner) if only else {}),
            "bypass": (
                "BypassPolicyLockoutSafetyCheck=true skips this check; only AWS Support can recover a key that nobody "
                "can administer"
            ),
            "assumed": [
                {"what": assumption}
                for assumption in _assumed(
                    result,
                    layers,
                    content if not key_arn else None,
                    bare=_are_bare(given_policies),
                )
            ],
        },
        sources=(_PUT, _DEFAULT, _PAGE),
        next=_NEXT,
        as_of=catalog().as_of,
    )


def _known_part(source: Source, outcome_of: Callable[[Policy], Lockout]) -> Policy:
    """What the policy says whatever the deployment's values are; InputError where the outcome depends on them."""
    both = most_and_least(source)
    if both and len({outcome_of(policy).outcome for policy in both}) == 1:
        return both[1]
    raise InputError(
        "whether the policy would be refused depends on values that are known only at deployment",
        hint="give the key policy as KMS has it: `aws kms get-key-policy --key-id KEY --policy-name default`",
    )


def _whole(caller: str, account: str, partition: str) -> str:
    """The ARN of the caller, also from role/NAME and user/NAME of the key's account."""
    if not SHORT.fullmatch(caller):
        return caller
    if not account:
        raise InputError(
            f"`caller`: {quoted(caller, 200)} needs the account",
            hint="give the ARN, or add `account`",
        )
    return principal_arn("caller", caller, f"arn:{partition}:iam::{account}")


def _account_of(caller: str) -> str:
    if not _PLAIN.fullmatch(caller):
        raise InputError(
            f"`caller` {quoted(caller, 200)} is not the ARN of one caller",
            hint="leave out spaces and wildcards",
        )
    parsed = caller_of(caller, action=PUT_KEY_POLICY)
    if parsed.kind not in _ADMINISTERS:
        raise InputError(
            f"`caller` {quoted(caller)} cannot call PutKeyPolicy",
            hint="give the ARN of a user, a role, a session or the root user",
        )
    return parsed.account


def _are_bare(policies: Any) -> bool:
    """Whether they are a policy or a list, without a layer: then they are the caller's own."""
    return isinstance(policies, list) or (isinstance(policies, dict) and "Statement" in policies)


def _layers(policies: Any) -> dict[str, Any]:
    by_layer = {"identity": policies} if _are_bare(policies) else policies
    layers = json_object("policies", by_layer, example=_POLICIES)
    for layer in layers:
        if layer not in _LAYERS:
            known = ", ".join(f"`{layer}`" for layer in _LAYERS)
            why = "give the key policy as `document`" if layer == "resource" else f"use {known}"
            raise InputError(f"`policies` has no layer {quoted(str(layer))} here", hint=why)
    return layers


def _summary(result: Lockout, caller: str) -> str:
    who = quoted(caller)
    match result.outcome:
        case "accepted":
            return f"PutKeyPolicy by {who} would be accepted: {result.reason}."
        case "refused":
            message = (
                f' KMS says: "{MESSAGE}".' if MESSAGE in result.error else f" ({result.error})"
            )
            return f"PutKeyPolicy by {who} would be refused: {result.reason}.{message}"
        case _:
            return f"Whether PutKeyPolicy by {who} would be refused is unknown: {result.reason}."


def _row(administrator: Administrator) -> dict[str, str]:
    note = {"note": administrator.note} if administrator.note else {}
    how = (
        "through IAM policies of the account that allow kms:PutKeyPolicy"
        if administrator.how == "IAM policies"
        else "by the key policy"
    )
    return {
        "principal": escaped(administrator.principal, 2048),
        "how": how,
        "statement": administrator.pointer,
        **note,
    }


def _not_administrators(found: tuple[Administrator, ...]) -> dict[str, Any]:
    rows = [
        {
            "principal": escaped(administrator.principal, 2048),
            "why": administrator.note,
            "statement": administrator.pointer,
        }
        for administrator in found
        if administrator.how == "nobody"
    ]
    return {"not_administrators": rows[:_MOST_ROWS]} if rows else {}


def _only_principals(result: Lockout, found: tuple[Administrator, ...]) -> str:
    """What follows when no statement lets the account in: roles and users can be deleted, the root user cannot.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-root-enable-iam
    """
    able = [administrator for administrator in found if administrator.how != "nobody"]
    are_named = all(_DELETABLE.fullmatch(administrator.principal) for administrator in able)
    if result.outcome == "refused" or not able or not are_named:
        return ""
    names = joined([quoted(administrator.principal) for administrator in able])
    is_one = len(able) == 1
    return (
        f" No statement lets the account administer the key: only {names} {'is' if is_one else 'are'} named. Once "
        f"{'it is' if is_one else 'they are'} deleted nobody can manage the key, the root user included, and only AWS Support can "
        "restore access."
    )


def _account_statement(
    content: Policy, caller: str, account: str
) -> dict[str, str | dict[str, str]]:
    arn = Arn.of(caller)
    root = f"arn:{arn.partition if arn else 'aws'}:iam::{account}:root"
    sids = {statement.sid.value for statement in content.statements if statement.sid}
    name = "AccountMayDelegateByIam"
    return {
        **({} if name in sids else {"Sid": name}),
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }


def _root_is_missing(content: Policy, caller: str, account: str) -> Mapping[str, Any]:
    return {
        "add_statement": _account_statement(content, caller, account),
        "fix": "keep or add the account statement: the root user cannot be deleted",
    }


def _repair(content: Policy, result: Lockout, caller: str, account: str) -> Mapping[str, Any]:
    """The statement that ends the lockout, if the refusal is one."""
    if MESSAGE not in result.error:
        return {}
    return {
        "add_statement": _account_statement(content, caller, account),
        "fix": (
            "add the account statement and allow kms:PutKeyPolicy in the caller's IAM policies, or allow the caller "
            "kms:PutKeyPolicy in the key policy; no Deny may match the caller"
        ),
    }


def _assumed(
    result: Lockout, layers: Mapping[str, Any], without_key: Policy | None, *, bare: bool
) -> Iterator[str]:
    """What the answer assumes; `without_key` is the policy if its key is not known, `bare` says that no layer was named."""
    for statement in without_key.statements if without_key else ():
        if named := key_of_statement(statement):
            yield (
                f"the key is {quoted(named.value)}, as `{named.where.pointer}` says: on another key that statement has "
                "no effect; give `key`"
            )
    if bare:
        yield "`policies` are the caller's identity policies"
    absent = [layer for layer in _LAYERS if layer not in layers]
    if result.outcome != "refused":
        yield "every principal exists: AWS refuses a policy that names one that does not"
        if absent:
            yield f"no policy of the missing layers denies it: {', '.join(absent)}"
    yield "the policy is the key's default policy: the check does not cover AWS_RAM policies"
    yield "for this check AWS evaluates IAM policies and conditions as for any request, which its documentation does not state"


_NEXT = (next_call("kms", "check", "what else is wrong with the policy", ("document",)),)
