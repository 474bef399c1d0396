"""Generated scripts are run: those of CI jobs in a shell, those that create a role with the AWS CLI against an emulator."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
import yaml
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import RSAKey

from aws_iam.tools.irsa.actions import tool
from helpers.documented_commands import commands
from helpers.ministack import ACCOUNT, REGION, client, ministack
from helpers.provider_cases import cases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
TOKEN = "header.payload.signature"
# Stands for the AWS CLI: it says what it was called with, and as whom.
AWS = 'echo "aws $* as $AWS_ROLE_ARN, $AWS_ROLE_SESSION_NAME, in $AWS_REGION by $AWS_WEB_IDENTITY_TOKEN_FILE"'


def at(document: Any, path: list[str | int]) -> Any:
    """The part of the document at the end of the path."""
    for step in path:
        document = document[step]
    return document


def job_of(case: dict[str, Any], text: str) -> tuple[str, dict[str, str]]:
    """The script of the generated file and its environment, as the CI system hands them to a shell."""
    document = yaml.safe_load(text)
    script = at(document, case["script"])
    script = script if isinstance(script, str) else "\n".join(script)
    if "replace" in case:
        script = script.replace(*case["replace"])
    given = {name: value.replace("TOKEN", TOKEN) for name, value in case["given"].items()}
    return script, {
        **at(document, case["environment"]),
        **given,
    } if "environment" in case else given


@pytest.mark.parametrize("case", cases("jobs"), ids=lambda case: case["name"])
def test_a_job_passes_the_token_in_a_private_file_and_prints_nothing_of_it(
    case: dict[str, Any], tmp_path: Path
) -> None:
    answer = tool.run({"action": "manifest", "role": ROLE, **case["arguments"]})
    text = answer.artifacts[0].content.replace("/tmp/", f"{tmp_path}/")  # noqa: S108 - the generated place
    script, env = job_of(case, text)
    programs = tmp_path / "bin"
    programs.mkdir()
    for program, body in {"aws": AWS, **case.get("programs", {})}.items():
        code = f"#!/bin/sh\n{body.replace('TOKEN', TOKEN) if program != 'aws' else body}\n"
        (programs / program).write_text(code, encoding="utf-8")
        (programs / program).chmod(0o755)
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        env={**env, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    provider = case["arguments"]["provider"]
    (written,) = tmp_path.glob("aws-token*")
    assert written.read_text(encoding="utf-8") == TOKEN
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert TOKEN not in done.stdout + done.stderr
    assert done.stdout.startswith(f"aws sts get-caller-identity as {ROLE}, {provider}-")
    assert done.stdout.endswith(f"in eu-west-1 by {written}\n")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as address:
        yield address


def set_up(url: str, answer: Any, folder: Path) -> None:
    """Runs the commands as a reader would, in a folder with all the files."""
    for artifact in answer.artifacts:
        (folder / artifact.name).write_text(artifact.content, encoding="utf-8")
    script = next(file.content for file in answer.artifacts if file.name == "provider.sh")
    for words in commands(script):
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *words[1:], "--endpoint-url", url],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": REGION,
            },
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"


def test_the_commands_make_a_role_that_takes_this_jobs_token_alone(
    url: str, tmp_path: Path
) -> None:
    names = {"owner": "g", "repository": "r", "branch": "main"}
    answer = tool.run(
        {"action": "trust_policy", "provider": "gitlab", "account": ACCOUNT, **names}
    )
    set_up(url, answer, tmp_path)
    iam = client(url, "iam")
    provider = iam.get_open_id_connect_provider(
        OpenIDConnectProviderArn=answer.facts["provider_arn"]
    )
    # An audience that is an address stays one: nothing is fetched.
    assert provider["ClientIDList"] == ["https://gitlab.com"]
    role = iam.get_role(RoleName="GitLabJobRole")["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(answer.artifacts[0].content)

    def assumed(**other: str) -> bool:
        said = {
            "iss": "https://gitlab.com",
            "sub": answer.facts["subject"],
            "aud": answer.facts["audience"],
            "exp": 4_000_000_000,
            "iat": 1_700_000_000,
            **other,
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, said, key())
        try:
            client(url, "sts", signed=False).assume_role_with_web_identity(
                RoleArn=role["Arn"], RoleSessionName="job", WebIdentityToken=token
            )
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDenied"  # noqa: PT017
            return False
        return True

    assert assumed()
    assert not assumed(sub="project_path:g/r:ref_type:branch:ref:main2")
    assert not assumed(aud="https://gitlab.example.com")


@cache
def key() -> RSAKey:
    # At its first use: most processes that collect the file need none.
    return RSAKey.generate_key(2048, {"kid": "one"})


def test_the_commands_make_an_association_with_its_target_role(url: str, tmp_path: Path) -> None:
    iam, eks = client(url, "iam"), client(url, "eks")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip
    cluster_role = iam.create_role(RoleName="cluster", AssumeRolePolicyDocument=json.dumps(trust))[
        "Role"
    ]
    eks.create_cluster(
        name="shop", roleArn=cluster_role["Arn"], resourcesVpcConfig={"subnetIds": ["subnet-1"]}
    )
    target = f"arn:aws:iam::{ACCOUNT}:role/reports"
    names = {"namespace": "tills", "service_account": "cart", "target_role": target}
    cluster = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/shop"
    answer = tool.run(
        {"action": "trust_policy", "provider": "pod_identity", "account": ACCOUNT, "cluster": cluster, **names}
    )  # fmt: skip
    set_up(url, answer, tmp_path)
    (listed,) = eks.list_pod_identity_associations(clusterName="shop")["associations"]
    found = eks.describe_pod_identity_association(
        clusterName="shop", associationId=listed["associationId"]
    )["association"]
    assert found["namespace"] == "tills"
    assert found["serviceAccount"] == "cart"
    assert found["targetRoleArn"] == target
    role = iam.get_role(RoleName=found["roleArn"].rpartition("/")[2])["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(answer.artifacts[0].content)
    needed = iam.get_role_policy(RoleName=role["RoleName"], PolicyName="AssumeTargetRole")
    assert needed["PolicyDocument"]["Statement"][0]["Resource"] == target
    assert "eks-pod-identity-agent" in eks.list_addons(clusterName="shop")["addons"]


# What STS answers, as the AWS CLI hands it to --query.
ANSWER = {
    "Credentials": {
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "secret",
        "SessionToken": "session",
        "Expiration": "2999-01-01T00:00:00+00:00",
    },
    "Provider": "x",
}
# Stands for the AWS CLI: it takes the token from its standard input, and answers the query.
EXCHANGE = """#!{python}
import json, os, sys
import jmespath
words = sys.argv[1:]
assert words[:2] == ["sts", "assume-role-with-web-identity"], words
assert "AWS_PROFILE" not in os.environ and os.environ["AWS_CONFIG_FILE"] == "/dev/null"
token = open(words[words.index("--web-identity-token") + 1].removeprefix("file://")).read()
assert token == "{token}" and "{token}" not in words, token
print(json.dumps(jmespath.search(words[words.index("--query") + 1], {answer!r})))
"""


@pytest.mark.parametrize(
    ("arguments", "program", "asked"),
    [
        (
            {
                "provider": "entra",
                "tenant": "bbbbbbbb-1111-2222-3333-444444444444",
                "application": "api://aws-federation",
                "subject": "99999999-8888-7777-6666-555555555555",
            },
            "az",
            "account get-access-token --resource api://aws-federation --query accessToken --output tsv",
        ),
        (
            {
                "provider": "google",
                "subject": "113355779911335577991",
                "audience": "https://aws.octo.example",
            },
            "gcloud",
            "auth print-identity-token --audiences https://aws.octo.example",
        ),
    ],
)
def test_a_profile_gets_credentials_from_its_script(
    arguments: dict[str, Any],
    program: str,
    asked: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = tool.run({"action": "manifest", "role": ROLE, **arguments})
    files = {artifact.name: str(artifact.content) for artifact in answer.artifacts}
    script = tmp_path / "aws-workload-credentials"
    for name, text in {
        script.name: files[script.name],
        program: f'#!/bin/sh\n[ "$*" = {shlex.quote(asked)} ] && echo {TOKEN}\n',
        "aws": EXCHANGE.format(python=sys.executable, token=TOKEN, answer=ANSWER),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(stat.S_IRWXU)
    config = tmp_path / "config"
    at_home = files["aws-config"].replace("/usr/local/bin/", f"{tmp_path}/")
    config.write_text(at_home, encoding="utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("AWS_PROFILE", "workload")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    credentials = botocore.session.Session().get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.token) == ("ASIAEXAMPLE", "session")
    assert credentials.method == "custom-process"
