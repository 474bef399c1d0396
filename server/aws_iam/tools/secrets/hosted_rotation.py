"""`secrets rotation --user application`: AWS's own functions for the users of databases, one user or two that alternate."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import code_list, folded
from aws_iam.tools.secrets.names import filled_asset, secret_named
from aws_iam.tools.secrets.rotation_files import (
    API,
    DEFAULT_SCHEDULE,
    FORMATS,
    FUNCTION,
    GUIDE,
    PAGE,
    READING,
    RotationArguments,
    database_named,
    main_file,
    matching,
    placeholders,
    secret_values,
)
from aws_iam.tools.secrets.rotation_schedule import parse_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

# Characters that break connection strings, and those that the functions of some engines leave out themselves.
_EXCLUDED = "/@\"'\\;:$&<>|{}[]()` %"
_VERSION = re.compile(r"[\s:@_-]{0,3}v?\d{1,6}(?:\.\w{1,20}){0,8}[a-z]?$", re.ASCII)
_SUPERUSER = re.compile(
    r"arn:aws(?:-[a-z-]+)?:secretsmanager:[a-z0-9-]{5,32}:\d{12}:secret:[A-Za-z0-9/_+=.@!-]{1,512}-[A-Za-z0-9]{6}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A database engine whose users AWS has functions for."""

    name: str
    synonyms: list[str]
    targets: list[str]
    type: str
    application: str
    secret_engine: str
    port: int
    clone: str
    before: str
    removal: str
    note: str = ""
    clone_note: str = ""
    """What to know of two users that alternate."""
    superuser_always: bool = False


def engines() -> Mapping[str, Engine]:
    """The engines by name."""
    return {name: Engine(**row) for name, row in _data()["engines"].items()}


def by_hosted_function(arguments: RotationArguments) -> Answer:
    """The files that rotate an application's user by a function that AWS maintains."""
    engine = _engine(arguments)
    # Only alternating users need a superuser, but where every user does.
    implied = arguments.superuser_secret and not engine.superuser_always
    strategy = arguments.strategy or ("alternating" if implied else "single")
    superuser = _superuser(arguments, engine, strategy)
    database, assumed = database_named(arguments)
    function = matching(
        "function", arguments.function or "rotate-app-user", FUNCTION, "a function name"
    )
    secret = secret_named(arguments.secret or "prod/app/db", beside=superuser)
    schedule = parse_schedule(arguments.schedule or DEFAULT_SCHEDULE, arguments.window)
    ending = "SingleUser" if strategy == "single" else "MultiUser"
    target = _data()["targets"][arguments.target]
    values = secret_values(secret, schedule, arguments.format) | {
        "Database": database,
        "Function": function,
        "EngineName": engine.name,
        "RotationType": f"{engine.type}{ending}",
        "Application": f"{_repository(secret.partition)}/{engine.application}{ending}",
        "AttachmentType": target["attachment"],
        "Transform": _data()["transform"],
        "Port": str(engine.port),
        "Template": f"rotation-{arguments.target}.yaml",
        "YamlExcluded": json.dumps(_EXCLUDED),
        "TerraformExcluded": json.dumps(_EXCLUDED),
        "SecretTemplate": json.dumps(_fields(superuser)),
        "Superuser": _superuser_line(superuser, arguments),
    }
    files = _files(arguments, values, superuser, engine)
    users = (
        "one user"
        if strategy == "single"
        else f"two users that alternate (`app` and `app{engine.clone}`)"
    )
    return Answer(
        summary=(
            f"Rotation of an application's {engine.name} user by a function that AWS maintains, {users}, {schedule.text}. "
            "Nothing is rotated now. The master user is rotated by the service instead: pass `user: master`."
        ),
        artifacts=files,
        facts={
            "kind": "hosted",
            "target": arguments.target,
            "engine": engine.name,
            "strategy": strategy,
            "format": arguments.format,
            "rotation_type": values["RotationType"],
            "before": f"make the user in the database with the secret's password: {engine.before}",
            "rotates_at_once": [
                {
                    "step": "the rotation schedule",
                    "effect": "nothing is rotated immediately: the files disable it; `testSecret` runs once",
                }
            ],
            "schedule": schedule.text,
            "readers": _readers(strategy),
            "superuser": _superuser_words(superuser),
            **(
                {"unconfirmed": _PARAMETER}
                if superuser and arguments.format == "terraform"
                else {}
            ),
            **({"engine_note": note} if (note := _engine_note(engine, strategy)) else {}),
            "network": f"the function runs in the VPC of the database: the database's security group lets it in at port {engine.port}, "
            "and Secrets Manager is reached through a NAT gateway or the interface endpoint "
            f"com.amazonaws.{'REGION' if secret.assumed else secret.region}.secretsmanager",
            "permission": "the stack makes the function's role and lets Secrets Manager invoke it; secrets under your own KMS key "
            "also need KmsKeyArn (and SuperuserSecretKmsKeyArn)",
            "cleaning_up": _cleaning_up(strategy, engine),
            "deploy": _deployment(arguments, function),
            "placeholders": placeholders((*assumed, *secret.assumed), files),
        },
        sources=(
            *_data()["sources"],
            f"{GUIDE}/rotation-strategy.html",
            API,
            PAGE,
        ),
        next=(READING,),
        as_of=_data()["as_of"],
    )


