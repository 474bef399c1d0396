"""`secrets rotation`: files that set up managed, partner, hosted and Lambda rotation: commands, CloudFormation or Terraform."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Answer
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.json_object import json_object
from aws_iam.tools.kit.tool import with_understood
from aws_iam.tools.secrets.hosted_rotation import by_hosted_function, understood_engine
from aws_iam.tools.secrets.names import filled_asset, secret_named
from aws_iam.tools.secrets.rotation_files import (
    API,
    DEFAULT_SCHEDULE,
    FORMATS,
    GUIDE,
    PAGE,
    READING,
    SAMPLE_REGION,
    RotationArguments,
    database_named,
    main_file,
    matching,
    partners,
    placeholders,
    policy_file,
    secret_values,
)
from aws_iam.tools.secrets.rotation_function import by_function
from aws_iam.tools.secrets.rotation_schedule import parse_schedule, understood_schedule
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.secrets.rotation_files import Format, Target
    from aws_iam.tools.secrets.rotation_schedule import Schedule

_TYPE = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_./+=@-]{1,256}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9_./:+=@, -]{1,2048}", re.ASCII)
_MOST_METADATA = 10


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


def rotation(arguments: RotationArguments) -> Answer:
    """The files that set up rotation for the target."""
    _refuse_arguments_of_other_targets(arguments)
    understood = [*understood_engine(arguments.engine), *understood_schedule(arguments.schedule)]
    return with_understood(_by_target(arguments), understood)


def _by_target(arguments: RotationArguments) -> Answer:
    if _of_application_user(arguments):
        return by_hosted_function(arguments)
    if arguments.target in _DATABASES:
        return _by_service(arguments, managed_services()[arguments.target])
    return _by_partner(arguments) if arguments.target == "external" else by_function(arguments)


_DATABASES: tuple[Target, ...] = ("rds", "aurora", "documentdb", "redshift")
_TARGETS_BY_ARGUMENT: Mapping[str, tuple[Target, ...]] = {
    "engine": _DATABASES,
    "user": _DATABASES,
    "strategy": _DATABASES,
    "superuser_secret": _DATABASES,
    "database": _DATABASES,
    "partner": ("external", "custom"),
    "metadata": ("external",),
}
_OF_APPLICATION_USERS = ("engine", "strategy", "superuser_secret", "secret", "function")


def _of_application_user(arguments: RotationArguments) -> bool:
    """Whether an application's user is meant: by name, or by an argument that only its rotation takes."""
    if arguments.target not in _DATABASES:
        return False
    if arguments.user:
        return arguments.user == "application"
    return any(getattr(arguments, name) is not None for name in _OF_APPLICATION_USERS)


def _refuse_arguments_of_other_targets(arguments: RotationArguments) -> None:
    for name, targets in _TARGETS_BY_ARGUMENT.items():
        if getattr(arguments, name) is not None and arguments.target not in targets:
            listed = ", ".join(f"`{target}`" for target in targets)
            raise InputError(
                f"`{name}` does not apply to the target `{arguments.target}`",
                hint=f"it applies to {listed}",
            )
    if arguments.target == "external" and arguments.function is not None:
        raise InputError(
            "`function` does not apply to the target `external`", hint="the partner rotates it"
        )
    if arguments.user == "master":
        others = (name for name in _OF_APPLICATION_USERS if name != "engine")
        named = next((name for name in others if getattr(arguments, name) is not None), "")
        if named:
            raise InputError(
                f"`{named}` does not apply to the master user, which the service rotates",
                hint="give `user: application` for a user of your own",
            )
    managed = arguments.target in _DATABASES and not _of_application_user(arguments)
    if arguments.window is not None and arguments.schedule is None and managed:
        raise InputError(
            "`window` needs `schedule`: without one the service's own schedule applies",
            hint="add `schedule`, such as `30`",
        )


_DECLARES = (
    "a database with a sample engine, class, storage and user name: replace them; for one that is declared elsewhere take"
    " over only the line that begins with manage_master (ManageMaster in CloudFormation)"
)


