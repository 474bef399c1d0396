"""An account with planted secrets and decoys, read through boto3 from moto: the secrets are found, the decoys are not."""

from __future__ import annotations

import base64
import io
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from aws_iam.answer import Status, to_json
from aws_iam.tools.secrets.actions import tool
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

REGION = "us-east-1"
CASES = json.loads(
    (TESTS / "cases" / "secrets" / "plaintext-names.json").read_text(encoding="utf-8")
)
PLAIN = "Tr0ub4dor&3"
PLANTED = (
    "ENV-LAMBDA",
    "ENV-USER-DATA",
    "ENV-LAUNCH-TEMPLATE",
    "ENV-CODEBUILD",
    "ENV-SSM-DOCUMENT",
    "ENV-STACK",
    "ENV-STEP-FUNCTIONS",
    "ENV-GLUE",
)


def written(case: dict[str, Any]) -> str:
    parts = case.get("value", [PLAIN])
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


NAMES = {case["name"]: written(case) for case in CASES["names"]}
SHAPES = {f"SETTING_{number}": written(case) for number, case in enumerate(CASES["values"])}
# One name has several decoys.
DECOYS = [(case["name"], written(case)) for case in CASES["decoys"]]


@pytest.fixture(scope="module")
def answer() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        plant()
        found = tool.run(
            {"action": "check", "regions": [REGION], "scope": list(PLANTED)}, cli=True
        )
        yield to_json(found)
        server.stop()


def client(service: str) -> Any:
    return boto3.Session().client(service)  # type: ignore[call-overload]


def plant() -> None:
    role = client("iam").create_role(RoleName="app", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    _functions(role)
    script = "#!/bin/bash\nexport PGPASSWORD='Tr0ub4dor&3'\nDB_PASSWORD=$(aws secretsmanager get-secret-value)\n"
    decoy = (
        '#!/bin/bash\nTOKEN=`cat /run/token`\nexport DB_PASSWORD="${PASSWORD}"\necho password=$1\n'
    )
    ec2 = client("ec2")
    for text in (script, decoy):
        ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, UserData=text)
    for name, text in (("app", script), ("decoy", decoy)):
        data = {"UserData": base64.b64encode(text.encode()).decode()}
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
    for name, value in (("app", PLAIN), ("decoy", "/prod/npm")):
        _build_project(role, name, value)
    for name, value in (("app", PLAIN), ("decoy", "{{ ssm-secure:/prod/db }}")):
        content = {
            "schemaVersion": "2.2",
            "mainSteps": [
                {
                    "name": "run",
                    "action": "aws:runShellScript",
                    "inputs": {"runCommand": [f"mysql --password={value}"]},
                }
            ],
        }
        client("ssm").create_document(
            Name=name, Content=json.dumps(content), DocumentType="Command"
        )
        outputs = {"AdminPassword": {"Value": value}} if name == "app" else {"Url": {"Value": "x"}}
        topic = {"Topic": {"Type": "AWS::SNS::Topic"}}
        client("cloudformation").create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": topic, "Outputs": outputs})
        )
        given = {"apiKey": PLAIN} if name == "app" else {"apiKey.$": "$.key"}
        state = {"Type": "Pass", "Parameters": given, "End": True}
        client("stepfunctions").create_state_machine(
            name=name,
            roleArn=role,
            definition=json.dumps({"StartAt": "A", "States": {"A": state}}),
        )
        client("glue").create_job(
            Name=name,
            Role=role,
            Command={"Name": "glueetl"},
            DefaultArguments={"--db_password": PLAIN}
            if name == "app"
            else {"--TempDir": "s3://t"},
        )


def _functions(role: str) -> None:
    """A function for all names, one for all shapes, and decoys: those of one name in functions of their own."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", "")
    sets: list[dict[str, str]] = [NAMES, SHAPES]
    decoys: list[dict[str, str]] = []
    for name, value in DECOYS:
        holder = next((one for one in decoys if name not in one), None)
        if holder is None:
            decoys.append({name: value})
        else:
            holder[name] = value
    for number, variables in enumerate([*sets, *decoys]):
        client("lambda").create_function(
            FunctionName=f"{'planted' if number < len(sets) else 'decoy'}-{number}",
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": variables},
        )


def _build_project(role: str, name: str, value: str) -> None:
    client("codebuild").create_project(
        name=name,
        source={"type": "S3", "location": "bucket/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "NPM_TOKEN", "value": value, "type": "PLAINTEXT"}],
        },
        serviceRole=role,
    )


def failed(answer: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [
        finding
        for finding in answer["findings"]
        if finding["code"] == code and finding["status"] == Status.FAIL
    ]


def test_every_planted_name_and_shape_is_found(answer: dict[str, Any]) -> None:
    found = {finding["message"].split("`")[1] for finding in failed(answer, "ENV-LAMBDA")}
    assert found == {*NAMES, *SHAPES}


def test_decoys_are_silent(answer: dict[str, Any]) -> None:
    places = {finding["resource"].rpartition(":")[2] for finding in failed(answer, "ENV-LAMBDA")}
    assert not [place for place in places if place.startswith("decoy")]


@pytest.mark.parametrize("code", PLANTED[1:])
def test_every_place_is_looked_into_and_its_decoy_passes(
    answer: dict[str, Any], code: str
) -> None:
    (finding,) = [finding for finding in answer["findings"] if finding["code"] == code]
    assert finding["status"] == Status.FAIL
    assert "decoy" not in finding["resource"]


def test_no_value_is_in_the_answer(answer: dict[str, Any]) -> None:
    text = json.dumps(answer)
    values = {*NAMES.values(), *SHAPES.values()}
    assert not [value for value in values if value in text or json.dumps(value)[1:-1] in text]
