"""`secrets snippet`: every file passes its validator; every program runs: cached, refused, refetched, never shown."""

from __future__ import annotations

import json
import re
import types
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from aws_lambda_powertools.utilities import parameters
from aws_secretsmanager_caching.cache.items import SecretCacheObject
from moto import mock_aws

import aws_iam
from aws_iam.errors import InputError
from aws_iam.tools.secrets.actions import tool
from aws_iam.tools.secrets.rotation import managed_services
from aws_iam.tools.secrets.snippet import snippets
from helpers.secret_programs import (
    IN_PROCESS,
    NAME,
    NEW,
    OLD,
    STORES,
    cache,
    parameter_of,
    secret_of,
    snippets_in,
    text,
)
from helpers.secret_validators import VALIDATORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

ALL = snippets_in()
PYTHON = [snippet for snippet in snippets() if snippet.language == "python"]
ARN = "arn:aws:secretsmanager:eu-central-1:444455556666:secret:prod/app/db-a1B2c3"
PARAMETER_ARN = "arn:aws:ssm:eu-central-1:444455556666:parameter/prod/app/db"


def run(**arguments: Any) -> Any:
    return tool.run({"action": "snippet", **arguments})


def of(snippet: Any, **more: Any) -> Any:
    return run(
        runtime=snippet.runtime,
        store=snippet.store,
        style=snippet.style,
        language=snippet.language,
        **more,
    )


def file(answer: Any, name: str) -> str:
    return next(str(artifact.content) for artifact in answer.artifacts if artifact.name == name)


@pytest.mark.parametrize("snippet", ALL)
def test_every_file_is_taken_by_its_validator(snippet: Any) -> None:
    arn = ARN if snippet.store == "secrets_manager" else PARAMETER_ARN
    for answer in (of(snippet), of(snippet, secret=arn)):
        for artifact in answer.artifacts:
            assert "{{" not in artifact.content
            VALIDATORS[artifact.checked_by or ""](artifact.content)


PROGRAMS = {"java": "AppSecret.java", "go": "appsecret.go", "dotnet": "AppSecret.cs"}
MESSAGE = re.compile(r"(?:new \w*Exception|errors\.New|fmt\.Errorf)\((.*)")
FIXED = re.compile(
    r'"[^"%]*"\)|"[^"%]*" \+ answer\.statusCode\(\)\)|"[^"%]*%d", answer\.StatusCode\)'
)


@pytest.mark.parametrize("language", ["java", "go", "dotnet"])
def test_no_message_of_an_error_is_made_of_what_was_read(language: str) -> None:
    contents = {
        content
        for snippet in snippets()
        if snippet.language == language
        for content in [file(of(snippet), PROGRAMS[language])]
    }
    messages = [message for content in contents for message in MESSAGE.findall(content)]
    assert len(messages) >= len(contents)
    assert [message for message in messages if not FIXED.match(message)] == []


def test_every_generated_file_names_a_validator() -> None:
    named = {file.checked_by for snippet in snippets() for file in snippet.files}
    for target in (*managed_services(), "external", "custom"):
        for form in ("cli", "cloudformation", "terraform"):
            answer = tool.run({"action": "rotation", "target": target, "format": form})
            named |= {artifact.checked_by for artifact in answer.artifacts}
    hosted = {"target": "redshift", "user": "application", "format": "terraform"}
    answer = tool.run({"action": "rotation", **hosted})
    named |= {artifact.checked_by for artifact in answer.artifacts}
    assert named == set(VALIDATORS)