def _by_service(arguments: RotationArguments, managed: ManagedService) -> Answer:
    database, assumed = database_named(arguments)
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
    values = {"Database": database, "Region": SAMPLE_REGION}
    ending = FORMATS[arguments.format].ending
    content = filled_asset(f"rotation/{arguments.target}.{ending}", values)
    if schedule:
        content += _schedule_part(arguments, managed, schedule, values)
    main = main_file(arguments, content)
    return Answer(
        summary=(
            f"Managed rotation by {managed.name}, without a Lambda function: the service creates, stores and rotates the password "
            f"of the {managed.user}, {schedule.text if schedule else 'every 7 days unless you set a schedule'}. "
            "Enabling it changes the password immediately."
        ),
        artifacts=(main,),
        facts={
            "kind": "managed",
            "target": arguments.target,
            "format": arguments.format,
            "covers": f"only the {managed.user}; an application's user: pass `user: application`",
            **({} if arguments.format == "cli" else {"declares": _DECLARES}),
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
            "placeholders": placeholders((*assumed, SAMPLE_REGION), (main,)),
        },
        sources=(managed.source, f"{GUIDE}/rotate-secrets_managed.html", API, PAGE),
        next=(READING,),
        as_of=partners()["as_of"],
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


def _secret_type(word: str) -> str:
    """The secret type of a partner; one that the list lacks may be newer, if it is like none in it."""
    types = partners()["types"]
    for name in types:
        if folded(name) == folded(word):
            return str(name)
    of_partner = [name for name, title in types.items() if folded(title).startswith(folded(word))]
    near = of_partner or nearest(word, types)
    if near:
        raise InputError(
            f"`partner` {quoted(word, 64)} is no secret type of AWS's list",
            hint=f"did you mean {joined([f'`{name}`' for name in near], 'or')}?",
        )
    return matching("partner", word, _TYPE, "a secret type of a partner")


def _by_partner(arguments: RotationArguments) -> Answer:
    partner = _secret_type(arguments.partner or "GitLabAccessToken")
    secret = secret_named(arguments.secret or "prod/partner/token")
    schedule = parse_schedule(arguments.schedule or DEFAULT_SCHEDULE, arguments.window)
    pairs = _metadata(arguments.metadata)
    ending = FORMATS[arguments.format].ending
    values = secret_values(secret, schedule, arguments.format) | {
        "Partner": partner,
        "Role": "RotatePartnerSecret",
        "Metadata": _metadata_text(pairs, arguments.format),
    }
    known = partners()["types"].get(partner)
    main = main_file(arguments, _content(f"rotation/external.{ending}", values, pairs))
    documents = ("external-trust", "external-role") if arguments.format == "cli" else ()
    files = (main, *(policy_file(document, values) for document in documents))
    return Answer(
        summary=(
            f"Rotation at the partner ({known or 'a type that is not in the list of ' + partners()['as_of']}), "
            f"without a Lambda function: Secrets Manager changes the credential itself, {schedule.text}. "
            "Nothing is rotated now."
        ),
        artifacts=files,
        facts={
            "kind": "managed external",
            "target": "external",
            "format": arguments.format,
            "partner": known or "unknown",
            "type": partner,
            "types": [
                {"type": name, "partner": words} for name, words in partners()["types"].items()
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
            "placeholders": placeholders(secret.assumed, files),
        },
        sources=(
            partners()["source"],
            f"{GUIDE}/mes-security.html",
            API,
            PAGE,
        ),
        as_of=partners()["as_of"],
    )


def _content(asset: str, values: Mapping[str, str], pairs: Mapping[str, str]) -> str:
    """The main file, without the metadata line if there is no metadata."""
    text = filled_asset(asset, values)
    if "Metadata" in values and not pairs:
        text = text.replace(" --external-secret-rotation-metadata ''", "")
        text = text.replace("      ExternalSecretRotationMetadata: \n", "")
    return text


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
