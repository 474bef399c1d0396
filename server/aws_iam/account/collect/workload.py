"""What workload identity needs beside EKS: settings of OIDC providers, limits of roles, instances that are nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector, collector_in
from aws_iam.account.facts.identity import OIDC_PROVIDERS
from aws_iam.account.facts.workload import (
    NODES,
    OIDC_SETTINGS,
    ROLE_LIMITS,
    Node,
    OidcProvider,
    ProviderSettings,
    RoleLimit,
)

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.facts.identity import Provider

_SETTINGS = "iam:GetOpenIDConnectProvider"
_CLUSTER_TAG = "eks:cluster-name"


@collector(OIDC_SETTINGS, _SETTINGS, after=(OIDC_PROVIDERS,))
def oidc_settings(aws: Aws) -> tuple[OidcProvider, ...]:
    """Client ids and thumbprints of each provider."""

    def read(provider: Provider) -> OidcProvider:
        answer = aws.tried(
            lambda: _settings(aws.need(_SETTINGS, OpenIDConnectProviderArn=provider.arn))
        )
        return OidcProvider(arn=provider.arn, host=provider.name, settings=answer)

    listed = aws.fact(OIDC_PROVIDERS)
    found = aws.each(read, listed, _SETTINGS)
    return tuple(each for each in found if isinstance(each, OidcProvider))


def _settings(data: dict[str, Any]) -> ProviderSettings:
    return ProviderSettings(
        client_ids=tuple(sorted(data.get("ClientIDList", ()))),
        thumbprints=tuple(sorted(data.get("ThumbprintList", ()))),
        created=data.get("CreateDate"),
    )


@collector(ROLE_LIMITS, "iam:ListRoles")
def role_limits(aws: Aws) -> tuple[RoleLimit, ...]:
    """The longest session of each role; AWS's default is an hour."""
    found = (
        RoleLimit(arn=role["Arn"], max_session_seconds=role.get("MaxSessionDuration", 3600))
        for role in aws.pages("iam:ListRoles", "Roles")
    )
    return tuple(sorted(found, key=lambda each: each.arn))


@collector_in(NODES, "ec2:DescribeInstances")
def nodes(aws: Aws, region: str) -> tuple[Node, ...]:
    """The instances that EKS or its tools have tagged with the name of a cluster."""
    filters = [{"Name": "tag-key", "Values": [_CLUSTER_TAG]}]
    reservations = aws.pages(
        "ec2:DescribeInstances", "Reservations", region=region, Filters=filters
    )
    prefix = f"arn:{aws.partition}:ec2:{region}:{aws.account}:instance/"
    found = (
        _node(prefix, each)
        for reservation in reservations
        for each in reservation.get("Instances", ())
    )
    return tuple(sorted(found, key=lambda node: node.id))


def _node(prefix: str, data: dict[str, Any]) -> Node:
    tags = {each.get("Key"): each.get("Value", "") for each in data.get("Tags", ())}
    options = data.get("MetadataOptions", {})
    return Node(
        id=data["InstanceId"],
        arn=prefix + data["InstanceId"],
        cluster=tags.get(_CLUSTER_TAG, ""),
        state=data.get("State", {}).get("Name", ""),
        http_tokens=options.get("HttpTokens"),
        hop_limit=options.get("HttpPutResponseHopLimit"),
    )
