"""A secret on moto in the middle of a rotation, and the rotation function that we generate, loaded for it."""

from __future__ import annotations

import json
import os
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from aws_iam.tools.secrets.rotation_function import function_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
VERSIONS = tuple("0" * 31 + str(number) for number in range(1, 4))


class Crash(Exception):  # noqa: N818 - no error of the product
    """The function dies at this call."""


class FailingOnce:
    """A client whose named operation fails once: before it has an effect, or after."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.failing = ""
        self.after = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name != self.failing:
            return method

        def failing(**arguments: Any) -> Any:
            self.failing = ""
            if self.after:
                method(**arguments)
            raise Crash(name)

        return failing


class RotatingSecret:
    """A secret, and the function that rotates it step by step."""

    def __init__(self, text: str, system: str, environment: Mapping[str, str]) -> None:
        self._client: Any = boto3.client("secretsmanager")
        made = self._client.create_secret(Name="prod/app/db", SecretString=text)
        self.arn: str = made["ARN"]
        self.current_version: str = made["VersionId"]
        self._previous_version = ""
        self.module: Any = types.ModuleType("rotation_function")
        code = compile(function_code(system), "rotation_function.py", "exec")
        with _environment(environment):
            exec(code, self.module.__dict__)  # noqa: S102 - our own asset
        self.client = FailingOnce(self.module.SECRETS)
        self.module.SECRETS = self.client
        self.version = ""

    def begin(self, version: str = VERSIONS[0]) -> None:
        """Do what RotateSecret does before it calls the function."""
        self._client.rotate_secret(
            SecretId=self.arn,
            ClientRequestToken=version,
            RotationRules={"AutomaticallyAfterDays": 30},
        )
        # Moto makes the new version current by itself; as AWS has it, it waits without a value.
        self._move("AWSCURRENT", self.current_version)
        self._move("AWSPREVIOUS", self._previous_version)
        self._move("AWSPENDING", version)
        self.version = version

    def _move(self, label: str, to: str) -> None:
        """Attach the label to that version alone; to none if it is empty."""
        holder = next((version for version, names in self.labels.items() if label in names), "")
        if holder == to:
            return
        removed = {"RemoveFromVersionId": holder} if holder else {}
        moved = {"MoveToVersionId": to} if to else {}
        self._client.update_secret_version_stage(
            SecretId=self.arn, VersionStage=label, **removed, **moved
        )

    def step(self, name: str, version: str = "") -> None:
        """One call of the function."""
        event = {
            "SecretId": self.arn,
            "ClientRequestToken": version or self.version,
            "Step": name,
        }
        self.module.lambda_handler(event, None)

    def rotate(self, version: str = VERSIONS[0]) -> None:
        """All four steps."""
        self.begin(version)
        for name in STEPS:
            self.step(name)
        self._previous_version, self.current_version = self.current_version, version
        # AWS takes this label away when it moves the other one.
        self._move("AWSPENDING", "")

    def text(self, label: str = "AWSCURRENT") -> str:
        """The value under a label."""
        answer = self._client.get_secret_value(SecretId=self.arn, VersionStage=label)
        return str(answer["SecretString"])

    def value(self, label: str = "AWSCURRENT", field: str = "password") -> str:
        """The field of the value under a label."""
        return str(json.loads(self.text(label))[field])

    def put_previous(self, text: str) -> None:
        """Make `text` the previous value."""
        version = "9" * 32
        self._client.put_secret_value(
            SecretId=self.arn,
            ClientRequestToken=version,
            SecretString=text,
            VersionStages=["AWSPREVIOUS"],
        )

    @property
    def labels(self) -> dict[str, list[str]]:
        """The labels of the versions."""
        answer = self._client.describe_secret(SecretId=self.arn)
        labels: dict[str, list[str]] = answer["VersionIdsToStages"]
        return labels


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def rotating_secret(
    text: str,
    system: str = "http",
    environment: Mapping[str, str] | None = None,
    call: Callable[..., bool] | None = None,
) -> Iterator[RotatingSecret]:
    """A secret with its function; `call` replaces the one function that a caller replaces."""
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        **(environment or {}),
    }
    with _environment(settings), mock_aws():
        secret = RotatingSecret(text, system, environment or {})
        if call is not None:
            secret.module.call = call
        yield secret
