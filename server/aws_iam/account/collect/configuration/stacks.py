"""CloudFormation stacks: their outputs and their parameters, which everyone who may describe the stack can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import TextHolder, exposed_pairs
from aws_iam.account.collect.fact import many_in
from aws_iam.account.collect.secrets.parameters import STORES, stored_names

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

STACKS = many_in("cloudformation.stacks", TextHolder)
_DESCRIBE = "cloudformation:DescribeStacks"


@collector_in(STACKS, _DESCRIBE, after=STORES)
def stacks(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in the outputs and parameters of each stack."""
    listed = aws.items(_DESCRIBE, "Stacks", region=region)
    stored = stored_names(aws, region)
    return tuple(sorted((_stack(data, stored) for data in listed), key=lambda stack: stack.arn))


def _stack(data: dict[str, Any], stored: frozenset[str]) -> TextHolder:
    # A parameter with NoEcho is answered as asterisks.
    pairs = [
        *((o["OutputKey"], o.get("OutputValue", "")) for o in data.get("Outputs", ())),
        *((p["ParameterKey"], p.get("ParameterValue", "")) for p in data.get("Parameters", ())),
    ]
    return TextHolder(
        arn=data.get("StackId", data["StackName"]),
        name=data["StackName"],
        exposed=exposed_pairs(pairs, stored),
        role=data.get("RoleARN", ""),
    )
