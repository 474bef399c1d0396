"""Which resources can have a policy of their own."""

from __future__ import annotations

import pytest

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.audit.access.policy_types import may_have_policy
from helpers.tables.each import for_each

TYPES = resources.data("types-with-policy.json")["types"]
HERE = "eu-west-1:111122223333"


@for_each(sorted(TYPES))
def test_every_type_is_one_of_the_catalogue(prefix: str) -> None:
    service = catalog().service(prefix)
    assert service is not None
    assert {name.lower() for name in TYPES[prefix]} <= set(service.resource_types)


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:codeartifact:{HERE}:package/d/r/npm//left-pad",
        f"arn:aws:ses:{HERE}:identity/example.com",
        f"arn:aws:glacier:{HERE}:vaults/x",
        f"arn:aws:mediastore:{HERE}:container/x",
        f"arn:aws:kafka:{HERE}:cluster/x/1",
        f"arn:aws:kafka:{HERE}:topic/x/1/*",
        f"arn:aws:cloudtrail:{HERE}:eventdatastore/x",
        f"arn:aws:redshift-serverless:{HERE}:namespace/x",
        f"arn:aws:ssm:{HERE}:parameter/x",
        f"arn:aws:backup:{HERE}:recovery-point:x",
        f"arn:aws:s?s:{HERE}:*",
        "arn:aws:iam::111122223333:role/x",
    ],
)
def test_such_a_resource_may_have_a_policy(arn: str) -> None:
    assert may_have_policy(arn)


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:rds:{HERE}:db:x",
        f"arn:aws:states:{HERE}:stateMachine:x",
        f"arn:aws:ec2:{HERE}:instance/i-1",
        f"arn:aws:glue:{HERE}:job/x",
        "arn:aws:iam::111122223333:user/x",
        "no ARN",
    ],
)
def test_such_a_resource_has_none(arn: str) -> None:
    assert not may_have_policy(arn)
