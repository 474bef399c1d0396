"""`secrets snippet`: how a workload reads a secret, keeps it for minutes, and fetches it anew when it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError
from aws_iam.tools.secrets.names import Named, filled, parameter_named, secret_named

if TYPE_CHECKING:
    from collections.abc import Callable

Runtime = Literal["lambda", "ecs", "eks", "ec2"]
StoreName = Literal["secrets_manager", "parameter_store"]
Style = Literal[
    "library",
    "powertools",
    "extension",
    "task_definition",
    "ascp",
    "external_secrets",
    "agent",
]

AS_OF = "2026-11-24"
_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"
_PAGE = "references/secrets-patterns.md"
_MOTO = "compiled and run against moto: a rotated secret, a refusal, no value in any output"
_SERVER = "compiled and run against a local server and moto: a rotated secret, a refusal, no value in any output"
_KUBERNETES = "kubernetes-validate (strict)"
_SCHEMA = "a JSON schema of the custom resource"
_POLICY = "policy validate, evaluate"
_TASK = "botocore's model of RegisterTaskDefinition, moto"
_CLI = "awscli's parser"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a snippet: from which asset, under which name, proved by what."""

    asset: str
    name: str
    language: str
    checked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One way to read a secret."""

    runtime: Runtime
    store: StoreName
    style: Style
    files: tuple[File, ...]
    freshness: str
    after_refusal: str
    source: str
    section: str
    notes: tuple[str, ...] = ()


def _python(asset: str, checked_by: str = _MOTO) -> File:
    return File(
        asset=f"{asset}.py", name="app_secret.py", language="python", checked_by=checked_by
    )


def _yaml(asset: str, checked_by: str) -> File:
    return File(
        asset=f"{asset}.yaml", name=f"{asset}.yaml", language="yaml", checked_by=checked_by
    )


_READ_SECRET = File(
    asset="read-secret.json", name="read-secret.json", language="json", checked_by=_POLICY
)
_READ_PARAMETER = File(
    asset="read-parameter.json", name="read-parameter.json", language="json", checked_by=_POLICY
)
_REDEPLOY = File(asset="redeploy.sh", name="redeploy.sh", language="bash", checked_by=_CLI)
_FIVE = "at most 300 seconds old"
_AT_ONCE = "fetched anew at once, once"
_LATENCY = (
    "the first read of an environment costs a call; further ones within the lifetime cost none"
)
_LAYER = "the layer's ARN differs by Region and architecture: take it from the source page"
_START = "ECS reads the secret at the task's start only, by the execution role; read-secret.json belongs to both roles"
_BUILD = "the agent is built from its source and put into your registry; the image name is a placeholder"

_READS: tuple[tuple[StoreName, File], ...] = (
    ("secrets_manager", _READ_SECRET),
    ("parameter_store", _READ_PARAMETER),
)

SNIPPETS: tuple[Snippet, ...] = (
    Snippet(
        runtime="lambda",
        store="secrets_manager",
        style="library",
        files=(_python("library"), _READ_SECRET),
        freshness=_FIVE,
        after_refusal=_AT_ONCE,
        source=f"{_GUIDE}/retrieving-secrets_cache-python.html",
        section="caching-in-lambda",
        notes=(_LATENCY, "the library's own lifetime is an hour; the code sets five minutes"),
    ),
    Snippet(
        runtime="lambda",
        store="secrets_manager",
        style="powertools",
        files=(_python("powertools"), _READ_SECRET),
        freshness=_FIVE,
        after_refusal=_AT_ONCE,
        source="https://docs.aws.amazon.com/powertools/python/latest/utilities/parameters/",
        section="caching-in-lambda",
        notes=(_LATENCY,),
    ),
    Snippet(
        runtime="lambda",
        store="secrets_manager",
        style="extension",
        files=(_python("extension", _SERVER), _READ_SECRET),
        freshness="at most SECRETS_MANAGER_TTL old, 300 seconds unless set",
        after_refusal="fetched past the extension, which keeps the old value until its lifetime ends",
        source=f"{_GUIDE}/retrieving-secrets_lambda.html",
        section="lambda-extension",
        notes=(_LAYER,),
    ),
    Snippet(
        runtime="lambda",
        store="parameter_store",
        style="library",
        files=(_python("kept_parameter"), _READ_PARAMETER),
        freshness=_FIVE,
        after_refusal=_AT_ONCE,
        source="https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
        section="caching-in-lambda",
        notes=("AWS's caching library is for Secrets Manager: this is boto3 alone",),
    ),
    Snippet(
        runtime="lambda",
        store="parameter_store",
        style="powertools",
        files=(_python("powertools_parameter"), _READ_PARAMETER),
        freshness=_FIVE,
        after_refusal=_AT_ONCE,
        source="https://docs.aws.amazon.com/powertools/python/latest/utilities/parameters/",
        section="caching-in-lambda",
    ),
    Snippet(
        runtime="lambda",
        store="parameter_store",
        style="extension",
        files=(_python("extension_parameter", _SERVER), _READ_PARAMETER),
        freshness="at most SSM_PARAMETER_STORE_TTL old, 300 seconds unless set",
        after_refusal="fetched past the extension, which keeps the old value until its lifetime ends",
        source="https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html",
        section="lambda-extension",
        notes=(_LAYER,),
    ),
    Snippet(
        runtime="ecs",
        store="secrets_manager",
        style="task_definition",
        files=(
            File(
                asset="task-definition.json",
                name="task-definition.json",
                language="json",
                checked_by=_TASK,
            ),
            _python("injected"),
            _READ_SECRET,
            _REDEPLOY,
        ),
        freshness="as old as the task",
        after_refusal=_AT_ONCE,
        source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html",
        section="ecs-eks-and-ec2",
        notes=(_START,),
    ),
    Snippet(
        runtime="ecs",
        store="parameter_store",
        style="task_definition",
        files=(
            File(
                asset="task-definition.json",
                name="task-definition.json",
                language="json",
                checked_by=_TASK,
            ),
            _python("injected_parameter"),
            _READ_PARAMETER,
            _REDEPLOY,
        ),
        freshness="as old as the task",
        after_refusal=_AT_ONCE,
        source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html",
        section="ecs-eks-and-ec2",
        notes=(
            _START.replace("secret", "parameter"),
            "a parameter shared by another account does not work here",
        ),
    ),
    Snippet(
        runtime="ecs",
        store="secrets_manager",
        style="agent",
        files=(
            File(
                asset="task-definition-agent.json",
                name="task-definition.json",
                language="json",
                checked_by=_TASK,
            ),
            _python("agent", _SERVER),
            _READ_SECRET,
        ),
        freshness=_FIVE,
        after_refusal="the agent fetches it anew at once, once (`refreshNow`)",
        source=f"{_GUIDE}/secrets-manager-agent.html",
        section="ecs-eks-and-ec2",
        notes=(_BUILD, "the containers of a task share the loopback only under `awsvpc`"),
    ),
    *(
        Snippet(
            runtime="eks",
            store=store,
            style="ascp",
            files=(
                _yaml("secret-provider-class", _SCHEMA),
                _yaml("mounted-csi", _KUBERNETES),
                _python("mounted"),
                read,
            ),
            freshness="the driver's rotation interval, 2 minutes unless set, once rotation is switched on",
            after_refusal="the code waits for the mounted file to change, then tries once",
            source=f"{_GUIDE}/integrating_ascp_csi.html",
            section="ecs-eks-and-ec2",
            notes=(
                "the driver is a DaemonSet: not for Fargate",
                "the role of the pod's ServiceAccount reads it: `aws-iam irsa trust_policy --provider pod_identity`",
            ),
        )
        for store, read in _READS
    ),
    *(
        Snippet(
            runtime="eks",
            store=store,
            style="external_secrets",
            files=(
                _yaml("external-secret", _SCHEMA),
                _yaml("mounted-secret", _KUBERNETES),
                _python("mounted"),
                read,
            ),
            freshness="`refreshInterval`, a minute here, and the kubelet's own delay",
            after_refusal="the code waits for the mounted file to change, then tries once",
            source="https://external-secrets.io/latest/provider/aws-secrets-manager/",
            section="ecs-eks-and-ec2",
            notes=(
                "the value lies in a Kubernetes Secret too: encrypt etcd with KMS and limit who reads Secrets",
                "every refresh of every secret is a call",
            ),
        )
        for store, read in _READS
    ),
    Snippet(
        runtime="eks",
        store="secrets_manager",
        style="agent",
        files=(_yaml("agent-sidecar", _KUBERNETES), _python("agent", _SERVER), _READ_SECRET),
        freshness=_FIVE,
        after_refusal="the agent fetches it anew at once, once (`refreshNow`)",
        source=f"{_GUIDE}/secrets-manager-agent.html",
        section="ecs-eks-and-ec2",
        notes=(_BUILD, "a sidecar with restartPolicy Always needs Kubernetes 1.29 or newer"),
    ),
    Snippet(
        runtime="ec2",
        store="secrets_manager",
        style="agent",
        files=(
            _python("agent", _SERVER),
            File(
                asset="agent.toml",
                name="config.toml",
                language="toml",
                checked_by="a TOML parser and the agent's list of settings",
            ),
            _READ_SECRET,
        ),
        freshness=_FIVE,
        after_refusal="the agent fetches it anew at once, once (`refreshNow`)",
        source=f"{_GUIDE}/secrets-manager-agent.html",
        section="ecs-eks-and-ec2",
        notes=(
            "read-secret.json belongs to the instance's role; require IMDSv2",
            "the group that may read the token file may read every secret the instance may",
        ),
    ),
    Snippet(
        runtime="ec2",
        store="secrets_manager",
        style="library",
        files=(_python("library"), _READ_SECRET),
        freshness=_FIVE,
        after_refusal=_AT_ONCE,
        source=f"{_GUIDE}/retrieving-secrets_cache-python.html",
        section="ecs-eks-and-ec2",
        notes=("read-secret.json belongs to the instance's role; require IMDSv2",),
    ),
    Snippet(
        runtime="ec2",
        store="parameter_store",
        style="library",
        files=(_python("kept_parameter"), _READ_PARAMETER),
        freshness=_FIVE,
        after_refusal=_AT_ONCE,
        source="https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
        section="ecs-eks-and-ec2",
        notes=(
            "read-parameter.json belongs to the instance's role; require IMDSv2",
            "the agent serves Secrets Manager only",
        ),
    ),
)
"""Every snippet; the first of a runtime and store is the one given when no style is named."""

_NAMES: dict[StoreName, Callable[[str], Named]] = {
    "secrets_manager": secret_named,
    "parameter_store": parameter_named,
}
_DEFAULTS: dict[StoreName, str] = {
    "secrets_manager": "prod/app/db",
    "parameter_store": "/prod/app/db",
}


def snippet(runtime: Runtime, store: StoreName, style: Style | None, secret: str | None) -> Answer:
    """The files of one way to read a secret."""
    chosen = _chosen(runtime, store, style)
    named = _NAMES[store](secret or _DEFAULTS[store])
    values = _values(chosen, named)
    others = [snippet.style for snippet in SNIPPETS if _is_for(snippet, runtime, store)]
    return Answer(
        summary=(
            f"{chosen.style} for {runtime} and {store.replace('_', ' ')}: the value is {chosen.freshness}; "
            f"after a refused authentication {chosen.after_refusal}. No value is logged."
        ),
        artifacts=tuple(
            Artifact(
                name=file.name,
                language=file.language,
                content=filled(f"snippets/{file.asset}", values),
                checked_by=file.checked_by,
            )
            for file in chosen.files
        ),
        facts={
            "runtime": runtime,
            "store": store,
            "style": chosen.style,
            "styles": others,
            "freshness": chosen.freshness,
            "after_refusal": chosen.after_refusal,
            "notes": [{"note": note} for note in (*chosen.notes, _key_note(store))],
            "placeholders": [
                {"replace": placeholder} for placeholder in _placeholders(chosen, named, values)
            ],
        },
        sources=(chosen.source, f"{_PAGE}#{chosen.section}"),
        next=(
            "aws-iam policy validate --document read-secret.json --kind identity"
            if store == "secrets_manager"
            else "aws-iam policy validate --document read-parameter.json --kind identity",
            "aws-iam secrets rotation --target custom --format cloudformation",
        )[: 2 if store == "secrets_manager" else 1],
        as_of=AS_OF,
    )


def _is_for(snippet: Snippet, runtime: Runtime, store: StoreName) -> bool:
    return (snippet.runtime, snippet.store) == (runtime, store)


def _chosen(runtime: Runtime, store: StoreName, style: Style | None) -> Snippet:
    fitting = [snippet for snippet in SNIPPETS if _is_for(snippet, runtime, store)]
    wanted = [snippet for snippet in fitting if style in (None, snippet.style)]
    if wanted:
        return wanted[0]
    elsewhere = [
        f"{snippet.runtime} with {snippet.store}" for snippet in SNIPPETS if snippet.style == style
    ]
    raise InputError(
        f"there is no `{style}` for `{runtime}` and `{store}`",
        hint=f"`style` is one of {', '.join(f'`{snippet.style}`' for snippet in fitting)} there; "
        f"`{style}` exists for {', '.join(elsewhere)}",
    )


def _values(chosen: Snippet, named: Named) -> dict[str, str]:
    secret = chosen.store == "secrets_manager"
    return {
        # By name only within the account: another account's secret is read by its ARN.
        "Secret": named.given,
        "SecretPattern": named.secret_pattern,
        "ParameterArn": named.parameter_arn,
        "Reference": named.secret_reference if secret else named.parameter_arn,
        "Account": named.account,
        "Region": named.region,
        "Partition": named.partition,
        "Namespace": "default",
        "ObjectType": "secretsmanager" if secret else "ssmparameter",
        "Service": "SecretsManager" if secret else "ParameterStore",
        "TokenFile": "/var/run/awssmatoken",
        "Wait": "150",
    }


def _placeholders(chosen: Snippet, named: Named, values: dict[str, str]) -> list[str]:
    """What in the files stands for something only the caller knows."""
    text = "".join(filled(f"snippets/{file.asset}", values) for file in chosen.files)
    marks = (*named.assumed, "-AbCdEf", "/app:1.0.0", "role/App", "namespace: default")
    return [mark for mark in marks if mark in text]


def _key_note(store: StoreName) -> str:
    service = "secretsmanager" if store == "secrets_manager" else "ssm"
    return (
        f"under a customer managed key the reader needs kms:Decrypt on it too, "
        f"with kms:ViaService {service}.REGION.amazonaws.com"
    )
