"""Step Functions: the definitions of state machines, with what is written into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import TextHolder, exposed_text
from aws_iam.account.collect.fact import many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.names.sensitive import Variable

STATE_MACHINES = many_in("stepfunctions.state_machines", TextHolder)
_LIST = "stepfunctions:ListStateMachines"
_DESCRIBE = "stepfunctions:DescribeStateMachine"
_GONE = ("StateMachineDoesNotExist",)


@collector_in(STATE_MACHINES, _LIST, _DESCRIBE)
def state_machines(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in each definition."""
    listed = aws.items(_LIST, "stateMachines", region=region)
    names = {data["stateMachineArn"]: data["name"] for data in listed}
    arns = sorted(names)
    read = aws.read_each(lambda arn: _exposed(aws, region, arn), arns, _DESCRIBE)
    return tuple(
        TextHolder(arn=arn, name=names[arn], exposed=exposed)
        for arn, exposed in zip(arns, read, strict=True)
    )


def _exposed(aws: Aws, region: str, arn: str) -> tuple[Variable, ...]:
    answer = aws.get(_DESCRIBE, region=region, absent=_GONE, stateMachineArn=arn) or {}
    return exposed_text(answer.get("definition", ""), _DESCRIBE, region)
