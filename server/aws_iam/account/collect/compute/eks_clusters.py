"""EKS clusters with their issuer, Pod Identity associations, add-ons, node groups and Fargate profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDetails:
    """`DescribeCluster`; `auto_mode` says that AWS runs the nodes, with the Pod Identity agent in them."""

    arn: str
    issuer: str | None = None
    auto_mode: bool = False
    node_role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationDetails:
    """`DescribePodIdentityAssociation`: what the list leaves out."""

    role: str
    target_role: str | None = None
    external_id: str | None = None
    session_tags: bool = True
    has_policy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """Pods of one service account that get a role through EKS Pod Identity."""

    id: str
    arn: str
    namespace: str
    service_account: str
    details: AssociationDetails | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataOptions:
    """How new instances of a launch template answer for metadata; None: as the account or the image says."""

    http_tokens: str | None = None
    hop_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodegroupDetails:
    """`DescribeNodegroup`; `metadata` is that of its own launch template, None where it has none."""

    arn: str
    role: str | None = None
    ami_type: str = ""
    template: str | None = None
    metadata: MetadataOptions | Miss | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodegroup:
    """A managed node group."""

    name: str
    details: NodegroupDetails | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """The pods that run on Fargate: of a namespace (a pattern), with these labels where there are any."""

    namespace: str
    labelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FargateProfile:
    """A Fargate profile."""

    name: str
    selectors: tuple[Selector, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An EKS cluster; every part may be missing by itself."""

    name: str
    details: ClusterDetails | Miss
    associations: tuple[Association, ...] | Miss
    addons: tuple[str, ...] | Miss
    nodegroups: tuple[Nodegroup, ...] | Miss
    fargate: tuple[FargateProfile, ...] | Miss


CLUSTERS = many_in("eks.clusters", Cluster)
_LIST = "eks:ListPodIdentityAssociations"
_DESCRIBE = "eks:DescribePodIdentityAssociation"
_GROUP = "eks:DescribeNodegroup"
_PROFILE = "eks:DescribeFargateProfile"
_TEMPLATE = "ec2:DescribeLaunchTemplateVersions"


@collector_in(
    CLUSTERS,
    "eks:ListClusters",
    "eks:DescribeCluster",
    _LIST,
    _DESCRIBE,
    "eks:ListAddons",
    "eks:ListNodegroups",
    _GROUP,
    "eks:ListFargateProfiles",
    _PROFILE,
    _TEMPLATE,
)
def clusters(aws: Aws, region: str) -> tuple[Cluster, ...]:
    """The clusters; the list of associations leaves out their roles, so that each is described."""
    names = sorted(aws.pages("eks:ListClusters", "clusters", region=region))
    return tuple(_cluster(aws, region, name) for name in names)


def _cluster(aws: Aws, region: str, name: str) -> Cluster:
    def listed(operation: str, key: str) -> list[Any]:
        return aws.pages(operation, key, region=region, clusterName=name)

    return Cluster(
        name=name,
        details=aws.tried(
            lambda: _details(aws.need("eks:DescribeCluster", region=region, name=name)["cluster"])
        ),
        associations=aws.tried(
            lambda: _associations(aws, region, name, listed(_LIST, "associations"))
        ),
        addons=aws.tried(lambda: tuple(sorted(listed("eks:ListAddons", "addons")))),
        nodegroups=aws.tried(
            lambda: _nodegroups(aws, region, name, listed("eks:ListNodegroups", "nodegroups"))
        ),
        fargate=aws.tried(
            lambda: _profiles(
                aws, region, name, listed("eks:ListFargateProfiles", "fargateProfileNames")
            )
        ),
    )


def _details(data: dict[str, Any]) -> ClusterDetails:
    compute = data.get("computeConfig", {})
    return ClusterDetails(
        arn=data["arn"],
        issuer=data.get("identity", {}).get("oidc", {}).get("issuer"),
        auto_mode=compute.get("enabled", False),
        node_role=compute.get("nodeRoleArn"),
    )


def _associations(
    aws: Aws, region: str, cluster: str, listed: list[dict[str, Any]]
) -> tuple[Association, ...]:
    def read(data: dict[str, Any]) -> Association:
        asked = {"clusterName": cluster, "associationId": data["associationId"]}
        details = aws.tried(
            lambda: _association(aws.need(_DESCRIBE, region=region, **asked)["association"])
        )
        return Association(
            id=data["associationId"],
            arn=data["associationArn"],
            namespace=data["namespace"],
            service_account=data["serviceAccount"],
            details=details,
        )

    ordered = sorted(listed, key=lambda each: str(each["associationId"]))
    found = aws.each(read, ordered, _DESCRIBE)
    return tuple(each for each in found if isinstance(each, Association))


def _association(data: dict[str, Any]) -> AssociationDetails:
    return AssociationDetails(
        role=data["roleArn"],
        target_role=data.get("targetRoleArn"),
        external_id=data.get("externalId"),
        session_tags=not data.get("disableSessionTags", False),
        has_policy=bool(data.get("policy")),
    )


def _nodegroups(aws: Aws, region: str, cluster: str, listed: list[str]) -> tuple[Nodegroup, ...]:
    def read(name: str) -> Nodegroup:
        asked = {"clusterName": cluster, "nodegroupName": name}
        details = aws.tried(
            lambda: _nodegroup(aws, region, aws.need(_GROUP, region=region, **asked)["nodegroup"])
        )
        return Nodegroup(name=name, details=details)

    found = aws.each(read, sorted(listed), _GROUP)
    return tuple(each for each in found if isinstance(each, Nodegroup))


def _nodegroup(aws: Aws, region: str, data: dict[str, Any]) -> NodegroupDetails:
    template = data.get("launchTemplate", {})
    return NodegroupDetails(
        arn=data["nodegroupArn"],
        role=data.get("nodeRole"),
        ami_type=data.get("amiType", ""),
        template=template.get("id"),
        metadata=_metadata(aws, region, template) if template.get("id") else None,
    )


def _metadata(aws: Aws, region: str, template: dict[str, Any]) -> MetadataOptions | Miss:
    asked = {"LaunchTemplateId": template["id"], "Versions": [template.get("version", "$Default")]}

    def read() -> MetadataOptions:
        # The answer carries user data along, which may hold secrets: only two fields of it are kept.
        versions = aws.pages(_TEMPLATE, "LaunchTemplateVersions", region=region, **asked)
        data = versions[0]["LaunchTemplateData"] if versions else {}
        options = data.get("MetadataOptions", {})
        return MetadataOptions(
            http_tokens=options.get("HttpTokens"), hop_limit=options.get("HttpPutResponseHopLimit")
        )

    return aws.tried(read)


def _profiles(
    aws: Aws, region: str, cluster: str, listed: list[str]
) -> tuple[FargateProfile, ...]:
    def read(name: str) -> FargateProfile:
        asked = {"clusterName": cluster, "fargateProfileName": name}
        selectors = aws.tried(
            lambda: _selectors(aws.need(_PROFILE, region=region, **asked)["fargateProfile"])
        )
        return FargateProfile(name=name, selectors=selectors)

    found = aws.each(read, sorted(listed), _PROFILE)
    return tuple(each for each in found if isinstance(each, FargateProfile))


def _selectors(data: dict[str, Any]) -> tuple[Selector, ...]:
    return tuple(
        Selector(namespace=each.get("namespace", ""), labelled=bool(each.get("labels")))
        for each in data.get("selectors", ())
    )
