"""What the files of a rotation have in common: the arguments, the placeholders' values, the formats."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Artifact, next_call
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.secrets.names import filled_asset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.tools.secrets.names import SecretName
    from aws_iam.tools.secrets.rotation_schedule import Schedule

Target = Literal["rds", "aurora", "documentdb", "redshift", "external", "custom"]
Format = Literal["cli", "cloudformation", "terraform"]
User = Literal["master", "application"]
Strategy = Literal["single", "alternating"]

GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"
PAGE = "references/secrets-patterns.md#rotation"
READING = next_call(
    "secrets",
    "snippet",
    "how a function reads the secret",
    ("secret",),
    runtime="lambda",
    store="secrets_manager",
)
"""The next step after any rotation."""
API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html"
DEFAULT_SCHEDULE = "30"
SAMPLE_REGION = "eu-west-1"
SAMPLE_DATABASE = "app-database"
IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9]){0,62}", re.ASCII)
FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """The ending, the language and the validator of a format's main file."""

    ending: str
    language: str
    checked_by: str


FORMATS: Mapping[Format, FileFormat] = {
    "cli": FileFormat(ending="sh", language="bash", checked_by="awscli's parser, shellcheck"),
    "cloudformation": FileFormat(ending="yaml", language="yaml", checked_by="cfn-lint"),
    "terraform": FileFormat(ending="tf", language="hcl", checked_by="python-hcl2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationArguments:
    """The arguments of `secrets rotation`."""

    target: Target
    format: Format = "cli"
    engine: str | None = None
    user: User | None = None
    strategy: Strategy | None = None
    superuser_secret: str | None = None
    secret: str | None = None
    database: str | None = None
    function: str | None = None
    partner: str | None = None
    metadata: Any = None
    schedule: str | None = None
    window: str | None = None


def main_file(arguments: RotationArguments, content: str) -> Artifact:
    """The file that sets the rotation up."""
    format_ = FORMATS[arguments.format]
    return Artifact(
        name=f"rotation-{arguments.target}.{format_.ending}",
        language=format_.language,
        content=content,
        checked_by=format_.checked_by,
    )


def policy_file(name: str, values: Mapping[str, str]) -> Artifact:
    """A policy that the main file names."""
    return Artifact(
        name=f"{name}.json",
        language="json",
        content=filled_asset(f"rotation/{name}.json", values),
        checked_by="policy validate, evaluate",
    )


def placeholders(assumed: Iterable[str], files: Iterable[Artifact]) -> list[dict[str, str]]:
    """The assumed values, such as a sample account and Region, that the files hold: what to replace in them."""
    texts = [file.content or "" for file in files]
    return [{"replace": sample} for sample in assumed if any(sample in text for text in texts)]


def database_named(arguments: RotationArguments) -> tuple[str, tuple[str, ...]]:
    """The identifier of the database, and the sample that was assumed if the caller gave none."""
    if arguments.database is None:
        return SAMPLE_DATABASE, (SAMPLE_DATABASE,)
    return matching("database", arguments.database, IDENTIFIER, "a database identifier"), ()


def secret_values(secret: SecretName, schedule: Schedule, format_: Format) -> dict[str, str]:
    """The placeholders' values that every file with a secret needs."""
    return {
        "Name": secret.name,
        "SecretPattern": secret.secret_pattern,
        "Account": secret.account,
        "Region": secret.region,
        "Partition": secret.partition,
        "Rules": schedule.terraform if format_ == "terraform" else schedule.json,
    }


def matching(name: str, value: str, form: re.Pattern[str], words: str) -> str:
    """The argument's value if it has the form and means nothing to a shell; InputError otherwise."""
    if form.fullmatch(value) and shlex.quote(value) == value:
        return value
    raise InputError(
        f"`{name}` {quoted(value, 80)} is not {words}", hint="letters, digits, hyphens"
    )


def indented(text: str, spaces: int) -> str:
    """The text as a block of YAML."""
    return "\n".join(f"{' ' * spaces}{line}" if line else "" for line in text.splitlines())


def shell_json(value: object) -> str:
    """JSON for an argument of a shell command."""
    return shlex.quote(json.dumps(value))


def partners() -> dict[str, Any]:
    """The secret types that AWS rotates at a partner."""
    data: dict[str, Any] = resources.data("rotation-partners.json")
    return data
