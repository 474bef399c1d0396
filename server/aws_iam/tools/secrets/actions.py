"""The actions of the tool `secrets`: choose a store, read and rotate secrets, check an account."""

from __future__ import annotations

from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit import needs as kit_needs
from aws_iam.tools.kit.argument_values import Implied
from aws_iam.tools.kit.parameters import Source, Topic
from aws_iam.tools.kit.synonyms import FORMATS, LANGUAGES, TEXT
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool
from aws_iam.tools.secrets import decide as store_decision
from aws_iam.tools.secrets import rotation as secret_rotation
from aws_iam.tools.secrets import rotation_files
from aws_iam.tools.secrets import snippet as secret_snippets
from aws_iam.tools.secrets.stores import NEEDS
from aws_iam.tools.secrets.terms import THRESHOLDS

tool = Tool(
    "secrets",
    title="Secrets",
    subject="Secrets Manager and Parameter Store; no value is read",
    asked={
        "decide": "which store, cost",
        "snippet": "code that reads a secret",
        "rotation": "rotate a password or key",
        "check": "plain-text, old or shared secrets in account or code",
        "guide": "how to share, cache, rotate secrets",
    },
    default="guide",
    also={
        "choose": "decide",
        "recommend": "decide",
        "compare": "decide",
        "read": "snippet",
        "code": "snippet",
        "rotate": "rotation",
        "audit": "check",
        "scan": "check",
        "review": "check",
        "help": "guide",
    },
)

_RUNTIMES = {
    "fargate": "ecs",
    "ecs fargate": "ecs",
    "container": "ecs",
    "kubernetes": "eks",
    "k8s": "eks",
    "pod": "eks",
    "instance": "ec2",
    "vm": "ec2",
    "function": "lambda",
}
_STORES = {
    "ssm": "parameter_store",
    "parameters": "parameter_store",
    "systems manager": "parameter_store",
    "ssm parameter store": "parameter_store",
    "secret manager": "secrets_manager",
    "asm": "secrets_manager",
}
_ENGINES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "oracle": "oracle",
    "sqlserver": "sqlserver",
    "mssql": "sqlserver",
    "db2": "db2",
}
_OF_AURORA = {f"aurora {name}": _ENGINES[name] for name in ("postgres", "postgresql", "mysql")}
_OF_RDS = {**_ENGINES, **{f"rds {name}": engine for name, engine in _ENGINES.items()}}
_TARGETS = {
    **dict.fromkeys(_OF_RDS, "rds"),
    **dict.fromkeys(_OF_AURORA, "aurora"),
    "aws::rds::dbinstance": "rds",
    "aws::docdb::dbcluster": "documentdb",
    "aws::redshift::cluster": "redshift",
    "docdb": "documentdb",
    "partner": "external",
    "third party": "external",
    "api key": "custom",
    "api token": "custom",
    "lambda": "custom",
}
_USERS = {
    "admin": "master",
    "root": "master",
    "master user": "master",
    "app": "application",
    "app user": "application",
    "application user": "application",
}
_STRATEGIES = {
    "single user": "single",
    "one user": "single",
    "alternating users": "alternating",
    "two users": "alternating",
    "multi user": "alternating",
}
_STYLES = {
    "secrets store csi": "ascp",
    "csi driver": "ascp",
    "csi": "ascp",
    "eso": "external_secrets",
    "external secrets operator": "external_secrets",
    "lambda extension": "extension",
    "cache": "library",
    "caching": "library",
    "caching library": "library",
    "boto3": "sdk",
    "aws sdk": "sdk",
}
_SECRET_NAMES = ("secret_name", "secret_id", "secret_arn", "name", "parameter", "parameter_name")

