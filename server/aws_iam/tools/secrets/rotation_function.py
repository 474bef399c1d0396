"""`secrets rotation --target custom`: a Lambda function with the four steps, its role, and what sets it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.answer import Answer, Artifact, next_call
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import code_list
from aws_iam.tools.secrets.names import filled_asset, secret_named
from aws_iam.tools.secrets.rotation_files import (
    API,
    DEFAULT_SCHEDULE,
    FUNCTION,
    GUIDE,
    PAGE,
    READING,
    RotationArguments,
    indented,
    main_file,
    matching,
    partners,
    placeholders,
    policy_file,
    secret_values,
    shell_json,
)
from aws_iam.tools.secrets.rotation_schedule import parse_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

_HTTP = "http"
_FILE = "rotation_function.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What the function signs in to, its settings, and what becomes of the old value."""

    name: str
    field: str
    imports: tuple[str, ...]
    settings: Mapping[str, str]
    old_value: str
    needs: str
    source: str


def systems() -> Mapping[str, System]:
    """The systems that the function is complete for, by the value of `partner`."""
    rows = resources.data("rotation-systems.json")["systems"]
    return {
        name: System(**{**row, "imports": tuple(row["imports"])}) for name, row in rows.items()
    }


def by_function(arguments: RotationArguments) -> Answer:
    """The files of a rotation by a function of one's own."""
    function = matching(
        "function", arguments.function or "rotate-app-db", FUNCTION, "a function name"
    )
    secret = secret_named(arguments.secret or "prod/app/db")
    schedule = parse_schedule(arguments.schedule or DEFAULT_SCHEDULE, arguments.window)
    key = _system_named(arguments.partner)
    system = systems()[key]
    code = function_code(key)
    values = secret_values(secret, schedule, arguments.format) | {
        "Function": function,
        "Role": f"{function}-role",
        "Field": system.field,
        "Code": indented(code, 10),
        "ShellSettings": shell_json({"Variables": dict(system.settings)}),
        "YamlSettings": _lines(system, "          {}: {}"),
        "TerraformSettings": _lines(system, "      {} = {}"),
    }
    main = main_file(arguments, filled_asset(f"rotation/custom.{_ending(arguments)}", values))
    files = (main, *_files_beside(arguments, code, values))
    return Answer(
        summary=(
            f"Rotation of {system.name} by a Lambda function, {schedule.text}. {_what_to_set(key, system, arguments)} "
            "Nothing is rotated now; `testSecret` runs once."
        ),
        artifacts=files,
        facts={
            "kind": "lambda",
            "target": "custom",
            "format": arguments.format,
            "system": system.name,
            "before": f"the secret exists and has a value: aws secretsmanager create-secret --region {secret.region} "
            f"--name {secret.name} --secret-string file://secret.txt",
            "steps": [
                {"step": "createSecret", "does": "stores a new value as AWSPENDING"},
                {
                    "step": "setSecret",
                    "does": "makes it valid, signed in with the current value, else with the previous one",
                },
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
            "old_value": system.old_value,
            "needs": system.needs,
            "secret_value": f"plain text, or JSON whose field `{system.field}` holds the value (SECRET_FIELD names another)",
            "settings": [
                {"name": name, "sample": value} for name, value in system.settings.items()
            ],
            "permission": f"`secretsmanager.amazonaws.com` may invoke `{function}` for the account of the secret only "
            "(aws:SourceAccount); whoever calls rotate-secret needs lambda:InvokeFunction; a secret under your own KMS key "
            "also needs kms:Decrypt and kms:GenerateDataKey in the function's role",
            "network": "outside a VPC the function reaches the internet; in a VPC it needs a path to the system and an "
            "endpoint of Secrets Manager",
            "deploy": _deployment(arguments, function),
            "placeholders": placeholders(secret.assumed, files),
        },
        sources=(
            system.source,
            f"{GUIDE}/rotate-secrets_lambda.html",
            f"{GUIDE}/rotating-secrets-required-permissions-function.html",
            API,
            PAGE,
        ),
        next=(
            READING,
            next_call("secrets", "guide", "how rotation works", topic="rotation"),
        ),
        as_of=partners()["as_of"],
    )


def function_code(system: str) -> str:
    """The rotation function for one of the systems."""
    frame = resources.text("assets/secrets/rotation/rotation_function.py")
    part = resources.text(f"assets/secrets/rotation/systems/{system}.py")
    described = systems()[system]
    modules = sorted({*described.imports, "json"})
    imports = "".join(f"import {module}\n" for module in modules)
    return (
        frame.replace("import json\n", imports, 1)
        .replace("# {{System}}\n", part, 1)
        .replace("{{Field}}", described.field)
    )


def _ending(arguments: RotationArguments) -> str:
    return {"cli": "sh", "cloudformation": "yaml", "terraform": "tf"}[arguments.format]


def _files_beside(
    arguments: RotationArguments, code: str, values: Mapping[str, str]
) -> tuple[Artifact, ...]:
    """What stands beside the main file: a template holds all, a configuration of Terraform all but the function."""
    if arguments.format == "cloudformation":
        return ()
    function = Artifact(
        name=_FILE,
        language="python",
        content=code,
        checked_by="its four steps run against moto and a local server",
    )
    if arguments.format == "terraform":
        return (function,)
    return function, policy_file("lambda-trust", values), policy_file("rotation-role", values)


def _system_named(partner: str | None) -> str:
    known = systems()
    name = (partner or _HTTP).lower()
    if name in known:
        return name
    near = next(iter(nearest(name, known)), None)
    raise InputError(
        f"`partner` {quoted(partner or '', 80)} is not a system that the function knows",
        hint=f"did you mean `{near}`?"
        if near
        else f"give {code_list(known)}; the secret types of AWS's partners need `target` `external`",
    )


def _what_to_set(key: str, system: System, arguments: RotationArguments) -> str:
    settings = code_list(system.settings)
    place = "the template" if arguments.format == "cloudformation" else _FILE
    if key == _HTTP:
        return (
            f"Set {settings} to your endpoint; if the system takes no HTTP, replace the one function `call` in "
            f"{place}. The rest is complete."
        )
    return f"The function is complete: set {settings} if yours differ."


def _lines(system: System, form: str) -> str:
    return "\n".join(form.format(name, f'"{value}"') for name, value in system.settings.items())


def _deployment(arguments: RotationArguments, function: str) -> str:
    """The command that deploys the files from their folder."""
    name = f"rotation-custom.{_ending(arguments)}"
    return {
        "cli": f"bash {name}",
        "cloudformation": f"aws cloudformation deploy --template-file {name} --stack-name {function} --capabilities CAPABILITY_IAM",
        "terraform": "terraform init && terraform apply",
    }[arguments.format]
