"""What CloudFormation's handlers need: every name is known, and every type that carries a policy is there."""

from __future__ import annotations

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.cloudformation_permissions import (
    handler_permissions,
    published_types,
)

NOT_AWS = ("AWS::Serverless::", "Alexa::")


def test_every_action_of_a_handler_is_known() -> None:
    names = {
        name
        for type_ in published_types()
        if (permissions := handler_permissions(type_))
        for actions in permissions.handlers.values()
        for name in actions
    }
    assert names
    assert {name for name in names if not catalog().expand(name)} == set()


def test_every_type_that_carries_a_policy_is_there() -> None:
    carrying = {row["type"] for row in resources.data("cloudformation-resources.json")["policies"]}
    asked = {type_ for type_ in carrying if not type_.startswith(NOT_AWS)}
    assert {type_ for type_ in asked if handler_permissions(type_) is None} == set()
