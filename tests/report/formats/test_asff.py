"""ASFF: valid by Security Hub's own model and documented limits."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import Finding, Severity, Status
from aws_iam.report.formats.asff import MOST_IN_A_CALL, asff, asff_lines
from helpers.audited_runs import EVERY_STATUS, FINDINGS, audited, finding, hostile_run
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from aws_iam.report.audit_report import AuditReport

# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html
# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-top-level-attributes.html
_LIMITS = {
    "Id": 512,
    "GeneratorId": 512,
    "Title": 256,
    "Description": 1024,
    "ProductName": 128,
    "CompanyName": 128,
}
_TYPE = re.compile(
    r"(?:Software and Configuration Checks|TTPs|Effects|Unusual Behaviors|Sensitive Data Identifications)"
    r"(?:/[^/]+){0,2}"
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_BYTES = 240_000
_BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/"


@cache
def shape() -> Any:
    model = botocore.session.Session().get_service_model("securityhub")
    return model.operation_model("BatchImportFindings").input_shape


def findings_of(run: AuditReport) -> Any:
    told = json.loads("".join(asff(run)))
    if told:
        report = ParamValidator().validate({"Findings": told}, shape())
        assert not report.has_errors(), report.generate_report()
    for row in told:
        _refuse_unknown(row, shape().members["Findings"].member)
        within_limits(row)
    return told


def _refuse_unknown(value: Any, of: Any) -> None:
    """Refuse unknown fields and values outside an enum, which the validator accepts."""
    if of.type_name == "structure":
        for name, inner in value.items():
            _refuse_unknown(inner, of.members[name])
    elif of.type_name == "list":
        for inner in value:
            _refuse_unknown(inner, of.member)
    elif of.type_name == "string" and getattr(of, "enum", None):
        assert value in of.enum


def within_limits(told: dict[str, Any]) -> None:
    for name, most in _LIMITS.items():
        assert len(told[name]) <= most, name
    assert all(_TYPE.fullmatch(kind) for kind in told["Types"])
    assert _STAMP.fullmatch(told["CreatedAt"])
    assert len(told["ProductFields"]) <= 50
    assert all(len(k) <= 128 and len(v) <= 2048 for k, v in told["ProductFields"].items())
    for resource in told["Resources"]:
        assert len(resource["Id"]) <= 512
        assert len(resource.get("Region", "")) <= 16
    recommendation = told.get("Remediation", {}).get("Recommendation", {})
    assert len(recommendation.get("Text", "")) <= 512
    assert recommendation.get("Url", "https://").startswith("https://")
    assert len(told.get("Note", {}).get("Text", "")) <= 512
    for reason in told["Compliance"].get("StatusReasons", ()):
        assert len(reason["Description"]) <= 2048
    assert len(told["Compliance"].get("RelatedRequirements", ())) <= 32
    assert len(json.dumps(told).encode()) < _BYTES


def told(**fields: Any) -> Any:
    (only,) = findings_of(audited([finding(**fields)]))
    return only


def test_no_line_has_more_findings_than_a_call_takes_and_none_is_lost() -> None:
    many = audited([finding(resource=f"r{number}") for number in range(2 * MOST_IN_A_CALL + 1)])
    for run, sizes in ((many, [100, 100, 1]), (audited([]), [])):
        lines = [json.loads(line) for line in asff_lines(run)]
        assert [len(line) for line in lines] == sizes
        assert [row for line in lines for row in line] == json.loads("".join(asff(run)))


def test_every_finding_of_every_status_is_there() -> None:
    assert len(findings_of(audited())) == len(EVERY_STATUS)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.PASS, "PASSED"),
        (Status.FAIL, "FAILED"),
        (Status.MANUAL, "WARNING"),
        (Status.UNKNOWN, "WARNING"),
        (Status.NOT_APPLICABLE, "NOT_AVAILABLE"),
    ],
)
def test_a_status_is_the_compliance_status(status: Status, expected: str) -> None:
    compliance = told(status=status)["Compliance"]
    assert compliance["Status"] == expected
    assert compliance["RelatedRequirements"][-1] == "CIS AWS Foundations Benchmark v7.0/6.7"


def test_a_failed_finding_has_its_severity_and_a_passed_one_none() -> None:
    assert told(severity=Severity.CRITICAL)["Severity"]["Label"] == "CRITICAL"
    assert told(severity=Severity.CRITICAL, status=Status.PASS)["Severity"] == {
        "Label": "INFORMATIONAL",
        "Original": "critical",
    }


def test_a_muted_finding_is_suppressed_with_its_reason() -> None:
    muted = told(muted="accepted")
    assert muted["Workflow"] == {"Status": "SUPPRESSED"}
    assert muted["Note"]["Text"] == "muted: accepted"
    assert muted["Compliance"]["Status"] == "FAILED"


def test_the_product_is_the_accounts_own_in_the_home_region_of_the_run() -> None:
    (only,) = findings_of(audited([finding()], home="eu-central-1", partition="aws-us-gov"))
    assert only["ProductArn"] == (
        "arn:aws-us-gov:securityhub:eu-central-1:111122223333:product/111122223333/default"
    )


@pytest.mark.parametrize(
    ("resource", "kind", "named"),
    [
        ("arn:aws:s3:::b", "AwsS3Bucket", "arn:aws:s3:::b"),
        ("arn:aws:iam::111122223333:user/u", "AwsIamUser", "arn:aws:iam::111122223333:user/u"),
        ("arn:aws:iam::111122223333:root", "AwsAccount", "AWS::::Account:111122223333"),
        (None, "AwsAccount", "AWS::::Account:111122223333"),
        ("arn:aws:macie2:eu-west-1:1:x", "Other", "arn:aws:macie2:eu-west-1:1:x"),
        ("no arn", "Other", "no arn"),
        *(
            (f"{_BALANCER}{name}", kind, f"{_BALANCER}{name}")
            for name, kind in (
                ("classic", "AwsElbLoadBalancer"),
                ("app/web/50dc6c495c0c9188", "AwsElbv2LoadBalancer"),
                ("net/web/50dc6c495c0c9188", "AwsElbv2LoadBalancer"),
                ("gwy/web/50dc6c495c0c9188", "AwsElbv2LoadBalancer"),
            )
        ),
    ],
)
def test_a_resource_has_the_kind_that_security_hub_knows(
    resource: str | None, kind: str, named: str
) -> None:
    (only,) = told(resource=resource)["Resources"]
    assert (only["Type"], only["Id"]) == (kind, named)


def test_a_fix_that_does_not_fit_is_named_and_not_cut() -> None:
    assert told(fix="aws x " + "y" * 506)["Remediation"]["Recommendation"]["Text"].endswith("yy")
    text = told(fix="aws x " + "y" * 507)["Remediation"]["Recommendation"]["Text"]
    assert "`aws-iam audit control --id imdsv2`" in text
    assert "yy" not in text


def test_a_region_that_is_none_is_left_out() -> None:
    assert told(region="eu-west-1")["Resources"][0]["Region"] == "eu-west-1"
    assert "Region" not in told(region="x" * 17)["Resources"][0]


def test_hostile_names_stay_within_the_limits() -> None:
    assert findings_of(hostile_run())


def test_two_findings_never_share_an_id() -> None:
    ids = [row["Id"] for row in findings_of(audited([finding()] * 3))]
    assert len(set(ids)) == 3


@settings(max_examples=examples(40))
@given(st.lists(FINDINGS, max_size=3))
def test_whatever_the_text_the_findings_are_valid(findings: list[Finding]) -> None:
    assert len(findings_of(audited(findings))) == len(findings)


def test_related_requirements_are_the_ids_of_every_framework_as_security_hub_writes_them() -> None:
    ids = {"cis": ("6.7",), "pci": ("2.2.6",), "nist": ("AC-3", "AC-6"), "iso27001": ("A.8.20",)}
    related = told(frameworks=ids)["Compliance"]["RelatedRequirements"]
    assert related == [
        "CIS AWS Foundations Benchmark v6.0/6.7",
        "CIS AWS Foundations Benchmark v7.0/6.7",
        "PCI DSS v4.0/2.2.6",
        "ISO/IEC 27001:2022/A.8.20",
        "NIST.800-53.r5 AC-3",
        "NIST.800-53.r5 AC-6",
    ]


def test_the_related_requirements_of_a_chosen_framework_are_its_ids_alone() -> None:
    found = finding(frameworks={"cis": ("6.7",), "pci": ("2.2.6",), "nist": ("AC-3",)})
    (row,) = findings_of(audited([found], framework="pci"))
    assert row["Compliance"]["RelatedRequirements"] == ["PCI DSS v4.0/2.2.6"]
    assert row["ProductFields"]["aws-iam/Number"] == "2.2.6"


def test_more_requirements_than_the_format_takes_stand_whole_in_the_product_fields() -> None:
    many = tuple(f"AC-2({number})" for number in range(1, 41))
    row = told(frameworks={"fsbp": ("EC2.8",), "nist": many})
    related = row["Compliance"]["RelatedRequirements"]
    assert len(related) == 32
    assert "AWS Foundational Security Best Practices v1.0.0/EC2.8" in related
    assert row["ProductFields"]["aws-iam/Framework/nist"] == ", ".join(many)
