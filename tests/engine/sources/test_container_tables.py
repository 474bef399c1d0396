"""The tables of places that hold policies, against the resource schemas of CloudFormation's registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.reference.attached import attachments
from aws_iam.engine.sources.containers import (
    aws_answers,
    cloudformation_names,
    cloudformation_spots,
    terraform_spots,
)

if TYPE_CHECKING:
    from aws_iam.engine.sources.containers.found import Spot


def steps(schema: dict[str, Any], path: str) -> bool:
    """Whether the schema has the properties of the path."""
    here: dict[str, Any] = schema
    for step in path.split("."):
        here = followed(schema, here).get("properties", {}).get(step.removesuffix("[]"), {})
        here = followed(schema, here)
        if step.endswith("[]"):
            here = followed(schema, here.get("items", {}))
    return bool(here) or path.endswith("[]")


def followed(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    found = node
    while "properties" not in found and ("$ref" in found or "allOf" in found):
        if "allOf" in found:
            found = found["allOf"][0]
        else:
            found = schema["definitions"][found["$ref"].rpartition("/")[2]]
    return found


@pytest.mark.parametrize("type_", cloudformation_spots.SPOTS)
def test_each_property_of_the_table_exists(type_: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    for spot in cloudformation_spots.SPOTS[type_]:
        assert steps(schema, spot.path), spot


@pytest.mark.parametrize("type_", cloudformation_names.TYPES)
def test_each_type_with_an_arn_gives_one_of_its_form(type_: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    known = cloudformation_names.TYPES[type_]
    arn = cloudformation_names.attribute(type_, "Thing", known.attribute)
    assert arn is not None
    assert arn.startswith("arn:aws:")
    assert "$" not in arn
    if not type_.startswith("AWS::Serverless::"):
        readable = [each.rpartition("/")[2] for each in schema["readOnlyProperties"]]
        assert known.attribute in readable


@pytest.mark.parametrize(
    "spot",
    [
        *(spot for row in cloudformation_spots.SPOTS.values() for spot in row),
        *(spot for row in terraform_spots.SPOTS.values() for spot in row),
        *aws_answers.SPOTS,
    ],
    ids=lambda spot: spot.path,
)
def test_only_resource_policies_are_attached_to_something(spot: Spot) -> None:
    if spot.resource_type:
        assert spot.kind is Kind.RESOURCE
        assert spot.resource_type.startswith("AWS::")


def test_what_is_known_of_attached_types_is_reached_from_every_format() -> None:
    named = {spot.resource_type for row in cloudformation_spots.SPOTS.values() for spot in row}
    without = {
        "AWS::IAM::AssumeRolePolicyDocument",  # a kind of its own
        "AWS::Kinesis::Stream",  # one resource policy for streams and consumers
        "AWS::Kinesis::StreamConsumer",
        "AWS::Lambda::Function",  # one resource policy for functions and layers
        "AWS::Lambda::LayerVersion",
        "AWS::ACMPCA::CertificateAuthority",  # its permissions are resources of their own
    }
    assert set(attachments()) - without <= named
