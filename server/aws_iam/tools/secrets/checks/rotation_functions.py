"""Whether the functions that rotate secrets exist, may be called, and are maintained."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.account.collect.compute.functions import ROTATION_FUNCTIONS, RotationFunction
from aws_iam.account.collect.fact import known
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import keeps_strangers_out
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, Unknown, for_each
from aws_iam.tools.secrets.checks import samples as sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.secrets.terms import SecretTerms

_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"


def _functions(
    account: Account, test: Callable[[str, RotationFunction], Iterator[Outcome]]
) -> Iterator[Outcome]:
    def of_region(region: str, functions: tuple[RotationFunction, ...]) -> Iterator[Outcome]:
        return for_each(
            functions, partial(test, region), name=lambda function: function.arn, region=region
        )

    return in_regions(account, ROTATION_FUNCTIONS, of_region)


def _function(**more: object) -> Account:
    usual: dict[str, object] = {
        "arn": sample.FUNCTION,
        "state": "Active",
        "runtime": "python3.13",
        "policy": sample.policy(_INVOKE),
    }
    return sample.holding(
        (SECRETS, (sample.rotating(),)),
        (ROTATION_FUNCTIONS, (RotationFunction(**{**usual, **more}),)),  # type: ignore[arg-type]
    )


_INVOKE = sample.allow(
    {"Service": "secretsmanager.amazonaws.com"},
    "lambda:InvokeFunction",
    Condition={"StringEquals": {"AWS:SourceAccount": sample.OWN}},
)
_INVOKE_BY_ANYONE = sample.allow("*", "lambda:InvokeFunction")
_INVOKE_FOR_ANYBODY = sample.allow(
    {"Service": "secretsmanager.amazonaws.com"}, "lambda:InvokeFunction"
)
_INVOKE_FOR_ANOTHER = sample.allow(
    {"Service": "secretsmanager.amazonaws.com"},
    "lambda:InvokeFunction",
    Condition={"StringEquals": {"AWS:SourceAccount": sample.OTHER}},
)
_INVOKE_FOR_NOBODY = {**_INVOKE, "Effect": "Deny"}


@check(
    "SEC-ROT-LAMBDA-GONE",
    on=Account,
    severity=Severity.HIGH,
    title="A rotation function does not exist or does not work",
    fix="Restore the function, or name another one: `secrets rotation` with `target: custom`.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html",
    needs=(ROTATION_FUNCTIONS,),
    bad=[_function(state=None), _function(state="Failed")],
    good=[_function()],
    trap=[_function(state="Inactive")],
)
def function_gone(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Without a working function every rotation fails.

    A function in the state Inactive is only idle and passes. False alarm when the function is
    being replaced at the time of the snapshot.
    """

    def test(region: str, function: RotationFunction) -> Iterator[Outcome]:
        state = known(function.state)
        if state is None:
            yield Fail(function.arn, "the rotation function does not exist", region)
        elif state in {"Failed", "Deleting"}:
            yield Fail(function.arn, f"the rotation function is in state {quoted(state)}", region)
        else:
            yield Pass(function.arn, "", region)

    return _functions(account, test)


