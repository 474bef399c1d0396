"""`secrets rotation`: the set-up of managed, partner and Lambda rotation, as commands, CloudFormation or Terraform."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.secrets.names import filled, secret_named
from aws_iam.tools.secrets.rotation_schedule import schedule as read_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.secrets.names import Named
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
class Managed:
    """A database whose service keeps and rotates the password of its first user."""

    words: str
    user: str
    attribute: str | None
    """The attribute of the CloudFormation resource that is the secret's ARN; None: it has none."""
    terraform: str
    source: str
    limits: str


_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest"
MANAGED: Mapping[Target, Managed] = {
    "rds": Managed(
        words="RDS",
        user="master user",
        attribute="MasterUserSecret.SecretArn",
        terraform="aws_db_instance.database.master_user_secret[0].secret_arn",
        source=f"{_RDS}/UserGuide/rds-secrets-manager.html",
        limits="not with RDS Custom and blue/green deployments; of read replicas only SQL Server's",
    ),
    "aurora": Managed(
        words="Aurora",
        user="master user",
        attribute="MasterUserSecret.SecretArn",
        terraform="aws_rds_cluster.database.master_user_secret[0].secret_arn",
        source=f"{_RDS}/AuroraUserGuide/rds-secrets-manager.html",
        limits="not in a global database, not with Serverless v1, cross-Region replicas and blue/green deployments",
    ),
    "documentdb": Managed(
        words="DocumentDB",
        user="master user",
        attribute=None,
        terraform="aws_docdb_cluster.database.master_user_secret[0].secret_arn",
        source="https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-secrets-manager.html",
        limits="CloudFormation does not tell the secret's ARN: set the schedule by the CLI",
    ),
    "redshift": Managed(
        words="Redshift",
        user="admin user",
        attribute="MasterPasswordSecretArn",
        terraform="aws_redshift_cluster.database.master_password_secret_arn",
        source="https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html",
        limits="provisioned clusters; Serverless namespaces have the same switch",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller asked for, as given."""

    target: Target
    format: Format = "cli"
    secret: str | None = None
    database: str | None = None
    function: str | None = None
    partner: str | None = None
    metadata: Any = None
    schedule: str | None = None
    window: str | None = None


def rotation(wish: Wish) -> Answer:
    """The set-up of rotation for the target, in the format asked for."""
    _refuse_what_does_not_belong(wish)
    if wish.target in MANAGED:
        return _managed(wish, MANAGED[wish.target])
    return _external(wish) if wish.target == "external" else _custom(wish)


_TAKES: Mapping[str, tuple[Target, ...]] = {
    "secret": ("external", "custom"),
    "database": tuple(MANAGED),
    "function": ("custom",),
    "partner": ("external",),
    "metadata": ("external",),
}


def _refuse_what_does_not_belong(wish: Wish) -> None:
    for name, targets in _TAKES.items():
        if getattr(wish, name) is not None and wish.target not in targets:
            listed = ", ".join(f"`{target}`" for target in targets)
            raise InputError(
                f"`{name}` says nothing about the target `{wish.target}`",
                hint=f"it belongs to {listed}",
            )
    if wish.window is not None and wish.schedule is None and wish.target in MANAGED:
        raise InputError(
            "`window` needs `schedule`: without one the service's own schedule stands",
            hint="give `schedule` too, such as `30`",
        )


def _managed(wish: Wish, managed: Managed) -> Answer:
    database = _matching("database", wish.database or "app", _IDENTIFIER, "a database identifier")
    asked = read_schedule(wish.schedule, wish.window) if wish.schedule else None
    if asked and wish.format == "cloudformation" and managed.attribute is None:
        raise InputError(
            f"CloudFormation does not tell the ARN of {managed.words}'s secret, so no schedule can be set in a template",
            hint="leave `schedule` out, and set it by `format` `cli` afterwards",
        )
    ending, language, checked_by = _ENDINGS[wish.format]
    values = {"Database": database, "Region": "eu-west-1"}
    content = filled(f"rotation/{wish.target}.{ending}", values)
    if asked:
        content += _schedule_part(wish, managed, asked, values)
    return Answer(
        summary=(
            f"Managed rotation by {managed.words}, no Lambda function: the service makes, keeps and rotates the password "
            f"of the {managed.user}, {asked.words if asked else 'every 7 days unless you set a schedule'}. "
            "Switching it on changes the password at once."
        ),
        artifacts=(
            Artifact(
                name=f"rotation-{wish.target}.{ending}",
                language=language,
                content=content,
                checked_by=checked_by,
            ),
        ),
        facts={
            "kind": "managed",
            "target": wish.target,
            "format": wish.format,
            "covers": f"the {managed.user} alone; application users need `target` `custom`",
            "rotates_at_once": [
                {
                    "step": f"switching managed passwords on for an existing {managed.words} database",
                    "effect": "a new password at once: let its readers read the secret first",
                },
                {
                    "step": "the schedule",
                    "effect": "nothing at once: rotating immediately is switched off",
                },
            ],
            "schedule": asked.words if asked else "the service's own: every 7 days",
            "limits": managed.limits,
            "permission": "none for a function; `kms:CreateGrant`, `kms:DescribeKey`, `secretsmanager:CreateSecret` and "
            "`secretsmanager:TagResource` for whoever switches it on",
        },
        sources=(managed.source, f"{_GUIDE}/rotate-secrets_managed.html", _API, _PAGE),
        next=("aws-iam secrets snippet --runtime lambda --store secrets_manager",),
        as_of=_partners()["as_of"],
    )


def _schedule_part(
    wish: Wish, managed: Managed, asked: Schedule, values: Mapping[str, str]
) -> str:
    if wish.format == "cli":
        return filled(f"rotation/{wish.target}-schedule.sh", {**values, "Rules": asked.json})
    if wish.format == "cloudformation":
        attribute = managed.attribute or ""
        return filled(
            "rotation/schedule.yaml", {"SecretAttribute": attribute, "Rules": asked.json}
        )
    return filled(
        "rotation/schedule.tf", {"SecretAttribute": managed.terraform, "Rules": asked.terraform}
    )


def _external(wish: Wish) -> Answer:
    partner = _matching(
        "partner", wish.partner or "GitLabAccessToken", _TYPE, "a secret type of a partner"
    )
    named = secret_named(wish.secret or "prod/partner/token")
    asked = read_schedule(wish.schedule or _DAYS, wish.window)
    pairs = _metadata(wish.metadata)
    ending, language, checked_by = _ENDINGS[wish.format]
    values = _values(named, asked, wish.format) | {
        "Partner": partner,
        "Role": "RotatePartnerSecret",
        "Metadata": _metadata_text(pairs, wish.format),
    }
    known = _partners()["types"].get(partner)
    main = Artifact(
        name=f"rotation-external.{ending}",
        language=language,
        content=_content(f"rotation/external.{ending}", values, pairs),
        checked_by=checked_by,
    )
    documents = () if wish.format == "cloudformation" else ("external-trust", "external-role")
    return Answer(
        summary=(
            f"Rotation at the partner ({known or 'a type that the list of ' + _partners()['as_of'] + ' does not have'}), "
            f"no Lambda function: Secrets Manager changes the credential itself, {asked.words}. Nothing is rotated now."
        ),
        artifacts=(main, *(_policy(document, values) for document in documents)),
        facts={
            "kind": "managed external",
            "target": "external",
            "format": wish.format,
            "partner": known or "unknown",
            "type": partner,
            "types": [
                {"type": name, "partner": words} for name, words in _partners()["types"].items()
            ],
            "rotates_at_once": [
                {
                    "step": "rotate-secret",
                    "effect": "nothing at once: rotating immediately is switched off",
                }
            ],
            "schedule": asked.words,
            "metadata": "the fields that the partner's page names; none were given"
            if not pairs
            else ", ".join(sorted(pairs)),
            "permission": "the role trusts secretsmanager.amazonaws.com for this account and this secret alone",
            "placeholders": [{"replace": hole} for hole in named.assumed],
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


def _custom(wish: Wish) -> Answer:
    function = _matching(
        "function", wish.function or "rotate-app-db", _FUNCTION, "a function name"
    )
    named = secret_named(wish.secret or "prod/app/db")
    asked = read_schedule(wish.schedule or _DAYS, wish.window)
    ending, language, checked_by = _ENDINGS[wish.format]
    values = _values(named, asked, wish.format) | {
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
    documents = () if wish.format == "cloudformation" else ("lambda-trust", "rotation-role")
    return Answer(
        summary=(
            f"Rotation by a Lambda function, {asked.words}: write `accepts` and `change` in rotation_function.py, the four "
            "steps stand. Nothing is rotated now; `testSecret` runs once."
        ),
        artifacts=(main, skeleton, *(_policy(document, values) for document in documents)),
        facts={
            "kind": "lambda",
            "target": "custom",
            "format": wish.format,
            "steps": [
                {"step": "createSecret", "does": "stores a new value as AWSPENDING"},
                {"step": "setSecret", "does": "makes it valid where it is used"},
                {"step": "testSecret", "does": "proves it"},
                {"step": "finishSecret", "does": "makes it AWSCURRENT, the old one AWSPREVIOUS"},
            ],
            "rotates_at_once": [
                {
                    "step": "rotate-secret, or the rotation schedule",
                    "effect": "nothing at once: rotating immediately is switched off; `testSecret` runs once",
                }
            ],
            "schedule": asked.words,
            "permission": f"`secretsmanager.amazonaws.com` may invoke `{function}` for account {named.account} alone "
            "(aws:SourceAccount); whoever calls rotate-secret needs lambda:InvokeFunction",
            "network": "in a VPC the function needs a path to the database and an endpoint of Secrets Manager",
            "templates": "for RDS, DocumentDB, Redshift, ElastiCache, InfluxDB and Active Directory take AWS's own functions",
            "placeholders": [{"replace": hole} for hole in named.assumed],
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
    """The main file; without metadata the line that would hold it is left out."""
    text = filled(asset, values)
    if "Metadata" in values and not pairs:
        text = text.replace(" --external-secret-rotation-metadata ''", "")
        text = text.replace("      ExternalSecretRotationMetadata: \n", "")
    return text


def _policy(name: str, values: Mapping[str, str]) -> Artifact:
    return Artifact(
        name=f"{name}.json",
        language="json",
        content=filled(f"rotation/{name}.json", values),
        checked_by="policy validate, evaluate",
    )


def _values(named: Named, asked: Schedule, format_: Format) -> dict[str, str]:
    return {
        "Name": named.name,
        "SecretPattern": named.secret_pattern,
        "Account": named.account,
        "Region": named.region,
        "Partition": named.partition,
        "Rules": asked.terraform if format_ == "terraform" else asked.json,
    }


def _metadata(given: Any) -> dict[str, str]:
    value = given
    if isinstance(given, str):
        try:
            value = json.loads(given)
        except (ValueError, RecursionError):
            value = None
    if given is None:
        return {}
    fits = (
        isinstance(value, dict)
        and len(value) <= _MOST_METADATA
        and all(
            isinstance(text, str) and _KEY.fullmatch(name) and _VALUE.fullmatch(text)
            for name, text in value.items()
        )
    )
    if not fits:
        raise InputError(
            f"`metadata` must be an object of at most {_MOST_METADATA} plain texts",
            hint='such as {"cryptographicAlgorithm": "RS512"}; a secret never belongs there',
        )
    return {str(name): str(text) for name, text in value.items()}


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


@cache
def _partners() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(resources.text("assets/data/rotation-partners.json"))
    return data