def _data() -> dict[str, Any]:
    data: dict[str, Any] = resources.data("hosted-rotation.json")
    return data


def _repository(partition: str) -> str:
    repositories: dict[str, str] = _data()["repositories"]
    if partition in repositories:
        return repositories[partition]
    raise InputError(
        f"no repository of AWS's rotation functions is known for the partition {quoted(partition)}",
        hint=f"known are {code_list(repositories)}",
    )


def _engine(arguments: RotationArguments) -> Engine:
    fitting = {
        name: engine for name, engine in engines().items() if arguments.target in engine.targets
    }
    if arguments.engine is None:
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        raise InputError(
            f"`engine` is missing: {arguments.target} has several",
            hint=f"give {code_list(fitting)}",
        )
    known = {folded(word): fitting[name] for name in fitting for word in _names(name)}
    wanted = arguments.engine.strip().lower()
    for word in (wanted, _VERSION.sub("", wanted)):
        if folded(word) in known:
            return known[folded(word)]
    near = closest(wanted, fitting)
    raise InputError(
        f"`engine` {quoted(arguments.engine, 80)} is not one of {arguments.target} that AWS has a rotation function for",
        hint=f"did you mean `{near}`?" if near else f"give {code_list(fitting)}",
    )


def _names(name: str) -> tuple[str, ...]:
    return name, *engines()[name].synonyms


def understood_engine(text: str | None) -> list[str]:
    """How an engine with its version was understood: the rotation functions know engines alone."""
    wanted = (text or "").strip().lower()
    by_word = {folded(word): name for name in engines() for word in _names(name)}
    without = folded(_VERSION.sub("", wanted))
    if folded(wanted) in by_word or without not in by_word:
        return []
    return [f"`engine` {quoted(text or '', 80)} as `{by_word[without]}`, without the version"]


def _superuser(arguments: RotationArguments, engine: Engine, strategy: str) -> str:
    needed = strategy == "alternating" or engine.superuser_always
    arn = arguments.superuser_secret
    if needed and arn is None:
        why = "alternating users need" if strategy == "alternating" else f"{engine.name} needs"
        raise InputError(
            f"`superuser_secret` is missing: {why} the secret of a user that may make users and set passwords",
            hint="give its full ARN, such as that of the managed master user: `aws rds describe-db-instances "
            "--query 'DBInstances[].MasterUserSecret.SecretArn'`",
        )
    if arn is None:
        return ""
    if not needed:
        raise InputError(
            "`superuser_secret` does not apply to the strategy `single`: the user changes its own password",
            hint="leave it out, or give `strategy` `alternating`",
        )
    if not _SUPERUSER.fullmatch(arn):
        raise InputError(
            f"`superuser_secret` {quoted(arn, 200)} is not a full ARN of a secret",
            hint="such as `arn:aws:secretsmanager:eu-west-1:111122223333:secret:NAME-AbCdEf`, with the six characters at its end",
        )
    return arn


