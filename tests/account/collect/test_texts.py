"""Texts of configuration are looked into whole, however they are packed; what cannot be is a miss, never a pass."""

from __future__ import annotations

import base64
import gzip
import json
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import pytest

from aws_iam.account.collect.configuration.build_projects import BUILD_PROJECTS
from aws_iam.account.collect.configuration.launch_templates import LAUNCH_TEMPLATES
from aws_iam.account.collect.configuration.ssm_documents import SSM_DOCUMENTS
from aws_iam.account.collect.configuration.state_machines import STATE_MACHINES
from aws_iam.account.collect.configuration.user_data import USER_DATA
from aws_iam.account.collect.fact import Miss
from helpers.rich_account import RICH
from helpers.scripted_aws import Script

SCRIPT = "#!/bin/bash\nexport DB_PASSWORD='x9!Kq2#Lm'\n"
PADDING = "echo ready; A=b\n" * 6_000


def exposed(fact: Any, **changed: Any) -> Any:
    changes = {name.replace("__", ":"): answer for name, answer in changed.items()}
    aws = Script(RICH | changes).aws()
    (holder, *_) = aws.fact_or_miss(fact, "us-east-1")
    aws.close()
    return holder.exposed


def of_user_data(content: bytes) -> Any:
    value = base64.b64encode(content).decode()
    return exposed(
        USER_DATA,
        ec2__DescribeInstanceAttribute={"InstanceId": "i-1", "UserData": {"Value": value}},
    )


def several(script: str) -> bytes:
    """User data as `cloud-init devel make-mime` writes it: each part in base64."""
    whole = MIMEMultipart()
    whole.attach(MIMEText("#cloud-config\npackages: [jq]\n", "cloud-config", "utf-8"))
    whole.attach(MIMEText(script, "x-shellscript", "utf-8"))
    assert script not in whole.as_string()
    return whole.as_bytes()


def writing(content: bytes, encoding: str) -> bytes:
    """A cloud-config that writes a file."""
    text = base64.b64encode(content).decode()
    return f"""#cloud-config
write_files:
  - path: /etc/plain
    content: ready
  - path: /etc/app
    encoding: {encoding}
    content: {text}
""".encode()


@pytest.mark.parametrize(
    "content",
    [
        SCRIPT.encode(),
        gzip.compress(SCRIPT.encode()),
        gzip.compress((PADDING + SCRIPT).encode()),
        gzip.compress(PADDING.encode()) + gzip.compress(SCRIPT.encode()),
        several(SCRIPT),
        gzip.compress(several(PADDING + SCRIPT)),
        writing(SCRIPT.encode(), "b64"),
        writing(gzip.compress(SCRIPT.encode()), "gz+base64"),
    ],
    ids=[
        *("plain", "compressed", "long", "in two members", "in parts", "long in parts"),
        *("in a file", "in a compressed file"),
    ],
)
def test_a_secret_is_found_however_user_data_is_packed(content: bytes) -> None:
    assert [variable.name for variable in of_user_data(content)] == ["DB_PASSWORD"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(SCRIPT.encode())[:-12], "cannot be unpacked"),
        (b"\x1f\x8b" + SCRIPT.encode(), "cannot be unpacked"),
        (gzip.compress(b"\0" * 3_000_000), "longer than 1,048,576 bytes"),
        (b"Content-Type: multipart/mixed; boundary=a\n\n" * 30, "nested too deeply"),
        (gzip.compress(several(PADDING * 12)), "longer than 1,048,576"),
        (writing(gzip.compress(b"\0" * 3_000_000), "gzip+b64"), "longer than 1,048,576"),
    ],
    ids=["cut", "broken", "far too long", "nested", "long parts", "a long file"],
)
def test_user_data_that_cannot_be_looked_into_is_a_miss(content: bytes, why: str) -> None:
    miss = of_user_data(content)
    assert isinstance(miss, Miss)
    assert why in str(miss)
    assert miss.permission == "ec2:DescribeInstanceAttribute"


def test_a_launch_template_that_cannot_be_unpacked_is_a_miss() -> None:
    data = {"UserData": base64.b64encode(b"\x1f\x8bx").decode()}
    versions = {
        "LaunchTemplateVersions": [{"LaunchTemplateId": "lt-1", "LaunchTemplateData": data}]
    }
    assert isinstance(
        exposed(LAUNCH_TEMPLATES, ec2__DescribeLaunchTemplateVersions=versions), Miss
    )


def definition(states: int) -> dict[str, Any]:
    """A state machine with the secret behind many states."""
    passes = {f"S{number}": {"Type": "Pass", "Comment": "c" * 80} for number in range(states)}
    last = {"Type": "Pass", "Parameters": {"password": "x9!Kq2#Lm"}}
    described = RICH["stepfunctions:DescribeStateMachine"]
    assert isinstance(described, dict)
    return {**described, "definition": json.dumps({"States": {**passes, "Last": last}})}


def test_a_long_definition_is_looked_into_to_its_end() -> None:
    found = exposed(STATE_MACHINES, stepfunctions__DescribeStateMachine=definition(800))
    assert [variable.name for variable in found] == ["password"]


COMMAND = """schemaVersion: '2.2'
parameters:
  dbPassword:
    type: String
    default: 'x9!Kq2#Lm'
  apiTokens:
    type: StringList
    default: ['x9!Kq2#Lm']
  tableName:
    type: String
    default: 'x9!Kq2#Lm'
  adminPassword:
    type: String
    default: '{{ ssm-secure:/prod/admin }}'
mainSteps: []
"""
AUTOMATION = {
    "schemaVersion": "0.3",
    "parameters": {
        "dbPassword": {"type": "String", "default": "x9!Kq2#Lm"},
        "clientSecret": {"type": "String", "default": ""},
    },
    "mainSteps": [],
}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (COMMAND, ["apiTokens", "dbPassword"]),
        (json.dumps(AUTOMATION), ["dbPassword"]),
        ("parameters: [", []),
        ("{", []),
    ],
    ids=["command in YAML", "automation in JSON", "no YAML", "no JSON"],
)
def test_the_default_of_a_parameter_is_judged_by_its_name(content: str, names: list[str]) -> None:
    found = exposed(SSM_DOCUMENTS, ssm__GetDocument={"Content": content})
    assert [variable.name for variable in found] == names


@pytest.mark.parametrize(
    ("fact", "answer"),
    [
        (STATE_MACHINES, {"stepfunctions__DescribeStateMachine": definition(12_000)}),
        (SSM_DOCUMENTS, {"ssm__GetDocument": {"Content": PADDING * 12}}),
        (
            BUILD_PROJECTS,
            {
                "codebuild__BatchGetProjects": {
                    "projects": [
                        {
                            "name": "app",
                            "arn": "arn:aws:codebuild:us-east-1:111122223333:project/app",
                            "source": {"type": "S3", "buildspec": PADDING * 12},
                        }
                    ]
                }
            },
        ),
    ],
    ids=["state machine", "document", "project"],
)
def test_a_text_beyond_what_aws_takes_is_a_miss(fact: Any, answer: dict[str, Any]) -> None:
    miss = exposed(fact, **answer)
    assert isinstance(miss, Miss)
    assert "longer than 1,048,576 characters" in str(miss)