Needs = Annotated[Json, kit_needs.needs_parameter(NEEDS)]
Limits = Annotated[
    Json,
    Parameter(
        ", ".join(limit.name for limit in THRESHOLDS), brief="{name: number}", document=True
    ),
]


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the secrets reference, or its contents."""
    from aws_iam.tools.secrets import checks_page

    return pages.guide("secrets-patterns", topic, checks_page.explained)


@tool.action
def decide(needs: Needs = None) -> Answer:
    """Secrets Manager or Parameter Store for these needs, row by row, with monthly cost."""
    return store_decision.decide(needs)


@tool.artifact_action
def snippet(
    runtime: Annotated[
        secret_snippets.Runtime,
        Parameter(
            "where the code runs",
            synonyms=_RUNTIMES,
            also=("platform", "compute"),
            brief="",
            by_position=True,
        ),
    ],
    store: Annotated[
        secret_snippets.StoreName | None,
        Parameter("default secrets_manager", synonyms=_STORES, brief=""),
    ] = None,
    style: Annotated[
        secret_snippets.Style | None,
        Parameter("how it is read", synonyms=_STYLES, brief=""),
    ] = None,
    language: Annotated[
        secret_snippets.Language | None,
        Parameter("default python", synonyms=LANGUAGES, also=("lang",), brief=""),
    ] = None,
    secret: Annotated[
        str | None, Parameter("name or ARN", also=_SECRET_NAMES, brief="name or ARN")
    ] = None,
) -> Answer:
    """Code or manifests that read a secret, cache it and refetch it when authentication fails."""
    return secret_snippets.snippet(
        runtime, store or "secrets_manager", style, language or "python", secret
    )


@tool.artifact_action
def rotation(
    target: Annotated[
        rotation_files.Target,
        Parameter(
            "what is rotated",
            synonyms=_TARGETS,
            # Without one of these the service rotates its master user, and needs no engine.
            implies=Implied(
                argument="engine",
                by={**_OF_RDS, **_OF_AURORA},
                beside=("user", "secret", "strategy", "superuser_secret", "function"),
            ),
            also=("type", "service", "secret_type"),
            brief="",
            by_position=True,
        ),
    ],
    format_: Annotated[
        rotation_files.Format | None, Parameter("", synonyms=FORMATS, left_out=TEXT)
    ] = None,
    engine: Annotated[
        str | None,
        Parameter(
            "of the database, such as postgres",
            also=(
                "database_engine",
                "db_engine",
                "engine_type",
                "database_type",
            ),
            brief="",
        ),
    ] = None,
    user: Annotated[
        rotation_files.User | None,
        Parameter("of the database", synonyms=_USERS, brief=""),
    ] = None,
    strategy: Annotated[
        rotation_files.Strategy | None,
        Parameter(
            "of an application user; alternating: two users in turn",
            synonyms=_STRATEGIES,
            also=("rotation_strategy",),
            brief="",
        ),
    ] = None,
    superuser_secret: Annotated[
        str | None,
        Parameter(
            "ARN, for alternating users",
            also=("master_secret", "admin_secret", "superuser_secret_arn", "master_secret_arn"),
            brief="ARN",
        ),
    ] = None,
    secret: Annotated[
        str | None, Parameter("name or ARN", also=_SECRET_NAMES, brief="name or ARN")
    ] = None,
    database: Annotated[
        str | None,
        Parameter(
            "identifier",
            also=(
                "db",
                "database_identifier",
                "db_instance",
                "db_instance_identifier",
                "instance",
            ),
            brief="",
        ),
    ] = None,
    function: Annotated[
        str | None,
        Parameter(
            "rotation function",
            also=("rotation_function", "function_name", "function_arn", "lambda_arn"),
            brief="name or ARN",
        ),
    ] = None,
    partner: Annotated[
        str | None, Parameter("secret type; custom: http, gitlab …", brief="")
    ] = None,
    metadata: Annotated[Json, Parameter("partner fields", document=True, brief="")] = None,
    schedule: Annotated[
        str | None,
        Parameter(
            "days, weekly, rate() or cron()",
            also=(
                "rotation_days",
                "days",
                "interval",
                "frequency",
                "automatically_after_days",
                "rotation_schedule",
                "rotation_interval",
            ),
            brief="",
        ),
    ] = None,
    window: Annotated[
        str | None, Parameter("such as 3h", also=("duration", "rotation_window"), brief="")
    ] = None,
) -> Answer:
    """Set up rotation: managed, at a partner, hosted by AWS, or by a Lambda function; what rotates at once."""
    return secret_rotation.rotation(
        rotation_files.RotationArguments(
            target=target,
            format=format_ or "cli",
            engine=engine,
            user=user,
            strategy=strategy,
            superuser_secret=superuser_secret,
            secret=secret,
            database=database,
            function=function,
            partner=partner,
            metadata=metadata,
            schedule=schedule,
            window=window,
        )
    )


@tool.action
def check(
    source: Source,
    progress: Progress,
    document: Annotated[
        Json,
        Parameter(
            "code instead of the account: files and folders, a template",
            document=True,
            policies=True,
            also=("template", "code", "files"),
            by_position=True,
            brief="code",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        Parameter("services or rule ids", brief="services, rules"),
    ] = None,
    trusted: Annotated[
        list[str] | None, Parameter("accounts that may read", brief="accounts")
    ] = None,
    limits: Limits = None,
    *,
    plaintext_values: Annotated[bool, Parameter("look into Strings", brief="")] = False,
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None,
) -> Answer:
    """Find what is wrong with an account's secrets, or in plain text in code, from names and shapes; no value is kept."""
    # Imported here: listing the tools must not load the checks.
    from aws_iam.tools.secrets import check as secret_check

    return secret_check.check(
        source,
        progress,
        document,
        scope,
        trusted,
        limits,
        plaintext_values=plaintext_values,
        save=save,
    )