def test_every_runtime_and_store_has_a_snippet_and_a_usual_one() -> None:
    languages = tool.arguments(cli=False)["language"].choices
    for runtime in ("lambda", "ecs", "eks", "ec2"):
        for store in ("secrets_manager", "parameter_store"):
            for language in languages:
                answer = run(runtime=runtime, store=store, language=language)
                assert answer.facts["style"] == answer.facts["styles"][0]
    assert run(runtime="lambda").facts["language"] == "python"
    styles = {snippet.style for snippet in snippets()}
    assert styles == set(tool.arguments(cli=False)["style"].choices)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runtime": "ec2", "style": "powertools"}, "there is no `powertools` for `ec2`"),
        ({"runtime": "eks", "store": "parameter_store", "style": "agent"}, "there is no `agent`"),
        (
            {"runtime": "lambda", "style": "powertools", "language": "go"},
            "in Go: Powertools for AWS Lambda exists for Python, TypeScript, Java and .NET only",
        ),
        (
            {"runtime": "ec2", "style": "library", "language": "typescript"},
            "in TypeScript: AWS publishes no caching library for Node.js",
        ),
        (
            {"runtime": "lambda", "store": "parameter_store", "style": "library"},
            "there is no `library` for `lambda` and `parameter_store` in Python",
        ),
        ({"runtime": "lambda", "secret": 'x"; import os #'}, "`secret` is not well formed"),
        ({"runtime": "lambda", "secret": PARAMETER_ARN}, "is not an ARN of this store"),
        (
            {
                "runtime": "lambda",
                "store": "parameter_store",
                "language": "go",
                "secret": "app/db",
            },
            "`secret` `app/db` is no name of a parameter: one with a path begins with a slash",
        ),
        ({"runtime": "lambda", "secret": "a" * 5_000}, "`secret` is not well formed"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        run(**arguments)
    assert message in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [(ARN, "Allowed"), (ARN.replace("db-a1B2c3", "db-other-a1B2c3"), "ImplicitlyDenied")],
)
def test_the_reader_reads_one_secret_alone(resource: str, outcome: str) -> None:
    policy = json.loads(file(run(runtime="lambda", secret=ARN), "read-secret.json"))
    request = {
        "principal": "arn:aws:iam::444455556666:role/app",
        "action": "secretsmanager:GetSecretValue",
        "resource": resource,
    }
    assert aws_iam.evaluate(request, {"identity": policy}).outcome == outcome
    writing = {**request, "action": "secretsmanager:PutSecretValue"}
    assert aws_iam.evaluate(writing, {"identity": policy}).outcome == "ImplicitlyDenied"


@pytest.mark.parametrize("name", ["/prod/app/db", PARAMETER_ARN])
def test_the_slash_of_a_parameters_path_is_written_once(name: str) -> None:
    policy = file(run(runtime="ec2", store="parameter_store", secret=name), "read-parameter.json")
    assert ":parameter/prod/app/db" in policy


def test_a_container_takes_the_whole_arn_of_its_secret() -> None:
    task = json.loads(file(run(runtime="ecs", secret=ARN), "task-definition.json"))
    (container,) = task["containerDefinitions"]
    assert container["secrets"] == [{"name": "APP_SECRET", "valueFrom": ARN}]
    assert [variable["name"] for variable in container["environment"]] == ["APP_SECRET_ID"]


@pytest.mark.parametrize("store", ["secrets_manager", "parameter_store"])
@pytest.mark.usefixtures("aws")
def test_ecs_registers_the_task_definition(store: str) -> None:
    task = json.loads(file(run(runtime="ecs", store=store), "task-definition.json"))
    made: Any = boto3.client("ecs").register_task_definition(**task)
    assert made["taskDefinition"]["revision"] == 1


@pytest.mark.parametrize(
    "snippet", snippets_in("python", {"ascp", "external_secrets", "agent"}, runtime="eks")
)
def test_a_pod_finds_its_files_where_the_code_looks(snippet: Any) -> None:
    answer = of(snippet)
    code = file(answer, "app_secret.py")
    manifests = [
        document
        for artifact in answer.artifacts
        if artifact.language == "yaml"
        for document in yaml.safe_load_all(artifact.content)
    ]
    (deployment,) = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    (app,) = deployment["spec"]["template"]["spec"]["containers"]
    mounts = {mount["mountPath"] for mount in app["volumeMounts"]}
    looked_at = "/agent" if snippet.style == "agent" else "/mnt/secrets"
    assert mounts == {looked_at}
    assert looked_at == "/agent" or looked_at in code
    assert all("subPath" not in mount for mount in app["volumeMounts"])


class RefusedError(Exception):
    """The database does not take the password."""


def use(credential: dict[str, str]) -> str:
    if credential["password"] != NEW:
        raise RefusedError
    return credential["password"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "session-token",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "APP_SECRET": text(OLD),
        "APP_SECRET_ID": NAME,
    }.items():
        monkeypatch.setenv(name, value)
    # Powertools keeps what it read for the whole process.
    parameters.clear_caches()
    with mock_aws():
        yield


