"""Pulumi Cloud: ESC environments, and stacks of Pulumi Deployments."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.names import exactly_one
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_LEGACY = "default"
_KINDS = ("environment", "stack")
_ISSUER = "api.pulumi.com/oidc"
_DEPLOYMENTS = "https://www.pulumi.com/docs/deployments/guides/oidc/aws/"
_BY_ATTRIBUTES = "pulumi:environments:pulumi.organization.login"
_OPERATIONS = {"plan": "preview", "apply": "update"}


def _workload(request: Request) -> Workload:
    names = request.names
    given = names.need("owner", "platform_name")
    # Pulumi writes the names of organizations in lower case: https://www.pulumi.com/docs/deployments/guides/oidc/aws/
    organization = given.lower()
    project = names.need("project", "platform_name")
    lowered = (
        (f"Pulumi writes the organization as {quoted(organization)}",)
        if given != organization
        else ()
    )
    which = exactly_one(names, "pulumi", _KINDS)
    workload = _stack if which == "stack" else _environment
    return workload(request, organization, project, lowered)


def _environment(
    request: Request, organization: str, project: str, notes: tuple[str, ...]
) -> Workload:
    if request.names.run_phase:
        raise InputError(
            "`run_phase` does not fit an environment",
            hint="pass `stack` for Pulumi Deployments; an environment has no phases",
        )
    environment = request.names.need("environment", "platform_name")
    # Environments from before projects keep what they sent: https://www.pulumi.com/docs/esc/guides/configuring-oidc/
    old = project == _LEGACY
    audience = organization if old else f"aws:{organization}"
    name = environment if old else f"{project}/{environment}"
    subject = f"pulumi:environments:org:{organization}:env:{name}"
    caller = TokenCaller(
        sid="PulumiEnvironment",
        issuer=_ISSUER,
        audience=request.audience_or(audience),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Pulumi ESC environments whose subject is {subject}",
        notes=(
            *notes,
            (
                f"under `pulumi up` every environment sends `pulumi:environments:org:{organization}:env:<yaml>`, which this policy"
                " refuses: to let it in, set `subjectAttributes: [currentEnvironment.name]` beside `roleArn` in the environment, and"
                f" write `{_BY_ATTRIBUTES}:{organization}:currentEnvironment.name:{name}` as the subject here"
            ),
            "tokens of fn::open::oidc come from another issuer, api.pulumi.com/oidc/v2",
        ),
    )


def _stack(request: Request, organization: str, project: str, notes: tuple[str, ...]) -> Workload:
    if not request.names.run_phase:
        raise InputError(
            "provider `pulumi` needs `run_phase` beside `stack`",
            hint="plan for previews, apply for updates",
        )
    stack = request.names.need("stack", "platform_name")
    operation = _OPERATIONS[request.names.need("run_phase", "run_phase")]
    subject = f"pulumi:deploy:org:{organization}:project:{project}:stack:{stack}:operation:{operation}:scope:write"
    caller = TokenCaller(
        sid="PulumiDeployment",
        issuer=_ISSUER,
        audience=request.audience_or(organization),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Pulumi Deployments whose subject is {subject}",
        notes=(
            *notes,
            "use one role for preview, which only reads, and another for update",
            "refresh and destroy are operations of their own: add a subject for each that needs the role",
            "Pulumi recommends ESC instead: pass `environment`",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The environment, which opens a session of the role, or the settings of the stack's deployments."""
    names = request.names
    if names.stack:
        settings = manifest_file(
            "pulumi-deployments.yaml",
            "Pulumi.yaml",
            "a JSON schema after the properties of DeploymentSettings",
            place="a Pulumi program of its own; or the same settings under Settings, Deploy of the stack",
            values={
                **request.values,
                "Owner": (names.owner or "").lower(),
                "Project": names.project,
                "Stack": names.stack,
            },
        )
        return Manifest(files=(settings,), source=_DEPLOYMENTS)
    file = manifest_file(
        "pulumi.yaml",
        "environment.yaml",
        "a JSON schema after the properties of aws-login",
        place="pulumi env edit ORGANIZATION/PROJECT/ENVIRONMENT",
        values=request.values,
    )
    return Manifest(files=(file,), placeholders=(request.written_region,))


PROVIDER = Provider(
    title="Pulumi Cloud",
    source="https://www.pulumi.com/docs/esc/guides/configuring-oidc/aws/",
    section="deployment-platforms",
    needs=("owner", "project"),
    takes=("environment", "stack", "run_phase"),
    one_of=_KINDS,
    aliases={"repository": "project"},
    workload=_workload,
    manifest=_manifest,
    reasons={
        "run_phase": "plan for previews, apply for updates",
        "project": "the project of the environment; `default` for environments from before projects",
    },
)
