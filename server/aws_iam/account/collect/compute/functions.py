"""Lambda functions with the names and kinds of their variables, and those that rotate secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, MissKind, many_in
from aws_iam.account.collect.secrets.parameters import STORES, stored_names
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.names.sensitive import Variable, variable

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function; `hidden` says why AWS did not show the environment, empty when it did."""

    arn: str
    name: str
    runtime: str | None = None
    kms_key: str | None = None
    variables: tuple[Variable, ...] = ()
    hidden: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFunction:
    """A function that secrets name for their rotation; `state` None: AWS says that there is none."""

    arn: str
    state: str | Miss | None
    runtime: str | None = None
    policy: str | Miss | None = None


FUNCTIONS = many_in("lambda.functions", Function)
ROTATION_FUNCTIONS = many_in("lambda.rotation_functions", RotationFunction)
LIST = "lambda:ListFunctions"
CONFIGURATION = "lambda:GetFunctionConfiguration"
POLICY = "lambda:GetPolicy"
_GONE = ("ResourceNotFoundException",)
_FIELDS = 5


@collector_in(FUNCTIONS, LIST, after=STORES)
def functions(aws: Aws, region: str) -> tuple[Function, ...]:
    """Every function. INVARIANT: the values of the variables end here."""
    listed = aws.pages(LIST, "Functions", region=region)
    stored = stored_names(aws, region)
    found = (_function(each, stored) for each in listed)
    return tuple(sorted(found, key=lambda each: each.arn))


@collector_in(ROTATION_FUNCTIONS, CONFIGURATION, POLICY, after=(SECRETS,))
def rotation_functions(aws: Aws, region: str) -> tuple[RotationFunction, ...]:
    """The functions that the Region's secrets name, each once."""
    arns = sorted({each.function for each in aws.fact_in(region, SECRETS) if each.function})
    found = aws.each(lambda arn: _rotation(aws, region, arn), arns, CONFIGURATION)
    return tuple(each for each in found if isinstance(each, RotationFunction))


def _function(data: dict[str, Any], stored: frozenset[str]) -> Function:
    environment = data.get("Environment") or {}
    error = environment.get("Error") or {}
    values = environment.get("Variables") or {}
    return Function(
        arn=data["FunctionArn"],
        name=data["FunctionName"],
        runtime=data.get("Runtime"),
        kms_key=data.get("KMSKeyArn") or None,
        variables=tuple(variable(name, values[name], stored) for name in sorted(values)),
        # The message may repeat what was refused; its code says enough.
        hidden=error.get("ErrorCode", "AccessDenied") if error else "",
    )


def _rotation(aws: Aws, region: str, arn: str) -> RotationFunction:
    fields = arn.split(":")
    owner = fields[4] if len(fields) > _FIELDS and fields[4] != aws.account else ""
    found = aws.tried(
        lambda: aws.get(CONFIGURATION, region=region, owner=owner, absent=_GONE, FunctionName=arn)
    )
    if found is None:
        return RotationFunction(arn=arn, state=None)
    if isinstance(found, Miss):
        gone = found.kind is MissKind.ABSENT
        return RotationFunction(arn=arn, state=None if gone else found, policy=found)
    policy = aws.tried(
        lambda: aws.get(POLICY, region=region, owner=owner, absent=_GONE, FunctionName=arn)
    )
    return RotationFunction(
        arn=arn,
        # A function that never was idle may be listed without a state: it works.
        state=found.get("State") or "Active",
        runtime=found.get("Runtime"),
        policy=policy if policy is None or isinstance(policy, Miss) else policy["Policy"],
    )
