"""`secrets rotation`: files that set up managed, partner and Lambda rotation: commands, CloudFormation or Terraform."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.json_object import json_object
from aws_iam.tools.secrets.names import filled_asset, secret_named
from aws_iam.tools.secrets.rotation_schedule import parse_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.secrets.names import SecretName
    from aws_iam.tools.secrets.rotation_schedule import Schedule

Target = Literal["rds", "aurora", "documentdb", "redshift", "external", "custom"]
Format = Literal["cli", "cloudformation", "terraform"]

_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"
_PAGE = "references/secrets-patterns.md#rotation"
_API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html"
_DAYS = "30"
_IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9]){0,62}", re.ASCII)
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TYPE = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_./+=@-]{1,256}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9_./:+=@, -]{1,2048}", re.ASCII)
_MOST_METADATA = 10
_ENDINGS: Mapping[Format, tuple[str, str, str]] = {
    "cli": ("sh", "bash", "awscli's parser, botocore's models"),
    "cloudformation": ("yaml", "yaml", "cfn-lint"),
    "terraform": ("tf", "hcl", "python-hcl2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedService:
    """A database whose service keeps and rotates the password of its first user.

    `cloudformation_attribute` and `terraform_arn` are where a template finds the secret's ARN; None: nowhere.
    """

    name: str
    user: str
    cloudformation_attribute: str | None
    terraform_arn: str
    limits: str
    source: str


def managed_services() -> Mapping[str, ManagedService]:
    """The databases with managed rotation, by target."""
    data = resources.data("managed-rotation.json")
    return {target: ManagedService(**row) for target, row in data["services"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationArguments:
    """The arguments of `secrets rotation`."""

    target: Target
    format: Format = "cli"
    secret: str | None = None
    database: str | None = None
    function: str | None = None
    partner: str | None = None
    metadata: Any = None
    schedule: str | None = None
    window: str | None = None


def rotation(arguments: RotationArguments) -> Answer:
    """The files that set up rotation for the target."""
    _refuse_arguments_of_other_targets(arguments)
    if arguments.target in _MANAGED_TARGETS:
        return _by_service(arguments, managed_services()[arguments.target])
    return _by_partner(arguments) if arguments.target == "external" else _by_function(arguments)


_MANAGED_TARGETS: tuple[Target, ...] = ("rds", "aurora", "documentdb", "redshift")
_TARGETS_BY_ARGUMENT: Mapping[str, tuple[Target, ...]] = {
    "secret": ("external", "custom"),
    "database": _MANAGED_TARGETS,
    "function": ("custom",),
    "partner": ("external",),
    "metadata": ("external",),
}


def _refuse_arguments_of_other_targets(arguments: RotationArguments) -> None:
    for name, targets in _TARGETS_BY_ARGUMENT.items():
        if getattr(arguments, name) is not None and arguments.target not in targets:
            listed = ", ".join(f"`{target}`" for target in targets)
            raise InputError(
                f"`{name}` does not apply to the target `{arguments.target}`",
                hint=f"it applies to {listed}",
            )
    if (
        arguments.window is not None
        and arguments.schedule is None
        and arguments.target in _MANAGED_TARGETS
    ):
        raise InputError(
            "`window` needs `schedule`: without one the service's own schedule applies",
            hint="add `schedule`, such as `30`",
        )


def _by_service(arguments: RotationArguments, managed: ManagedService) -> Answer:
    database = _matching(
        "database", arguments.database or "app", _IDENTIFIER, "a database identifier"
    )
    schedule = parse_schedule(arguments.schedule, arguments.window) if arguments.schedule else None
    if (
        schedule
        and arguments.format == "cloudformation"
        and managed.cloudformation_attribute is None
    ):
        raise InputError(
            f"CloudFormation does not return the ARN of {managed.name}'s secret, so a template cannot set its schedule",
            hint="leave `schedule` out, and set it afterwards with `format` `cli`",
        )
    ending, language, checked_by = _ENDINGS[arguments.format]
    values = {"Database": database, "Region": "eu-west-1"}
    content = filled_asset(f"rotation/{arguments.target}.{ending}", values)
    if schedule:
        content += _schedule_part(arguments, managed, schedule, values)
    return Answer(
        summary=(
            f"Managed rotation by {managed.name}, without a Lambda function: the service creates, stores and rotates the password "
            f"of the {managed.user}, {schedule.text if schedule else 'every 7 days unless you set a schedule'}. "
            "Enabling it changes the password immediately."
        ),
        artifacts=(
            Artifact(
                name=f"rotation-{arguments.target}.{ending}",
                language=language,
                content=content,
                checked_by=checked_by,
            ),
        ),
        facts={
            "kind": "managed",
            "target": arguments.target,
            "format": arguments.format,
            "covers": f"only the {managed.user}; application users need `target` `custom`",
            "rotates_at_once": [
                {
                    "step": f"enabling managed passwords for an existing {managed.name} database",
                    "effect": "the password changes immediately: make its readers read the secret first",
                },
                {
                    "step": "the schedule",
                    "effect": "nothing is rotated immediately: the files disable it",
                },
            ],
            "schedule": schedule.text if schedule else "the service's default: every 7 days",
            "limits": managed.limits,
            "permission": "there is no function that needs one; whoever enables it needs `kms:CreateGrant`, `kms:DescribeKey`, "
            "`secretsmanager:CreateSecret` and `secretsmanager:TagResource`",
        },
        sources=(managed.source, f"{_GUIDE}/rotate-secrets_managed.html", _API, _PAGE),
        next=("aws-iam secrets snippet --runtime lambda --store secrets_manager",),
        as_of=_partners()["as_of"],
    )


def _schedule_part(
    arguments: RotationArguments,
    managed: ManagedService,
    schedule: Schedule,
    values: Mapping[str, str],
) -> str:
    if arguments.format == "cli":
        return filled_asset(
            f"rotation/{arguments.target}-schedule.sh", {**values, "Rules": schedule.json}
        )
    if arguments.format == "cloudformation":
        attribute = managed.cloudformation_attribute or ""
        return filled_asset(
            "rotation/schedule.yaml", {"SecretAttribute": attribute, "Rules": schedule.json}
        )
    return filled_asset(
        "rotation/schedule.tf",
        {"SecretAttribute": managed.terraform_arn, "Rules": schedule.terraform},
    )


def _by_partner(arguments: RotationArguments) -> Answer:
    partner = _matching(
        "partner", arguments.partner or "GitLabAccessToken", _TYPE, "a secret type of a partner"
    )
    secret = secret_named(arguments.secret or "prod/partner/token")
    schedule = parse_schedule(arguments.schedule or _DAYS, arguments.window)
    pairs = _metadata(arguments.metadata)
    ending, language, checked_by = _ENDINGS[arguments.format]
    values = _values(secret, schedule, arguments.format) | {
        "Partner": partner,
        "Role": "RotatePartnerSecret",
        "Metadata": _metadata_text(pairs, arguments.format),
    }
    known = _partners()["types"].get(partner)
    main = Artifact(
        name=f"rotation-external.{ending}",
        language=language,
        content=_content(f"rotation/external.{ending}", values, pairs),
        checked_by=checked_by,
    )
    documents = () if arguments.format == "cloudformation" else ("external-trust", "external-role")
    return Answer(
        summary=(
            f"Rotation at the partner ({known or 'a type that is not in the list of ' + _partners()['as_of']}), "
            f"without a Lambda function: Secrets Manager changes the credential itself, {schedule.text}. "
            "Nothing is rotated now."
        ),
        artifacts=(main, *(_policy(document, values) for document in documents)),
        facts={
            "kind": "managed external",
            "target": "external",
            "format": arguments.format,
            "partner": known or "unknown",
            "type": partner,
            "types": [
                {"type": name, "partner": words} for name, words in _partners()["types"].items()
            ],
            "rotates_at_once": [
                {
                    "step": "rotate-secret",
                    "effect": "nothing is rotated immediately: the files disable it",
                }
            ],
            "schedule": schedule.text,
            "metadata": "none given; see the partner's page for the fields that it needs"
            if not pairs
            else ", ".join(sorted(pairs)),
            "permission": "the role trusts secretsmanager.amazonaws.com for this account and this secret only",
            "placeholders": [{"replace": part} for part in secret.assumed],
        },
        sources=(
            _partners()["source"],
            f"{_GUIDE}/mes-security.html",
            _API,
            _PAGE,
        ),
        next=("aws-iam policy validate --document external-trust.json --kind trust",)
        if documents
        else (),
        as_of=_partners()["as_of"],
    )


def _by_function(arguments: RotationArguments) -> Answer:
    function = _matching(
        "function", arguments.function or "rotate-app-db", _FUNCTION, "a function name"
    )
    secret = secret_named(arguments.secret or "prod/app/db")
    schedule = parse_schedule(arguments.schedule or _DAYS, arguments.window)
    ending, language, checked_by = _ENDINGS[arguments.format]
    values = _values(secret, schedule, arguments.format) | {
        "Function": function,
        "Role": f"{function}-role",
    }
    main = Artifact(
        name=f"rotation-custom.{ending}",
        language=language,
        content=_content(f"rotation/custom.{ending}", values, {}),
        checked_by=checked_by,
    )
    skeleton = Artifact(
        name="rotation_function.py",
        language="python",
        content=resources.text("assets/secrets/rotation/rotation_function.py"),
        checked_by="its four steps run against moto",
    )
    documents = () if arguments.format == "cloudformation" else ("lambda-trust", "rotation-role")
    return Answer(
        summary=(
            f"Rotation by a Lambda function, {schedule.text}: implement `accepts` and `change` in rotation_function.py; "
            "the four steps are written. Nothing is rotated now; `testSecret` runs once."
        ),
        artifacts=(main, skeleton, *(_policy(document, values) for document in documents)),
        facts={
            "kind": "lambda",
            "target": "custom",
            "format": arguments.format,
            "steps": [
                {"step": "createSecret", "does": "stores a new value as AWSPENDING"},
                {"step": "setSecret", "does": "makes it valid where it is used"},
                {"step": "testSecret", "does": "checks that the new value works"},
                {"step": "finishSecret", "does": "makes it AWSCURRENT, the old one AWSPREVIOUS"},
            ],
            "rotates_at_once": [
                {
                    "step": "rotate-secret, or the rotation schedule",
                    "effect": "nothing is rotated immediately: the files disable it; `testSecret` runs once",
                }
            ],
            "schedule": schedule.text,
            "permission": f"`secretsmanager.amazonaws.com` may invoke `{function}` for account {secret.account} only "
            "(aws:SourceAccount); whoever calls rotate-secret needs lambda:InvokeFunction",
            "network": "in a VPC the function needs a path to the database and an endpoint of Secrets Manager",
            "templates": "AWS has ready-made functions for RDS, DocumentDB, Redshift, ElastiCache, InfluxDB and Active Directory",
            "placeholders": [{"replace": part} for part in secret.assumed],
        },
        sources=(
            f"{_GUIDE}/rotate-secrets_lambda.html",
            f"{_GUIDE}/rotating-secrets-required-permissions-function.html",
            f"{_GUIDE}/reference_available-rotation-templates.html",
            _API,
            _PAGE,
        ),
        next=("aws-iam secrets check", "aws-iam secrets guide --topic rotation"),
        as_of=_partners()["as_of"],
    )


def _content(asset: str, values: Mapping[str, str], pairs: Mapping[str, str]) -> str:
    """The main file, without the metadata line if there is no metadata."""
    text = filled_asset(asset, values)
    if "Metadata" in values and not pairs:
        text = text.replace(" --external-secret-rotation-metadata ''", "")
        text = text.replace("      ExternalSecretRotationMetadata: \n", "")
    return text


def _policy(name: str, values: Mapping[str, str]) -> Artifact:
    return Artifact(
        name=f"{name}.json",
        language="json",
        content=filled_asset(f"rotation/{name}.json", values),
        checked_by="policy validate, evaluate",
    )


def _values(secret: SecretName, schedule: Schedule, format_: Format) -> dict[str, str]:
    return {
        "Name": secret.name,
        "SecretPattern": secret.secret_pattern,
        "Account": secret.account,
        "Region": secret.region,
        "Partition": secret.partition,
        "Rules": schedule.terraform if format_ == "terraform" else schedule.json,
    }


def _metadata(metadata: Any) -> dict[str, str]:
    example = '{"cryptographicAlgorithm": "RS512"}'
    hint = "never put a secret there"
    pairs = json_object("metadata", metadata, example=example, hint=hint)
    fits = len(pairs) <= _MOST_METADATA and all(
        isinstance(text, str) and _KEY.fullmatch(name) and _VALUE.fullmatch(text)
        for name, text in pairs.items()
    )
    if not fits:
        raise InputError(
            f"`metadata` must be an object of at most {_MOST_METADATA} strings",
            hint=f"such as {example}; {hint}",
        )
    return pairs


def _metadata_text(pairs: Mapping[str, str], format_: Format) -> str:
    if not pairs:
        return ""
    if format_ == "terraform":
        blocks = (
            f"  external_secret_rotation_metadata {{\n    key   = {json.dumps(name)}\n    value = {json.dumps(text)}\n  }}\n"
            for name, text in pairs.items()
        )
        return "\n" + "\n".join(blocks)
    return json.dumps([{"Key": name, "Value": text} for name, text in pairs.items()])


def _matching(name: str, value: str, form: re.Pattern[str], words: str) -> str:
    if form.fullmatch(value) and shlex.quote(value) == value:
        return value
    raise InputError(
        f"`{name}` {quoted(value, 80)} is not {words}", hint="letters, digits, hyphens"
    )


def _partners() -> dict[str, Any]:
    data: dict[str, Any] = resources.data("rotation-partners.json")
    return data
