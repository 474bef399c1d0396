"""Domains of OpenSearch: only those outside a VPC are open to everyone."""

from __future__ import annotations

import json

import pytest

from aws_iam.rules.policy.run import validate
from helpers.policy_files import document

OPEN = document(
    {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "es:*",
        "Resource": "arn:aws:es:us-east-1:111122223333:domain/logs/*",
    }
)
PUBLIC, WITHIN = "SECURITY_WARNING", "WARNING"


def severity(given: object) -> str:
    """How grave it is that everyone is let in."""
    (found,) = (own for own in validate(given) if own.code == "PUBLIC_ACCESS_ALLOWED")  # type: ignore[arg-type]
    assert ("within the VPC" in found.message) is (found.severity == WITHIN)
    return found.severity


@pytest.mark.parametrize("type_", ["AWS::Elasticsearch::Domain", "AWS::OpenSearchService::Domain"])
def test_a_domain_of_a_template(type_: str) -> None:
    def template(**more: object) -> dict[str, object]:
        properties = {"AccessPolicies": OPEN, **more}
        return {"Resources": {"Logs": {"Type": type_, "Properties": properties}}}

    assert severity(template()) == PUBLIC
    assert severity(template(VPCOptions={"SubnetIds": ["subnet-1"]})) == WITHIN
    assert severity(template(VPCOptions={"Ref": "AWS::NoValue"})) == PUBLIC


DOMAIN = 'resource "aws_opensearch_domain" "logs" {\n  domain_name = "logs"\n%s}\n'
INLINE = f"  access_policies = jsonencode({json.dumps(OPEN)})\n"
APART = f'resource "aws_opensearch_domain_policy" "logs" {{\n  domain_name = "logs"\n{INLINE}}}\n'
NETWORK = "  vpc_options {\n    subnet_ids = []\n  }\n"
DYNAMIC = '  dynamic "vpc_options" {\n    for_each = var.networks\n    content {}\n  }\n'
OTHER = 'resource "aws_opensearch_domain" "site" {\n  domain_name = "site"\n}\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DOMAIN % INLINE, PUBLIC),
        (DOMAIN % (INLINE + NETWORK), WITHIN),
        (DOMAIN % (INLINE + DYNAMIC), WITHIN),
        (DOMAIN % NETWORK + APART, WITHIN),
        (DOMAIN % "" + APART, PUBLIC),
        # Whose policy it is cannot be told.
        (DOMAIN % NETWORK + OTHER + APART, PUBLIC),
        (APART, PUBLIC),
    ],
)
def test_a_domain_of_terraform(text: str, expected: str) -> None:
    assert severity(text) == expected


@pytest.mark.parametrize(("network", "expected"), [([{"subnet_ids": []}], WITHIN), ([], PUBLIC)])
def test_a_domain_of_a_plan(network: list[object], expected: str) -> None:
    values = {"access_policies": json.dumps(OPEN), "vpc_options": network}
    resource = {
        "address": "aws_opensearch_domain.logs",
        "type": "aws_opensearch_domain",
        "values": values,
    }
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [resource]}},
    }
    assert severity(plan) == expected