def _fields(superuser: str) -> dict[str, str]:
    return {"username": "app"} | ({"masterarn": superuser} if superuser else {})


def _superuser_line(superuser: str, arguments: RotationArguments) -> str:
    if not superuser:
        return ""
    if arguments.format == "terraform":
        return f'    superuserSecretArn  = "{superuser}"'
    return f'        SuperuserSecretArn: "{superuser}"'


def _files(
    arguments: RotationArguments, values: Mapping[str, str], superuser: str, engine: Engine
) -> tuple[Artifact, ...]:
    ending = FORMATS[arguments.format].ending
    main = main_file(
        arguments, _without_empty_lines(filled_asset(f"rotation/hosted.{ending}", values))
    )
    if arguments.format == "cli":
        yaml = FORMATS["cloudformation"]
        template = Artifact(
            name=values["Template"],
            language=yaml.language,
            content=_without_empty_lines(filled_asset("rotation/hosted.yaml", values)),
            checked_by=yaml.checked_by,
        )
        return main, template
    if arguments.format == "terraform":
        return main, _secret_json(superuser, engine)
    return (main,)


def _without_empty_lines(text: str) -> str:
    """The file without the line that a placeholder left empty."""
    return text.replace("!Ref SubnetIds]\n\n", "!Ref SubnetIds]\n").replace(
        "\n\n  }\n}", "\n  }\n}"
    )


def _secret_json(superuser: str, engine: Engine) -> Artifact:
    fields = {
        "engine": engine.secret_engine,
        "host": "DATABASE_ENDPOINT",
        "port": engine.port,
        "dbname": "DATABASE_NAME",
        "password": "REPLACE_ME",
        **_fields(superuser),
    }
    return Artifact(
        name="secret.json",
        language="json",
        content=json.dumps(fields, indent=2) + "\n",
        checked_by="the fields that AWS's function reads",
    )


def _readers(strategy: str) -> str:
    if strategy == "single":
        return (
            "between the database and the secret there is a short gap in which the old password is refused: readers refetch "
            "and try again"
        )
    return "no gap: the previous user stays valid until the next rotation; the user name in the secret changes with each rotation"


def _engine_note(engine: Engine, strategy: str) -> str:
    notes = (engine.note, engine.clone_note if strategy == "alternating" else "")
    return "; ".join(filter(None, notes))


# https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-secretsmanager/lib/secret-rotation.ts passes the other one.
_PARAMETER = (
    "that the application takes the superuser's secret as `superuserSecretArn`: Terraform configurations in use pass it so, the AWS"
    " CDK passes `masterSecretArn`, and no page of AWS lists the parameters; `aws serverlessrepo get-application --application-id ARN"
    "` shows them"
)


def _superuser_words(superuser: str) -> str:
    if not superuser:
        return "not needed: the user changes its own password"
    return (
        "the function may read that secret and finds its ARN in the rotated secret's `masterarn`; both secrets name the same host, "
        "unless RDS manages the superuser's secret of an instance (for clusters this is unconfirmed)"
    )


def _cleaning_up(strategy: str, engine: Engine) -> str:
    stack = "delete the stack (the secret is kept) and the function's log group"
    if strategy == "single":
        return stack
    return (
        f"{stack}; the second user stays in the database: when the secret holds `app` (rotate once more if it holds "
        f"`app{engine.clone}`), remove it as the superuser: {engine.removal}"
    )


def _deployment(arguments: RotationArguments, function: str) -> str:
    name = f"rotation-{arguments.target}.{FORMATS[arguments.format].ending}"
    return {
        "cli": f"VPC_ID=… SUBNET_IDS=… DATABASE_SECURITY_GROUP_ID=… bash {name}",
        "cloudformation": f"aws cloudformation deploy --template-file {name} --stack-name {function} --capabilities CAPABILITY_IAM "
        "CAPABILITY_AUTO_EXPAND --parameter-overrides VpcId=… SubnetIds=… DatabaseSecurityGroupId=…",
        "terraform": f"aws secretsmanager create-secret --name {arguments.secret or 'prod/app/db'} --secret-string file://secret.json, then "
        "terraform init && terraform apply",
    }[arguments.format]
