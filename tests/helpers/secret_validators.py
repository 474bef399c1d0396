"""The validators of generated files: real ones, offline; each raises or answers with what is wrong."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awscli.clidriver
import botocore.session
import hcl2
import jsonschema
import kubernetes_validate
import yaml
from botocore.validate import validate_parameters
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner

import aws_iam
from aws_iam.answer import Severity
from helpers.documented_commands import commands
from helpers.folders import TESTS
from helpers.languages import csharp, go, java, python, typescript

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = TESTS / "schemas"
KUBERNETES = "1.33"
# https://github.com/aws/aws-secretsmanager-agent#configure-the-secrets-manager-agent
AGENT_SETTINGS = {
    "log_level", "log_to_file", "http_port", "region", "ttl_seconds", "cache_size", "ssrf_headers", "ssrf_env_variables",
    "path_prefix", "max_conn",
}  # fmt: skip


class _Parsed(BaseException):
    """The command line was parsed and its parameters fit; raised before anything is sent."""


def policy(content: str) -> None:
    """`policy validate`: nothing that AWS would refuse or warn of."""
    document = json.loads(content)
    kind = "trust" if "Principal" in document["Statement"][0] else "identity"
    found = aws_iam.validate(document, kind)
    # A pattern of releases is the caller's choice; whether AWS warns of it behind a full repository is not known.
    chosen = {"SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED"}
    serious = [
        finding
        for finding in found
        if finding.severity is not Severity.SUGGESTION
        and not (finding.code in chosen and finding.confidence == "low")
    ]
    assert not serious, serious


@cache
def cfn_lint() -> Runner:
    """cfn-lint with its rules loaded; left to itself it loads them anew for each template, which takes most of its time."""
    return Runner(ConfigMixIn(regions=["eu-west-1"]))


def cloudformation(content: str) -> None:
    """cfn-lint, and what it misses: a schedule in two ways at once."""
    template, errors = decode_str(content)
    found = [*errors, *cfn_lint().validate_template(template or {})]
    assert found == [], found
    rules = [line for line in content.splitlines() if "RotationRules" in line]
    assert not any(
        "AutomaticallyAfterDays" in rule and "ScheduleExpression" in rule for rule in rules
    )


def terraform(content: str) -> None:
    """python-hcl2: the syntax."""
    assert hcl2.loads(content)


def shell(content: str) -> None:
    """The AWS CLI's own parser: options, types and required parameters of every command."""
    found = [words for words in commands(_without_substitution(content)) if words[0] == "aws"]
    assert found
    for words in found:
        _parse(tuple(words[1:]))


def checked_shell(content: str) -> None:
    """The AWS CLI's own parser, the shell's, and shellcheck where it is installed, which `test_review_in_ci` makes sure of in CI."""
    shell(content)
    for words in (["bash", "-n"], ["shellcheck", "-"]):
        if shutil.which(words[0]):
            done = subprocess.run(
                words, input=content, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr


def rotated_secret(content: str) -> None:
    """The fields that AWS's functions ask for, as its page on the structure of secrets lists them."""
    fields = json.loads(content)
    assert {"engine", "host", "port", "username", "password"} <= set(fields)


def _without_substitution(content: str) -> str:
    """The same script with `NAME=$(command)` as the command alone."""
    lines = []
    for line in content.splitlines():
        name, found, rest = line.partition("=$(")
        lines.append(rest.removesuffix(")") if found and name.isidentifier() else line)
    return "\n".join(lines)


@cache
def _driver() -> Any:
    def parsed(**_: Any) -> None:
        raise _Parsed

    driver: Any = awscli.clidriver.create_clidriver()
    driver.session.set_credentials("AKIATEST", "test")
    driver.session.register("before-call", parsed)
    return driver


@cache
def _template() -> str:
    """A template, as `cloudformation deploy` reads one before it calls."""
    path = Path(tempfile.mkdtemp()) / "template.yaml"
    path.write_text("Resources: {}\n", encoding="utf-8")
    return str(path)


@cache
def _archive() -> str:
    """An empty archive, as the command line demands one."""
    path = Path(tempfile.mkdtemp()) / "code.zip"
    zipfile.ZipFile(path, "w").close()
    return f"fileb://{path}"


# Many files have the same commands.
@cache
def _parse(words: tuple[str, ...]) -> None:
    try:
        status = _driver().main([_inlined(word) for word in words])
    except _Parsed:
        return
    message = f"{shlex.join(words)}: exit {status}"
    raise AssertionError(message)


def _inlined(word: str) -> str:
    """Files that the commands name stand beside them at the reader's; here something of their kind."""
    if word == "file:///dev/stdin":
        return "from standard input"
    if word.startswith("file://"):
        return "{}"
    if word.endswith(".yaml"):
        return _template()
    return _archive() if word.startswith("fileb://") else word


def kubernetes(content: str) -> None:
    """kubernetes-validate, strict, for the kinds of Kubernetes itself."""
    for document in yaml.safe_load_all(content):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def custom_resource(content: str) -> None:
    """Our schemas of the custom resources, after their projects' own definitions."""
    schemas = json.loads((SCHEMAS / "custom-resources.json").read_text(encoding="utf-8"))
    for document in yaml.safe_load_all(content):
        jsonschema.validate(document, schemas[document["kind"]])
        if document["kind"] == "SecretProviderClass":
            objects = yaml.safe_load(document["spec"]["parameters"]["objects"])
            jsonschema.validate(objects, schemas["objects"])


def task_definition(content: str) -> None:
    """The model of RegisterTaskDefinition."""
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    validate_parameters(json.loads(content), shape)


def agent(content: str) -> None:
    """A TOML parser, and the settings that the agent knows."""
    settings = tomllib.loads(content)
    assert set(settings) <= AGENT_SETTINGS
    assert 0 <= settings["ttl_seconds"] <= 3600
    assert 1024 <= settings["http_port"] <= 65535


VALIDATORS: dict[str, Callable[[str], None]] = {
    "policy validate, evaluate": policy,
    "cfn-lint": cloudformation,
    "python-hcl2": terraform,
    "awscli's parser": shell,
    "kubernetes-validate (strict)": kubernetes,
    "a JSON schema of the custom resource": custom_resource,
    "botocore's model of RegisterTaskDefinition, moto": task_definition,
    "a TOML parser and the agent's list of settings": agent,
    "compiled and run against moto, with a local server as extension or agent: a rotated secret, a failed authentication, no value in any output": python,
    "type-checked with tsc (strict) and run in Node.js against moto, with a local server as extension or agent: a rotated secret, a failed authentication, no value in any output": typescript,
    "tree-sitter's parser of Java; neither compiled nor run": java,
    "tree-sitter's parser of Go; neither compiled nor run": go,
    "tree-sitter's parser of C#; neither compiled nor run": csharp,
    "its four steps run against moto and a local server": python,
    "awscli's parser, shellcheck": checked_shell,
    "the fields that AWS's function reads": rotated_secret,
}
"""By what an artifact says of itself (`checked_by`): who proves it."""
