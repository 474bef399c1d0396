"""What is kept of the settings that give sessions of roles a session policy."""

from __future__ import annotations

from typing import Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.anywhere_profiles import ANYWHERE_PROFILES
from aws_iam.account.collect.identity.emr_studios import (
    EMR_STUDIOS,
    StudioAssignment,
    StudioDetails,
)
from aws_iam.account.collect.identity.transfer_users import TRANSFER_SERVERS, TransferUser
from helpers.rich_account import RICH
from helpers.rich_workloads import ROLE
from helpers.scripted_aws import ACCOUNT, Refusal, Script

REFUSED = Refusal("AccessDeniedException", "no")


def read(fact: Any, **changed: Any) -> Any:
    changes = {name.replace("__", ":"): answer for name, answer in changed.items()}
    aws = Script(RICH | changes).aws()
    found = aws.fact_or_miss(fact, "us-east-1")
    aws.close()
    return found


def test_an_association_has_the_text_of_its_session_policy() -> None:
    ((own,),) = [cluster.associations for cluster in read(CLUSTERS)]
    assert (own.policy, own.details.has_policy) == ("{}", True)
    described = RICH["eks:DescribePodIdentityAssociation"]["association"]
    plain = {name: value for name, value in described.items() if name != "policy"}
    ((own,),) = [
        cluster.associations
        for cluster in read(CLUSTERS, eks__DescribePodIdentityAssociation={"association": plain})
    ]
    assert (own.policy, own.details.has_policy) == (None, False)
    ((own,),) = [
        cluster.associations
        for cluster in read(CLUSTERS, eks__DescribePodIdentityAssociation=REFUSED)
    ]
    assert own.policy is None
    assert isinstance(own.details, Miss)


def test_profiles_that_are_on_have_their_roles_and_policies() -> None:
    (own,) = read(ANYWHERE_PROFILES)
    assert (own.name, own.roles, own.policy) == ("laboratory", (ROLE,), "{}")
    assert own.managed == ("arn:aws:iam::aws:policy/ReadOnlyAccess",)


def test_studios_of_identity_center_have_their_role_and_who_is_assigned() -> None:
    (own,) = read(EMR_STUDIOS)
    arn = f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:studio/es-1"
    assert (own.name, own.details) == ("research", StudioDetails(arn=arn, role=ROLE))
    policy = f"arn:aws:iam::{ACCOUNT}:policy/"
    assert own.assignments == (
        StudioAssignment(name="ann", is_group=False, policy=f"{policy}ann"),
        StudioAssignment(name="readers", is_group=True, policy=f"{policy}readers"),
    )


def test_what_is_refused_of_a_studio_is_missing_there_alone() -> None:
    (own,) = read(EMR_STUDIOS, emr__DescribeStudio=REFUSED)
    assert (isinstance(own.details, Miss), len(own.assignments)) == (True, 2)
    (own,) = read(EMR_STUDIOS, emr__ListStudioSessionMappings=REFUSED)
    assert own.details.role == ROLE
    assert own.assignments.permission == "elasticmapreduce:ListStudioSessionMappings"


def test_users_and_groups_of_servers_for_amazon_s3_have_theirs() -> None:
    users, groups = (server.users for server in read(TRANSFER_SERVERS))
    assert users == (
        TransferUser(
            arn=f"arn:aws:transfer:us-east-1:{ACCOUNT}:user/s-0123456789abcdef1/supplier",
            name="supplier",
            role=ROLE,
            home="/books/incoming",
            policy="{}",
        ),
    )
    (group,) = groups
    assert group.arn.endswith(":server/s-0123456789abcdef2")
    # The directories are logical.
    assert (group.home, group.policy) == (None, None)


def test_what_is_refused_of_a_server_is_missing_there_alone() -> None:
    users, groups = (
        server.users for server in read(TRANSFER_SERVERS, transfer__ListUsers=REFUSED)
    )
    assert isinstance(users, Miss)
    assert len(groups) == 1
    users, _ = (server.users for server in read(TRANSFER_SERVERS, transfer__DescribeUser=REFUSED))
    (user,) = users
    assert isinstance(user.policy, Miss)
    _, groups = (server.users for server in read(TRANSFER_SERVERS, transfer__DescribeAccess=REFUSED))  # fmt: skip
    (group,) = groups
    assert isinstance(group.policy, Miss)
