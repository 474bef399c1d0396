"""The policies of VPC endpoints: they limit the requests that come through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class EndpointPolicy:
    """The policy of an endpoint of a VPC for a service such as `com.amazonaws.eu-west-1.s3`, as JSON text; none has None."""

    endpoint: str
    vpc: str
    service: str
    document: str | None = None


ENDPOINT_POLICIES = many_in("ec2.vpc_endpoint_policies", EndpointPolicy)


@collector_in(ENDPOINT_POLICIES, "ec2:DescribeVpcEndpoints")
def endpoint_policies(aws: Aws, region: str) -> tuple[EndpointPolicy, ...]:
    """The endpoints that carry traffic, with their policies."""
    found = (
        EndpointPolicy(
            endpoint=data["VpcEndpointId"],
            vpc=data.get("VpcId", ""),
            service=data.get("ServiceName", ""),
            document=data.get("PolicyDocument"),
        )
        for data in aws.items("ec2:DescribeVpcEndpoints", "VpcEndpoints", region=region)
        if data.get("State", "").lower() == "available"
    )
    return tuple(sorted(found, key=lambda own: own.endpoint))
