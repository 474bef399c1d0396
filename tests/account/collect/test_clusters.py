"""What the collector of EKS clusters keeps of the control plane and of access entries."""

from __future__ import annotations

from typing import Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from helpers.rich_account import RICH
from helpers.scripted_aws import Refusal, Script


def read(**changed: Any) -> Any:
    changes = {name.replace("__", ":"): answer for name, answer in changed.items()}
    aws = Script(RICH | changes).aws()
    (cluster,) = aws.fact_or_miss(CLUSTERS, "us-east-1")
    aws.close()
    return cluster


def test_the_settings_of_the_control_plane_are_kept() -> None:
    details = read().details
    assert details.version == "1.33"
    assert (details.public_endpoint, details.public_ranges) == (True, ("192.0.2.0/24",))
    assert details.logs == ("api", "audit")
    assert details.secrets_key == "arn:aws:kms:us-east-1:1:key/k"
    assert details.authentication_mode == "API"


def test_what_the_answer_leaves_out_stays_unknown() -> None:
    details = read(eks__DescribeCluster={"cluster": {"name": "prod", "arn": "a"}}).details
    assert (details.public_endpoint, details.logs, details.version) == (None, None, None)


def test_access_entries_come_with_their_policies_for_all_namespaces() -> None:
    (entry,) = read().access
    assert entry.policies == (
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
    )
    refused = Refusal("AccessDeniedException", "no")
    assert isinstance(read(eks__ListAccessEntries=refused).access, Miss)
    (entry,) = read(eks__ListAssociatedAccessPolicies=refused).access
    assert isinstance(entry.policies, Miss)


def test_a_cluster_that_the_config_map_opens_has_no_access_entries_to_read() -> None:
    described = {"name": "prod", "arn": "a", "accessConfig": {"authenticationMode": "CONFIG_MAP"}}
    refused = Refusal("InvalidRequestException", "The cluster's authentication mode must be set")
    found = read(eks__DescribeCluster={"cluster": described}, eks__ListAccessEntries=refused)
    assert found.access is None
