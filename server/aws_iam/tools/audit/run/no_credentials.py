"""What a caller gets who asked for an audit and gave no way to an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.judge import CHECKS

if TYPE_CHECKING:
    from aws_iam.errors import AwsError


def without_credentials(error: AwsError) -> Answer:
    """What a caller gets who asked for an audit and gave no way to an account: how to connect, and the checklist."""
    benchmark = catalogue.benchmark()
    return Answer(
        summary=(
            f"AWS could not be read: {error.message}; {error.hint or _CONNECT}. `demo: true` (on the command line "
            "`--demo`) audits the built-in demonstration account, the action `checklist` lists the "
            f"{len(benchmark.controls)} controls of CIS {benchmark.version}."
        ),
        tool="audit",
        action="run",
        facts={
            "connect": [
                {
                    "way": "a profile",
                    "how": "argument `profile`, or AWS_PROFILE where the server starts",
                },
                {
                    "way": "IAM Identity Center",
                    "how": "`aws sso login --profile NAME`, then `profile`",
                },
                {
                    "way": "keys",
                    "how": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
                },
                {
                    "way": "a role",
                    "how": "argument `role_arn`, with `external_id` where it is asked for",
                },
                {
                    "way": "no account",
                    "how": "argument `demo: true`, on the command line `--demo`",
                },
            ],
            "permissions": "the AWS managed policy SecurityAudit and assets/audit-policy.json",
            "benchmark": benchmark.version,
            "controls": len(benchmark.controls),
            "sections": section_sizes(benchmark),
        },
        next=("aws-iam audit run --demo", "aws-iam audit checklist"),
        sources=("references/compliance-checklist.md#permissions-for-the-audit",),
        as_of=catalogue.as_of(),
    )


_CONNECT = "give `profile`, or set AWS_PROFILE or access keys where the server starts"


def by_a_person(control: catalogue.Control) -> bool:
    """Whether a run leaves the verdict to a person altogether."""
    return control.verdict == "manual" or control.key not in CHECKS


def section_sizes(benchmark: catalogue.Benchmark) -> list[dict[str, Any]]:
    """How many controls each section of a version has, and how many of them a person decides."""
    rows: dict[str, dict[str, Any]] = {}
    for control in benchmark.controls:
        name = benchmark.section_of(control)
        row = rows.setdefault(name, {"section": name, "controls": 0, "decided_by_a_person": 0})
        row["controls"] += 1
        row["decided_by_a_person"] += by_a_person(control)
    return list(rows.values())
