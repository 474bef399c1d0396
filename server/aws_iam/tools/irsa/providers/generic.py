"""Workload identity of the other CI systems, and of any issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference import issuers
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.providers.names import exactly_one
from aws_iam.tools.irsa.providers.provider import Provider, Request, Workload, bare_ref

if TYPE_CHECKING:
    from aws_iam.tools.irsa.providers.names import Names


def _gitlab(request: Request) -> Workload:
    names = request.names
    host = request.host() or "gitlab.com"
    claims = _gitlab_ids(names, host)
    subject = _gitlab_subject(names)
    caller = TokenCaller(
        sid="GitLabJob",
        issuer=host,
        audience=request.heard(f"https://{host}"),
        subject=subject,
        claims=claims,
    )
    unpinned = (
        "a group or project path can be taken by others once it is free: give owner_id (namespace id) "
        "and repository_id (project id) to pin it"
    )
    return Workload(
        caller=caller,
        words=f"GitLab jobs whose subject is {subject}",
        notes=(
            *((unpinned,) if host == "gitlab.com" and not claims else ()),
            f"the job asks for the token with `id_tokens: … aud: {caller.audience}`",
        ),
    )


def _gitlab_ids(names: Names, host: str) -> dict[str, str]:
    mapped = {"owner_id": "namespace_id", "repository_id": "project_id"}
    for name, claim in mapped.items():
        if name in names.given and claim not in issuers.mapped_claims(host):
            raise InputError(
                f"`{name}` does not fit issuer {quoted(host)}",
                hint=f"AWS maps {claim} for gitlab.com only: elsewhere such a condition never matches",
            )
    return {
        claim: names.need(name, "number_id")
        for name, claim in mapped.items()
        if name in names.given
    }


def _gitlab_subject(names: Names) -> str:
    if names.subject:
        subject = names.need("subject", "subject")
        if not subject.startswith("project_path:"):
            raise InputError(
                f"`subject` {quoted(subject)} is none of GitLab's",
                hint="it begins with project_path:",
            )
        return subject
    kind = exactly_one(names, "gitlab", ("branch", "tag"))
    group = names.need("owner", "gitlab_path")
    project = names.need("repository", "gitlab_project")
    return f"project_path:{group}/{project}:ref_type:{kind}:ref:{bare_ref(names, kind)}"


_ANY_ENVIRONMENT = "steps of every branch and deployment environment are let in: give `environment` (its UUID) to pin one"


def _bitbucket(request: Request) -> Workload:
    names = request.names
    workspace = names.need("owner", "slug")
    workspace_id = names.find("owner_id", "uuid")
    if not (workspace_id or request.audience):
        raise InputError(
            "provider `bitbucket` needs `owner_id` or `audience`",
            hint="the audience is ari:cloud:bitbucket::workspace/UUID unless the step asks for another",
        )
    repository = _braced(names.repository_id or "", "repository_id")
    environment = f":{_braced(names.environment, 'environment')}" if names.environment else ""
    caller = TokenCaller(
        sid="BitbucketStep",
        issuer=f"api.bitbucket.org/2.0/workspaces/{workspace}/pipelines-config/identity/oidc",
        audience=request.heard(f"ari:cloud:bitbucket::workspace/{workspace_id}"),
        subject=f"{repository}{environment}:*",
        open_subject=True,
    )
    return Workload(
        caller=caller,
        words=f"Bitbucket Pipelines steps of repository {repository}",
        notes=(
            "the subject ends in a UUID that every step gets anew, so that its end is open",
            *(() if environment else (_ANY_ENVIRONMENT,)),
            "this form of the subject is known from users, not from Atlassian's own reference: try it with one step",
        ),
    )


def _braced(text: str, name: str) -> str:
    return "{" + checked(name, text.removeprefix("{").removesuffix("}").lower(), "uuid") + "}"


def _terraform_cloud(request: Request) -> Workload:
    names = request.names
    parts = {
        "organization": names.need("owner", "hcp_name"),
        "project": names.need("repository", "hcp_name"),
        "workspace": names.need("workspace", "hcp_name"),
        "run_phase": names.need("run_phase", "run_phase"),
    }
    subject = ":".join(f"{name}:{value}" for name, value in parts.items())
    caller = TokenCaller(
        sid="TerraformRun",
        issuer=request.host() or "app.terraform.io",
        audience=request.heard("aws.workload.identity"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        words=f"HCP Terraform runs whose subject is {subject}",
        notes=("give plan and apply a role each: the first only reads",),
    )


def _circleci(request: Request) -> Workload:
    names = request.names
    organization = names.need("owner_id", "uuid")
    project = names.need("repository_id", "uuid")
    caller = TokenCaller(
        sid="CircleCiJob",
        issuer=f"oidc.circleci.com/org/{organization}",
        audience=request.heard(organization),
        subject=f"org/{organization}/project/{project}/user/*",
        open_subject=True,
        claims={"oidc.circleci.com/project-id": project},
    )
    return Workload(
        caller=caller,
        words=f"CircleCI jobs of project {project}",
        notes=("the subject ends in the id of whoever started the job, so that its end is open",),
    )


def _buildkite(request: Request) -> Workload:
    names = request.names
    kind = exactly_one(names, "buildkite", ("branch", "tag"))
    organization, pipeline = names.need("owner", "slug"), names.need("repository", "slug")
    folder = {"branch": "refs/heads/", "tag": "refs/tags/"}[kind]
    ref = f"{folder}{bare_ref(names, kind)}"
    ids = {"owner_id": "organization_id", "repository_id": "pipeline_id"}
    caller = TokenCaller(
        sid="BuildkiteJob",
        issuer="agent.buildkite.com",
        audience=request.heard("sts.amazonaws.com"),
        subject=f"organization:{organization}:pipeline:{pipeline}:ref:{ref}:commit:*",
        open_subject=True,
        claims={
            claim: names.need(name, "uuid") for name, claim in ids.items() if name in names.given
        },
    )
    return Workload(
        caller=caller,
        words=f"Buildkite jobs of {organization}/{pipeline} on {ref}",
        notes=(
            "the subject ends in commit and step, so that its end is open",
            "the agent asks for the token: buildkite-agent oidc request-token --audience "
            + caller.audience,
        ),
    )


def _generic(request: Request) -> Workload:
    names = request.names
    host = request.host() or ""
    known = issuers.issuer_of(host)
    if known and known.built_in:
        raise InputError(
            f"issuer {quoted(host)} is built into AWS",
            hint="no provider is created for it: the host itself is the principal of the trust policy",
        )
    if known and known.requires not in (None, "aud", "sub"):
        raise InputError(
            f"AWS takes no trust policy for issuer {quoted(host)} that does not test `{known.requires}`",
            hint="no name here gives it: start from what the vendor writes, and judge it by `irsa check`",
        )
    if not request.audience:
        raise InputError(
            "provider `generic` needs `audience`",
            hint="the token's `aud`, or `azp` where it has one",
        )
    subject = names.need("subject", "subject")
    caller = TokenCaller(sid="Workload", issuer=host, audience=request.heard(""), subject=subject)
    return Workload(
        caller=caller,
        words=f"Callers with a token of {host} whose subject is {subject}",
        notes=(f"this is the issuer of {known.title}: {known.subject[0]}",)
        if known and known.subject
        else (),
    )


GITLAB = Provider(
    title="GitLab CI",
    source="https://docs.gitlab.com/ci/cloud_services/aws/",
    section="gitlab-trust",
    needs=("owner", "repository"),
    takes=("owner_id", "repository_id", "branch", "tag", "issuer", "subject"),
    workload=_gitlab,
    reasons=dict.fromkeys(
        ("environment", "pull_request"),
        "GitLab's subject carries branch or tag, and AWS maps no such claim: give `branch` or `tag`",
    ),
)

BITBUCKET = Provider(
    title="Bitbucket Pipelines",
    source="https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-aws-using-bitbucket-pipelines-openid-connect/",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository_id"),
    takes=("owner_id", "environment"),
    workload=_bitbucket,
    reasons={
        "repository": "the subject carries the repository's UUID: give `repository_id`",
        "repository_id": "the repository's UUID stands under Repository settings, OpenID Connect",
        **dict.fromkeys(
            ("branch", "tag"),
            "the subject carries no ref: limit a deployment `environment` (its UUID) to branches instead",
        ),
    },
)

TERRAFORM_CLOUD = Provider(
    title="HCP Terraform",
    source="https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository", "workspace", "run_phase"),
    takes=("issuer",),
    workload=_terraform_cloud,
    reasons={"repository": "the project, `Default Project` unless it was moved"},
)

CIRCLECI = Provider(
    title="CircleCI",
    source="https://circleci.com/docs/openid-connect-tokens/",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner_id", "repository_id"),
    workload=_circleci,
    reasons=dict.fromkeys(
        ("branch", "tag"),
        "the subject holds the ref behind parts that stay open, so that a branch's name could imitate another",
    ),
)

BUILDKITE = Provider(
    title="Buildkite",
    source="https://buildkite.com/docs/pipelines/security/oidc/aws",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository"),
    takes=("owner_id", "repository_id", "branch", "tag"),
    workload=_buildkite,
)

GENERIC = Provider(
    title="another OIDC issuer",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
    section="any-other-issuer",
    needs=("issuer", "subject"),
    workload=_generic,
)
