"""EC2 instances: how they answer for metadata, and their instance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Instance:
    """An EC2 instance: how it answers for metadata, and which profile it has."""

    id: str
    arn: str
    state: str
    http_endpoint: str | None = None
    http_tokens: str | None = None
    options_state: str | None = None
    profile_arn: str | None = None
    vpc: str | None = None


INSTANCES = many_in("ec2.instances", Instance)


@collector_in(INSTANCES, "ec2:DescribeInstances")
def instances(aws: Aws, region: str) -> tuple[Instance, ...]:
    """The instances in every state."""
    reservations = aws.items("ec2:DescribeInstances", "Reservations", region=region)
    prefix = f"arn:{aws.partition}:ec2:{region}:{aws.account}:instance/"
    described = (
        _instance(prefix, data)
        for reservation in reservations
        for data in reservation.get("Instances", ())
    )
    return tuple(sorted(described, key=lambda instance: instance.id))


def _instance(prefix: str, data: dict[str, Any]) -> Instance:
    options = data.get("MetadataOptions", {})
    return Instance(
        id=data["InstanceId"],
        arn=prefix + data["InstanceId"],
        state=data.get("State", {}).get("Name", ""),
        http_endpoint=options.get("HttpEndpoint"),
        http_tokens=options.get("HttpTokens"),
        options_state=options.get("State"),
        profile_arn=data.get("IamInstanceProfile", {}).get("Arn"),
        vpc=data.get("VpcId"),
    )