@check(
    "SEC-ROT-LAMBDA-PERM",
    on=Account,
    severity=Severity.HIGH,
    title="Secrets Manager may not invoke a rotation function, or others may too",
    fix="aws lambda add-permission --region REGION --function-name FUNCTION --statement-id SecretsManagerMayRotate --action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account ACCOUNT_ID",
    source=f"{_GUIDE}/rotating-secrets-required-permissions-function.html",
    needs=(SECRETS, ROTATION_FUNCTIONS),
    bad=[
        _function(policy=None),
        _function(policy=sample.policy(_INVOKE_FOR_ANYBODY)),
        _function(policy=sample.policy(_INVOKE_BY_ANYONE)),
        _function(policy=sample.policy(_INVOKE_FOR_ANOTHER)),
        _function(policy=sample.policy(_INVOKE, _INVOKE_FOR_NOBODY)),
    ],
    good=[_function()],
    trap=[_function(policy=sample.policy(_INVOKE_FOR_ANYBODY, _INVOKE), state=None)],
)
def function_permission(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Without the permission no rotation runs; if it holds for any account, another account's secret can invoke your function.

    False alarm when the function's own code checks which secret it is called for.
    """

    def test(region: str, function: RotationFunction) -> Iterator[Outcome]:
        if known(function.state) is None:
            yield NotApplicable(function.arn, "the function does not exist", region)
            return
        text = known(function.policy)
        statements = policy_of(text, "lambda:GetPolicy").statements if text else ()
        allowing = [candidate for candidate in statements if _lets_rotate(candidate)]
        names = (("FUNCTION", function.arn),)
        if not allowing or text is None:
            message = (
                "no statement of its policy lets secretsmanager.amazonaws.com invoke the function"
            )
            yield Fail(function.arn, message, region, names=names)
            return
        yield from _for_each_secret(account, region, function.arn, text)
        for statement in allowing:
            if not any(map(keeps_strangers_out, statement.conditions)):
                sid = quoted(statement.sid.value) if statement.sid else statement.place().pointer
                anyone = bool(statement.not_principals) or any(
                    principal.is_everyone for principal in statement.principals
                )
                message = (
                    f"statement {sid} lets anyone invoke the function"
                    if anyone
                    else f"statement {sid} lets Secrets Manager invoke the function for any account"
                )
                fix = (
                    "Remove the statement (aws lambda remove-permission --region REGION --function-name FUNCTION "
                    "--statement-id SID) and add one with --source-account ACCOUNT_ID."
                )
                sids = (("SID", statement.sid.value),) if statement.sid else ()
                yield Fail(
                    function.arn,
                    message,
                    region,
                    severity=Severity.HIGH if anyone else Severity.MEDIUM,
                    fix=fix,
                    names=(*names, *sids),
                )
            else:
                yield Pass(function.arn, "", region)

    return _functions(account, test)


_SECRETS_MANAGER = "secretsmanager.amazonaws.com"
_INVOCATION = "lambda:InvokeFunction"


def _for_each_secret(
    account: Account, region: str, function: str, policy: str
) -> Iterator[Outcome]:
    """Whether the policy lets Secrets Manager rotate each secret that names the function; nothing where it does."""
    arns = (s.arn for s in account.require_in(region, SECRETS) if s.function == function)
    for arn in arns:
        request = {
            "principal": _SECRETS_MANAGER,
            "action": _INVOCATION,
            "resource": function,
            "context": {"aws:SourceAccount": account.id, "aws:SourceArn": arn},
        }
        outcome = evaluate(request, {"resource": policy}).outcome
        if outcome == "Unknown":
            message = (
                f"whether Secrets Manager may invoke it for secret {quoted(arn)} cannot be decided"
            )
            yield Unknown(function, message, region, reason="a condition of its policy")
        elif outcome != "Allowed":
            message = f"its policy does not let Secrets Manager invoke the function for secret {quoted(arn)}"
            yield Fail(function, message, region, names=(("FUNCTION", function),))


def _lets_rotate(statement: Statement) -> bool:
    named = any(
        principal.is_everyone
        or (principal.type == "Service" and principal.value == _SECRETS_MANAGER)
        for principal in statement.principals
    )
    # NotPrincipal lets in everyone except a few.
    named = named or bool(statement.not_principals)
    return statement.allows and named and IndexedStatement.of(statement).takes(_INVOCATION.lower())


@check(
    "SEC-ROT-LAMBDA-RUNTIME",
    on=Account,
    severity=Severity.MEDIUM,
    title="A rotation function runs on a deprecated runtime",
    fix="Test it on a supported runtime, then aws lambda update-function-configuration --region REGION --function-name FUNCTION --runtime RUNTIME",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    needs=(ROTATION_FUNCTIONS,),
    bad=[_function(runtime="python3.8")],
    good=[_function()],
    trap=[_function(runtime=None), _function(runtime="python3.12")],
)
def function_runtime(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Deprecated runtimes get no security patches, and Lambda later refuses to update functions on them.

    Judged as of the day of the snapshot. False alarm when AWS extended the date after the data
    here was refreshed.
    """
    today = account.collected_at.date()

    def test(region: str, function: RotationFunction) -> Iterator[Outcome]:
        known(function.state)
        since = deprecated().get(function.runtime or "")
        if since is not None and since <= today:
            message = f"the rotation function runs on {quoted(function.runtime or '')}, deprecated since {since}"
            yield Fail(function.arn, message, region, names=(("FUNCTION", function.arn),))
        elif function.runtime is None:
            yield NotApplicable(function.arn, "the runtime is part of the container image", region)
        else:
            yield Pass(function.arn, "", region)

    return _functions(account, test)


def deprecated() -> dict[str, date]:
    """By runtime, the day from which it is deprecated."""
    data = resources.data("lambda-runtimes.json")
    return {name: date.fromisoformat(day) for name, day in data["deprecated"].items()}
