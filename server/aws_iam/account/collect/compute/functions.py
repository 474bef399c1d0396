"""Lambda functions with the names and kinds of their variables, and those that rotate secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, MissKind, many_in
from aws_iam.account.collect.secrets.parameters import STORES, stored_names
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.names.sensitive import Variable, classified_variable
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Function:
    """A Lambda function; `hidden` is AWS's code for why the environment is not shown, empty when it is.

    `role` is the ARN of its execution role, None in a snapshot that lacks it.
    """

    arn: str
    name: str
    runtime: str | None = None
    kms_key: str | None = None
    variables: tuple[Variable, ...] = ()
    hidden: str = ""
    role: str | None = None


@slotted
class RotationFunction:
    """A function that secrets name for their rotation; `state` None: it does not exist."""

    arn: str
    state: str | Miss | None
    runtime: str | None = None
    policy: str | Miss | None = None


FUNCTIONS = many_in("lambda.functions", Function)
ROTATION_FUNCTIONS = many_in("lambda.rotation_functions", RotationFunction)
_LIST_FUNCTIONS = "lambda:ListFunctions"
_GET_FUNCTION_CONFIGURATION = "lambda:GetFunctionConfiguration"
_GET_POLICY = "lambda:GetPolicy"
_NOT_FOUND = ("ResourceNotFoundException",)
_ARN_FIELDS = 5


@collector_in(FUNCTIONS, _LIST_FUNCTIONS, after=STORES)
def functions(aws: Aws, region: str) -> tuple[Function, ...]:
    """Every function. INVARIANT: the values of the variables are dropped here."""
    listed = aws.items(_LIST_FUNCTIONS, "Functions", region=region)
    stored = stored_names(aws, region)
    described = (_function(data, stored) for data in listed)
    return tuple(sorted(described, key=lambda function: function.arn))


@collector_in(ROTATION_FUNCTIONS, _GET_FUNCTION_CONFIGURATION, _GET_POLICY, after=(SECRETS,))
def rotation_functions(aws: Aws, region: str) -> tuple[RotationFunction, ...]:
    """The functions that the Region's secrets name, each once."""
    arns = sorted({secret.function for secret in aws.fact_in(region, SECRETS) if secret.function})
    described = aws.read_each(
        lambda arn: _rotation(aws, region, arn), arns, _GET_FUNCTION_CONFIGURATION
    )
    return tuple(function for function in described if isinstance(function, RotationFunction))


def _function(data: dict[str, Any], stored: frozenset[str]) -> Function:
    environment = data.get("Environment") or {}
    error = environment.get("Error") or {}
    values = environment.get("Variables") or {}
    return Function(
        arn=data["FunctionArn"],
        name=data["FunctionName"],
        runtime=data.get("Runtime"),
        kms_key=data.get("KMSKeyArn") or None,
        variables=tuple(
            classified_variable(name, values[name], stored) for name in sorted(values)
        ),
        # The message may quote what was refused; the code says enough.
        hidden=error.get("ErrorCode", "AccessDenied") if error else "",
        role=data.get("Role", ""),
    )


def _rotation(aws: Aws, region: str, arn: str) -> RotationFunction:
    fields = arn.split(":")
    owner = fields[4] if len(fields) > _ARN_FIELDS and fields[4] != aws.account else ""
    configuration = aws.value_or_miss(
        lambda: aws.get(
            _GET_FUNCTION_CONFIGURATION,
            region=region,
            owner=owner,
            absent=_NOT_FOUND,
            FunctionName=arn,
        )
    )
    if configuration is None:
        return RotationFunction(arn=arn, state=None)
    if isinstance(configuration, Miss):
        gone = configuration.kind is MissKind.ABSENT
        return RotationFunction(
            arn=arn, state=None if gone else configuration, policy=configuration
        )
    policy = aws.value_or_miss(
        lambda: aws.get(
            _GET_POLICY, region=region, owner=owner, absent=_NOT_FOUND, FunctionName=arn
        )
    )
    return RotationFunction(
        arn=arn,
        # Lambda may leave out the state of a function that was never idle: it is active.
        state=configuration.get("State") or "Active",
        runtime=configuration.get("Runtime"),
        policy=policy if policy is None or isinstance(policy, Miss) else policy["Policy"],
    )
