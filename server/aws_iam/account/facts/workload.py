"""What gives workloads their roles: providers of tokens, EKS clusters, Pod Identity associations, nodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints

from aws_iam.account.facts.fact import Miss, many, many_in


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """`GetOpenIDConnectProvider`: the client ids whose tokens it takes, and pinned thumbprints."""

    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider:
    """A provider of tokens; `host` is the issuer without `https://`."""

    arn: str
    host: str
    settings: ProviderSettings | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLimit:
    """How long a session of a role may last, which the authorization details leave out."""

    arn: str
    max_session_seconds: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An EC2 instance that is a node of a cluster."""

    id: str
    arn: str
    cluster: str
    state: str
    http_tokens: str | None = None
    hop_limit: int | None = None


OIDC_SETTINGS = many("iam.oidc_settings", OidcProvider)
ROLE_LIMITS = many("iam.role_limits", RoleLimit)
CLUSTERS = many_in("eks.clusters", Cluster)
NODES = many_in("ec2.eks_nodes", Node)
