"""The tables of places that hold policies, against the resource schemas of CloudFormation's registry."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from aws_iam import resources
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.attachment_types import attachment_types
from aws_iam.engine.sources.containers import aws_answers
from aws_iam.engine.sources.containers.access_settings import attached_to_paths, subject_named
from aws_iam.engine.sources.containers.cloudformation_return_values import attribute, return_values
from aws_iam.engine.sources.containers.policy_places import PolicyPlace, places_by_type
from helpers.tables.each import for_each

CLOUDFORMATION = places_by_type("cloudformation-resources.json")
TERRAFORM = places_by_type("terraform-resources.json")


def has_properties(schema: dict[str, Any], path: str) -> bool:
    """Whether the schema has the properties of the path."""
    here: dict[str, Any] = schema
    for step in path.split("."):
        here = resolved(schema, here).get("properties", {}).get(step.removesuffix("[]"), {})
        here = resolved(schema, here)
        if step.endswith("[]"):
            here = resolved(schema, here.get("items", {}))
    return bool(here) or path.endswith("[]")


def resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    found = node
    while "properties" not in found and ("$ref" in found or "allOf" in found):
        if "allOf" in found:
            found = found["allOf"][0]
        else:
            found = schema["definitions"][found["$ref"].rpartition("/")[2]]
    return found


@for_each(CLOUDFORMATION)
def test_each_property_of_the_table_exists(type_: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    for place in CLOUDFORMATION[type_]:
        assert has_properties(schema, place.path), place


@pytest.mark.parametrize("type_", return_values())
def test_each_type_with_an_arn_gives_one_of_its_form(type_: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    known = return_values()[type_]
    arn = attribute(type_, "Thing", known.attribute)
    assert arn is not None
    assert arn.startswith("arn:aws:")
    assert "$" not in arn
    if not type_.startswith("AWS::Serverless::"):
        readable = [pointer.rpartition("/")[2] for pointer in schema["readOnlyProperties"]]
        assert known.attribute in readable


@for_each(
    [
        *(place for places in CLOUDFORMATION.values() for place in places),
        *(place for places in TERRAFORM.values() for place in places),
        *aws_answers.places(),
    ],
    name=lambda place: place.path,
)
def test_only_resource_policies_are_attached_to_something(place: PolicyPlace) -> None:
    if place.resource_type:
        assert place.kind is Kind.RESOURCE
        assert place.resource_type.startswith("AWS::")


def test_what_is_known_of_attached_types_is_reached_from_every_format() -> None:
    named = {place.resource_type for places in CLOUDFORMATION.values() for place in places}
    without = {
        "AWS::IAM::AssumeRolePolicyDocument",  # a kind of its own
        "AWS::Kinesis::Stream",  # one resource policy for streams and consumers
        "AWS::Kinesis::StreamConsumer",
        "AWS::Lambda::Function",  # one resource policy for functions and layers
        "AWS::Lambda::LayerVersion",
        "AWS::ACMPCA::CertificateAuthority",  # its permissions are resources of their own
    }
    assert set(attachment_types()) - without <= named


SETTINGS = resources.data("access-settings.json")
IN_TEMPLATES = [row for row in SETTINGS["cloudformation"] if "::Serverless::" not in row["type"]]


@for_each(dict.fromkeys(row["type"] for row in IN_TEMPLATES))
def test_each_property_that_decides_about_access_exists(type_: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    for row in IN_TEMPLATES:
        if row["type"] == type_:
            for path in (row["path"],) if "path" in row else row.get("paths", ()):
                assert has_properties(schema, path), path


def test_each_setting_has_a_subject_with_a_page_of_aws() -> None:
    formats = ("cloudformation", "terraform", "kubernetes", "ansible", "pulumi")
    named = {row["subject"] for name in formats for row in SETTINGS[name]}
    by_readers = {
        "annotated_pod_role",
        "api_event",
        "assumed_by",
        "condition",
        "deployment_role",
        "module",
        "provider",
        "service_account_role",
        "task_control",
        "unread_policy",
    }
    assert named | by_readers == set(SETTINGS["subjects"])
    assert all(
        subject_named(name).source.startswith("https://docs.aws.amazon.com/") for name in named
    )


def test_what_a_policy_is_attached_to_is_a_property_of_its_resource() -> None:
    for type_ in SETTINGS["attached_to"]:
        places = CLOUDFORMATION if "::" in type_ else TERRAFORM
        assert type_ in places
        if "::" in type_:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
            for path in attached_to_paths(type_):
                assert has_properties(schema, path), (type_, path)
