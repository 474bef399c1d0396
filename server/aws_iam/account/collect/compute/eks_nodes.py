"""EC2 instances that are nodes of an EKS cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Node:
    """An EC2 instance that is a node of a cluster."""

    id: str
    arn: str
    cluster: str
    state: str
    http_tokens: str | None = None
    hop_limit: int | None = None


NODES = many_in("ec2.eks_nodes", Node)
_CLUSTER_TAG = "eks:cluster-name"


@collector_in(NODES, "ec2:DescribeInstances")
def nodes(aws: Aws, region: str) -> tuple[Node, ...]:
    """The instances that EKS or its tools have tagged with the name of a cluster."""
    filters = [{"Name": "tag-key", "Values": [_CLUSTER_TAG]}]
    reservations = aws.items(
        "ec2:DescribeInstances", "Reservations", region=region, Filters=filters
    )
    prefix = f"arn:{aws.partition}:ec2:{region}:{aws.account}:instance/"
    instances = (
        _node(prefix, instance)
        for reservation in reservations
        for instance in reservation.get("Instances", ())
    )
    return tuple(sorted(instances, key=lambda node: node.id))


def _node(prefix: str, data: dict[str, Any]) -> Node:
    tags = {tag.get("Key"): tag.get("Value", "") for tag in data.get("Tags", ())}
    options = data.get("MetadataOptions", {})
    return Node(
        id=data["InstanceId"],
        arn=prefix + data["InstanceId"],
        cluster=tags.get(_CLUSTER_TAG, ""),
        state=data.get("State", {}).get("Name", ""),
        http_tokens=options.get("HttpTokens"),
        hop_limit=options.get("HttpPutResponseHopLimit"),
    )