def loaded(snippet: Any) -> Any:
    code = file(of(snippet, secret=NAME), "app_secret.py")
    module: Any = types.ModuleType("app_secret")
    exec(compile(code, "app_secret.py", "exec"), module.__dict__)  # noqa: S102 - our own asset
    return module


def shows_nothing(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    shown = "".join(capsys.readouterr()) + caplog.text
    assert OLD not in shown
    assert NEW not in shown


def refreshes(module: Any, store: str) -> None:
    """The old value is kept after a rotation; a refusal brings the new one; it stays."""
    assert module.secret()["password"] == OLD
    STORES[store](NEW)
    assert module.secret()["password"] == OLD
    assert module.with_secret(use, RefusedError) == NEW
    assert module.secret()["password"] == NEW


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("snippet", snippets_in("python", IN_PROCESS))
def test_a_program_keeps_the_secret_and_fetches_it_anew_when_it_is_refused(
    snippet: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # AWS's library waits some seconds before it refreshes.
    monkeypatch.setattr(SecretCacheObject, "FORCE_REFRESH_JITTER_SLEEP", 10)
    STORES[snippet.store](OLD)
    refreshes(loaded(snippet), snippet.store)
    shows_nothing(capsys, caplog)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "snippet",
    snippets_in("python", {"extension", "agent"}),
)
def test_a_program_asks_the_local_cache_with_its_token_and_goes_past_it_when_it_is_refused(
    snippet: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    STORES[snippet.store](OLD)
    token = tmp_path / "token"
    token.write_text("session-token\n", encoding="utf-8")
    with cache("session-token") as port:
        monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)
        monkeypatch.setenv("SECRETS_MANAGER_AGENT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SECRETS_MANAGER_AGENT_TOKEN", str(token))
        module = loaded(snippet)
        assert module.secret()["password"] == OLD
        STORES[snippet.store](NEW)
        assert module.secret()["password"] == OLD
        assert module.with_secret(use, RefusedError) == NEW
    shows_nothing(capsys, caplog)


@pytest.mark.parametrize(
    "snippet",
    snippets_in("python", {"ascp", "external_secrets"}),
)
def test_a_mounted_secret_is_read_anew_when_its_file_has_changed(
    snippet: Any, tmp_path: Path
) -> None:
    module = loaded(snippet)
    module.FILE = tmp_path / "app.json"
    module.FILE.write_text(text(OLD), encoding="utf-8")
    waited: list[int] = []

    def wait(seconds: int) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            module.FILE.write_text(text(NEW), encoding="utf-8")

    assert module.with_secret(use, RefusedError, wait) == NEW
    assert waited == [1, 1, 1]
    module.FILE.write_text(text(OLD), encoding="utf-8")
    waited[:] = [0] * 3
    with pytest.raises(RefusedError):
        module.with_secret(use, RefusedError, wait)
    assert len(waited) == 3 + module.LONGEST_WAIT


@pytest.mark.usefixtures("aws")
def test_a_kept_parameter_grows_old() -> None:
    (snippet,) = [
        snippet
        for snippet in PYTHON
        if (snippet.runtime, snippet.store) == ("ec2", "parameter_store")
    ]
    parameter_of(OLD)
    module = loaded(snippet)
    assert module.secret()["password"] == OLD
    parameter_of(NEW)
    module.LIFETIME = 0.0
    assert module.secret()["password"] == NEW


@pytest.mark.usefixtures("aws")
def test_what_a_caller_does_to_the_secret_stays_the_callers() -> None:
    secret_of(OLD)
    for snippet in PYTHON:
        if snippet.style in {"library", "powertools"} and snippet.store == "secrets_manager":
            module = loaded(snippet)
            module.secret()["password"] = "changed"
            assert module.secret()["password"] == OLD


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("style", ["library", "powertools"])
def test_a_binary_secret_is_no_text_and_no_silent_none(style: str) -> None:
    boto3.client("secretsmanager").create_secret(Name=NAME, SecretBinary=b"\x00\xff")
    (snippet,) = [
        snippet
        for snippet in PYTHON
        if (snippet.runtime, snippet.style, snippet.store) == ("lambda", style, "secrets_manager")
    ]
    with pytest.raises(Exception, match=r"binary|transform|JSON|decode"):
        loaded(snippet).secret()
