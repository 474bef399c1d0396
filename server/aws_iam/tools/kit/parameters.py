"""Arguments that several actions share."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from aws_iam.answer import Severity
from aws_iam.engine.reference import frameworks
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.kit.tool import Json, Parameter

SEVERITIES = tuple(severity.value for severity in Severity)
"""AWS's four for policy validation and the five for everything else; each of AWS's ranks like one of the five."""
NEVER = "never"
"""In the place of a severity: no finding makes a command or a test fail."""

TRUST_POLICY_NAMES = (
    "trust_policy",
    "policy",
    "policy_document",
    "assume_role_policy_document",
    "assume_role_policy",
)
"""Other names of an argument that holds a role's trust policy."""
KEY_POLICY_NAMES = ("key_policy", "policy", "policy_document")
ACCOUNT_NAMES = ("account_id", "account_number", "aws_account", "aws_account_id")

Topic = Annotated[
    str | None,
    Parameter(
        "section, or what it is about; absent: contents",
        brief="words",
        also=("section", "subject", "query", "question"),
        by_position=True,
    ),
]
TrustPolicy = Annotated[
    Json,
    Parameter(
        "trust policy: JSON value or text, also of get-role",
        brief="trust policy",
        document=True,
        policies=True,
        also=TRUST_POLICY_NAMES,
        by_position=True,
    ),
]
KeyPolicy = Annotated[
    Json,
    Parameter(
        "key policy: JSON value or text",
        brief="key policy",
        document=True,
        policies=True,
        also=KEY_POLICY_NAMES,
        by_position=True,
    ),
]
BENCHMARK = Parameter(
    "CIS version, such as 3.0; default newest",
    brief="CIS version",
    also=("version", "cis_version", "cis", "standard", "cis_benchmark"),
)
Benchmark = Annotated[str | None, BENCHMARK]
FRAMEWORK = Parameter(
    "framework whose ids are shown; default CIS",
    brief="",
    choices=frameworks.names,
    synonyms={
        "aws foundational security best practices": "fsbp",
        "foundational security best practices": "fsbp",
        "security hub": "fsbp",
        "pci dss": "pci",
        "pci dss 4.0": "pci",
        "pci dss 4.0.1": "pci",
        "nist 800-53": "nist",
        "nist sp 800-53": "nist",
        "soc 2": "soc2",
        "iso": "iso27001",
        "iso 27001": "iso27001",
        "iso 27001:2022": "iso27001",
    },
    also=("compliance", "compliance_framework"),
)
Framework = Annotated[str | None, FRAMEWORK]
ACCOUNT_ID = Parameter("12-digit account id", brief="id", also=ACCOUNT_NAMES)
AccountId = Annotated[str, ACCOUNT_ID]


@slotted
class Connection:
    """How to reach AWS: by the default credential chain, a profile, or a role to assume."""

    profile: Annotated[
        str | None, Parameter("AWS profile", brief="", also=("aws_profile", "profile_name"))
    ] = None
    regions: Annotated[
        list[str] | None,
        Parameter("Region to ask", brief="", also=("region", "aws_region", "aws_regions")),
    ] = None
    role_arn: Annotated[
        str | None,
        Parameter("role to assume", brief="", also=("assume_role", "assume_role_arn")),
    ] = None
    external_id: Annotated[str | None, Parameter("external id for role_arn", brief="")] = None


def refuse_connection_without_online(connection: Connection, *, online: bool) -> None:
    """Refuse account arguments without `online`: they would have no effect, but suggest that AWS was asked."""
    stated = [field.name for field in fields(connection) if getattr(connection, field.name)]
    if stated and not online:
        raise InputError(f"`{stated[0]}` needs `online`")


@slotted
class Source(Connection):
    """The account to read: live from AWS, a saved snapshot, or the demonstration account."""

    regions: Annotated[
        list[str] | None,
        Parameter(
            "Regions; absent: all enabled", brief="", also=("region", "aws_region", "aws_regions")
        ),
    ] = None
    demo: Annotated[
        bool,
        Parameter(
            "judge the demonstration account",
            brief="",
            also=("demonstration", "demo_account", "use_demo", "demo_mode"),
        ),
    ] = False
    snapshot: Annotated[str | None, Parameter("saved snapshot to judge", cli_only=True)] = None
