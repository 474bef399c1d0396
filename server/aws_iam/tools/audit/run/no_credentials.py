"""The answer to an audit without AWS credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Answer, next_call
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.run.catalogue import section_sizes

if TYPE_CHECKING:
    from aws_iam.errors import AwsError


def without_credentials(error: AwsError) -> Answer:
    """How to connect, and what works without an account."""
    benchmark = catalogue.benchmark()
    return Answer(
        summary=(
            f"AWS could not be read: {error.message}; {error.hint or _CONNECT}. `demo: true` audits "
            "the built-in demonstration account; `audit checklist` lists the "
            f"{len(benchmark.controls)} controls of CIS {benchmark.version}."
        ),
        tool="audit",
        action="run",
        facts={
            "connect": [
                {
                    "way": "a profile",
                    "how": "argument `profile`, or AWS_PROFILE in the environment of the server",
                },
                {
                    "way": "IAM Identity Center",
                    "how": "`aws sso login --profile NAME`, then pass `profile`",
                },
                {
                    "way": "keys",
                    "how": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
                },
                {
                    "way": "a role",
                    "how": "argument `role_arn`, with `external_id` if the role requires one",
                },
                {
                    "way": "no account",
                    "how": "argument `demo: true`",
                },
            ],
            "permissions": "the AWS managed policy SecurityAudit and assets/audit-policy.json",
            "benchmark": benchmark.version,
            "controls": len(benchmark.controls),
            "sections": section_sizes(benchmark),
        },
        next=(
            next_call("audit", "run", "the audit of the demonstration account", demo=True),
            next_call("audit", "checklist", "every control, without an account"),
        ),
        sources=("references/compliance-checklist.md#permissions-for-the-audit",),
        as_of=catalogue.as_of(),
    )


_CONNECT = "give `profile`, or set AWS_PROFILE or access keys in the environment of the server"
