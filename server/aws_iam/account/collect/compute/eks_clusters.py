"""EKS clusters with their issuer, Pod Identity associations, access entries, add-ons, node groups and Fargate profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws


@slotted
class ClusterDetails:
    """`DescribeCluster`; with `auto_mode`, AWS runs the nodes and the Pod Identity agent on them.

    None: the answer did not say. `public_ranges` may reach a public endpoint; `logs` are the types of control plane logs
    that are on; `secrets_key` is the KMS key that secrets are encrypted with, if one is configured.
    """

    arn: str
    issuer: str | None = None
    auto_mode: bool = False
    node_role: str | None = None
    version: str | None = None
    public_endpoint: bool | None = None
    public_ranges: tuple[str, ...] = ()
    logs: tuple[str, ...] | None = None
    secrets_key: str | None = None
    authentication_mode: str | None = None


@slotted
class AssociationDetails:
    """`DescribePodIdentityAssociation`: what the list leaves out."""

    role: str
    target_role: str | None = None
    external_id: str | None = None
    session_tags: bool = True
    has_policy: bool = False


@slotted
class Association:
    """Pods of one service account that get a role through EKS Pod Identity.

    `policy` is the session policy that limits them, as JSON text. An earlier snapshot lacks it where `has_policy` says that
    there is one.
    """

    id: str
    arn: str
    namespace: str
    service_account: str
    details: AssociationDetails | Miss
    policy: str | None = None


@slotted
class MetadataOptions:
    """Instance metadata options of a launch template; None: the default of the account or the image."""

    http_tokens: str | None = None
    hop_limit: int | None = None


@slotted
class NodegroupDetails:
    """`DescribeNodegroup`; `metadata` comes from its own launch template, None where it has none."""

    arn: str
    role: str | None = None
    ami_type: str = ""
    template: str | None = None
    metadata: MetadataOptions | Miss | None = None


@slotted
class Nodegroup:
    """A managed node group."""

    name: str
    details: NodegroupDetails | Miss


@slotted
class Selector:
    """The pods that run on Fargate: those of a namespace (a pattern), with certain labels if `labelled`."""

    namespace: str
    labelled: bool = False


@slotted
class FargateProfile:
    """A Fargate profile."""

    name: str
    selectors: tuple[Selector, ...] | Miss


@slotted
class AccessEntry:
    """A principal of IAM that may enter the cluster; `policies` are its access policies that hold for all namespaces."""

    principal: str
    policies: tuple[str, ...] | Miss


@slotted
class Cluster:
    """An EKS cluster; each part may be missing on its own. `access` is None where it has no access entries, by its mode."""

    name: str
    details: ClusterDetails | Miss
    associations: tuple[Association, ...] | Miss
    addons: tuple[str, ...] | Miss
    nodegroups: tuple[Nodegroup, ...] | Miss
    fargate: tuple[FargateProfile, ...] | Miss
    access: tuple[AccessEntry, ...] | Miss | None = ()


CLUSTERS = many_in("eks.clusters", Cluster)
ONLY_CONFIG_MAP = "CONFIG_MAP"
"""The authentication mode in which the ConfigMap aws-auth alone says who may enter the cluster."""
_LIST_POD_IDENTITY_ASSOCIATIONS = "eks:ListPodIdentityAssociations"
DESCRIBE_ASSOCIATION = "eks:DescribePodIdentityAssociation"
"""The call that tells the role of an association, and its session policy."""
_LIST_ACCESS_ENTRIES = "eks:ListAccessEntries"
_LIST_ASSOCIATED_ACCESS_POLICIES = "eks:ListAssociatedAccessPolicies"
_DESCRIBE_NODEGROUP = "eks:DescribeNodegroup"
_DESCRIBE_FARGATE_PROFILE = "eks:DescribeFargateProfile"
_DESCRIBE_LAUNCH_TEMPLATE_VERSIONS = "ec2:DescribeLaunchTemplateVersions"


@collector_in(
    CLUSTERS,
    "eks:ListClusters",
    "eks:DescribeCluster",
    _LIST_POD_IDENTITY_ASSOCIATIONS,
    DESCRIBE_ASSOCIATION,
    "eks:ListAddons",
    "eks:ListNodegroups",
    _DESCRIBE_NODEGROUP,
    "eks:ListFargateProfiles",
    _DESCRIBE_FARGATE_PROFILE,
    _DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
    _LIST_ACCESS_ENTRIES,
    _LIST_ASSOCIATED_ACCESS_POLICIES,
)
def clusters(aws: Aws, region: str) -> tuple[Cluster, ...]:
    """The clusters. The list of associations leaves out the roles, so each association is described."""
    names = sorted(aws.items("eks:ListClusters", "clusters", region=region))
    return tuple(_cluster(aws, region, name) for name in names)


def _cluster(aws: Aws, region: str, name: str) -> Cluster:
    def listed(operation: str, key: str) -> list[Any]:
        return aws.items(operation, key, region=region, clusterName=name)

    details = aws.value_or_miss(
        lambda: _details(aws.need("eks:DescribeCluster", region=region, name=name)["cluster"])
    )
    # EKS refuses every call on the access entries of such a cluster.
    by_config_map = (
        not isinstance(details, Miss) and details.authentication_mode == ONLY_CONFIG_MAP
    )
    return Cluster(
        name=name,
        details=details,
        associations=aws.value_or_miss(
            lambda: _associations(
                aws, region, name, listed(_LIST_POD_IDENTITY_ASSOCIATIONS, "associations")
            )
        ),
        addons=aws.value_or_miss(lambda: tuple(sorted(listed("eks:ListAddons", "addons")))),
        nodegroups=aws.value_or_miss(
            lambda: _nodegroups(aws, region, name, listed("eks:ListNodegroups", "nodegroups"))
        ),
        fargate=aws.value_or_miss(
            lambda: _profiles(
                aws, region, name, listed("eks:ListFargateProfiles", "fargateProfileNames")
            )
        ),
        access=None
        if by_config_map
        else aws.value_or_miss(
            lambda: _access(aws, region, name, listed(_LIST_ACCESS_ENTRIES, "accessEntries"))
        ),
    )


def _details(data: dict[str, Any]) -> ClusterDetails:
    compute = data.get("computeConfig", {})
    network = data.get("resourcesVpcConfig", {})
    return ClusterDetails(
        arn=data["arn"],
        issuer=data.get("identity", {}).get("oidc", {}).get("issuer"),
        auto_mode=compute.get("enabled", False),
        node_role=compute.get("nodeRoleArn"),
        version=data.get("version"),
        public_endpoint=network.get("endpointPublicAccess"),
        public_ranges=tuple(network.get("publicAccessCidrs", ())),
        logs=_logs(data["logging"]) if "logging" in data else None,
        secrets_key=_secrets_key(data.get("encryptionConfig", ())),
        authentication_mode=data.get("accessConfig", {}).get("authenticationMode"),
    )


def _logs(logging: dict[str, Any]) -> tuple[str, ...]:
    setups = logging.get("clusterLogging", ())
    return tuple(
        sorted(kind for setup in setups if setup.get("enabled") for kind in setup.get("types", ()))
    )


def _secrets_key(setups: Iterable[dict[str, Any]]) -> str | None:
    keys = (
        setup.get("provider", {}).get("keyArn")
        for setup in setups
        if "secrets" in setup.get("resources", ())
    )
    return next(keys, None)


def _access(aws: Aws, region: str, cluster: str, listed: list[str]) -> tuple[AccessEntry, ...]:
    def read(principal: str) -> AccessEntry:
        policies = aws.value_or_miss(
            lambda: _everywhere(
                aws.items(
                    _LIST_ASSOCIATED_ACCESS_POLICIES,
                    "associatedAccessPolicies",
                    region=region,
                    clusterName=cluster,
                    principalArn=principal,
                )
            )
        )
        return AccessEntry(principal=principal, policies=policies)

    entries = aws.read_each(read, sorted(listed), _LIST_ASSOCIATED_ACCESS_POLICIES)
    return tuple(entry for entry in entries if isinstance(entry, AccessEntry))


def _everywhere(policies: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        sorted(
            policy["policyArn"]
            for policy in policies
            if policy.get("accessScope", {}).get("type") == "cluster"
        )
    )


def _associations(
    aws: Aws, region: str, cluster: str, listed: list[dict[str, Any]]
) -> tuple[Association, ...]:
    def read(data: dict[str, Any]) -> Association:
        arguments = {"clusterName": cluster, "associationId": data["associationId"]}
        found = aws.value_or_miss(
            lambda: _association(
                aws.need(DESCRIBE_ASSOCIATION, region=region, **arguments)["association"]
            )
        )
        details, policy = (found, None) if isinstance(found, Miss) else found
        return Association(
            id=data["associationId"],
            arn=data["associationArn"],
            namespace=data["namespace"],
            service_account=data["serviceAccount"],
            details=details,
            policy=policy,
        )

    ordered = sorted(listed, key=lambda association: str(association["associationId"]))
    associations = aws.read_each(read, ordered, DESCRIBE_ASSOCIATION)
    return tuple(
        association for association in associations if isinstance(association, Association)
    )


def _association(data: dict[str, Any]) -> tuple[AssociationDetails, str | None]:
    policy = data.get("policy") or None
    details = AssociationDetails(
        role=data["roleArn"],
        target_role=data.get("targetRoleArn"),
        external_id=data.get("externalId"),
        session_tags=not data.get("disableSessionTags", False),
        has_policy=policy is not None,
    )
    return details, policy


def _nodegroups(aws: Aws, region: str, cluster: str, listed: list[str]) -> tuple[Nodegroup, ...]:
    def read(name: str) -> Nodegroup:
        arguments = {"clusterName": cluster, "nodegroupName": name}
        details = aws.value_or_miss(
            lambda: _nodegroup(
                aws, region, aws.need(_DESCRIBE_NODEGROUP, region=region, **arguments)["nodegroup"]
            )
        )
        return Nodegroup(name=name, details=details)

    nodegroups = aws.read_each(read, sorted(listed), _DESCRIBE_NODEGROUP)
    return tuple(nodegroup for nodegroup in nodegroups if isinstance(nodegroup, Nodegroup))


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
    arguments = {
        "LaunchTemplateId": template["id"],
        "Versions": [template.get("version", "$Default")],
    }

    def read() -> MetadataOptions:
        # The answer includes user data, which may hold secrets: only two other fields are kept.
        versions = aws.items(
            _DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
            "LaunchTemplateVersions",
            region=region,
            **arguments,
        )
        data = versions[0]["LaunchTemplateData"] if versions else {}
        options = data.get("MetadataOptions", {})
        return MetadataOptions(
            http_tokens=options.get("HttpTokens"), hop_limit=options.get("HttpPutResponseHopLimit")
        )

    return aws.value_or_miss(read)


def _profiles(
    aws: Aws, region: str, cluster: str, listed: list[str]
) -> tuple[FargateProfile, ...]:
    def read(name: str) -> FargateProfile:
        arguments = {"clusterName": cluster, "fargateProfileName": name}
        selectors = aws.value_or_miss(
            lambda: _selectors(
                aws.need(_DESCRIBE_FARGATE_PROFILE, region=region, **arguments)["fargateProfile"]
            )
        )
        return FargateProfile(name=name, selectors=selectors)

    profiles = aws.read_each(read, sorted(listed), _DESCRIBE_FARGATE_PROFILE)
    return tuple(profile for profile in profiles if isinstance(profile, FargateProfile))


def _selectors(data: dict[str, Any]) -> tuple[Selector, ...]:
    return tuple(
        Selector(namespace=selector.get("namespace", ""), labelled=bool(selector.get("labels")))
        for selector in data.get("selectors", ())
    )
