"""The tool `irsa`: roles for workloads, without long-lived keys."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_iam.answer import Answer, next_call
from aws_iam.engine.language.aws_names import checked_account, checked_name
from aws_iam.engine.reference import issuers
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.tools.irsa.asset_files import policy_file
from aws_iam.tools.irsa.creation import TRUST_POLICY, CreationRequest, Format, creation_files
from aws_iam.tools.irsa.names import Names, understood_names
from aws_iam.tools.irsa.provider import Request, one_column
from aws_iam.tools.irsa.provider_catalogue import PROVIDERS, describe, lacking, understood
from aws_iam.tools.kit import argument_values
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit.parameters import (
    ACCOUNT_NAMES,
    TRUST_POLICY_NAMES,
    AccountId,
    Source,
    Topic,
    TrustPolicy,
)
from aws_iam.tools.kit.synonyms import FORMATS, TEXT
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool, with_understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.irsa.provider import Workload

tool = Tool(
    "irsa",
    title="Workload identity",
    subject="GitHub Actions, GitLab, Terraform Cloud, EKS pods (IRSA, Pod Identity) to AWS without keys, by OIDC",
    asked={
        "trust_policy": "role trust policy",
        "manifest": "ServiceAccount, CI workflow",
        "denied": "AssumeRoleWithWebIdentity or token refused",
        "check": "is the trust safe, do manifests match",
        "guide": "how it works",
    },
    default="guide",
    also={
        "trust": "trust_policy",
        "generate": "trust_policy",
        "create_trust_policy": "trust_policy",
        "manifests": "manifest",
        "workflow": "manifest",
        "service_account": "manifest",
        "troubleshoot": "denied",
        "why_denied": "denied",
        "debug": "denied",
        "access_denied": "denied",
        "audit": "check",
        "scan": "check",
        "validate": "check",
        "review": "check",
        "help": "guide",
    },
)

if TYPE_CHECKING:
    ProviderName = str
else:
    # The choices are the files in `providers/`.
    ProviderName = Literal[tuple(PROVIDERS)]


_PROVIDERS = {
    "github actions": "github",
    "github enterprise": "github",
    "gitlab ci": "gitlab",
    "irsa": "eks",
    "eks pod identity": "pod_identity",
    "tfc": "terraform_cloud",
    "hcp": "terraform_cloud",
    "hcp terraform": "terraform_cloud",
    "hcp terraform stacks": "hcp_stack",
    "bitbucket pipelines": "bitbucket",
    "circle ci": "circleci",
    "entra id": "entra",
    "azure ad": "entra",
    "azure": "entra",
    "azure pipelines": "azure_devops",
    "google cloud": "google",
    "gcp": "google",
    "pulumi cloud": "pulumi",
    "fly.io": "fly",
    "k8s": "kubernetes",
    "spire": "spiffe",
    "oidc": "generic",
    "auth0": "generic",
    "keycloak": "generic",
    "okta": "generic",
}


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the workload identity reference, or its contents."""
    # Imported here: the checks are slow to load, and the other actions do not need them.
    from aws_iam.tools.irsa import checks_page

    return pages.guide("irsa-oidc", topic, checks_page.explained)


@tool.artifact_action
def trust_policy(
    provider: Annotated[
        ProviderName, Parameter("the platform", synonyms=_PROVIDERS, brief="", by_position=True)
    ],
    account: AccountId,
    names: Names,
    audience: Annotated[
        str | None, Parameter("the token's audience, if unusual", brief="")
    ] = None,
    partition: Annotated[str | None, Parameter("AWS partition", brief="")] = None,
    format_: Annotated[
        Format | None,
        Parameter("how it is created; default cli", brief="", synonyms=FORMATS, left_out=TEXT),
    ] = None,
) -> Answer:
    """Write the role trust policy that lets in exactly this workload, and the files that create its provider."""
    # Inside the function: `guide` does not need the validator and its data.
    from aws_iam.engine.reference.catalog import catalog
    from aws_iam.rules.policy.run import validate

    account = checked_account("account", account)
    request = Request(
        names=names,
        account=account,
        audience=audience,
        partition=partition and checked_name("partition", partition, "partition"),
    )
    workload = describe(provider, request)
    within = _partition(request, workload)
    trust = _trust(workload, account, within)
    policy = policy_file(TRUST_POLICY, trust)
    creation = CreationRequest(account=account, partition=within, format=format_ or "cli")
    created = creation_files(creation, names, workload, trust)
    chosen = PROVIDERS[provider]
    answer = Answer(
        summary=f"{workload.description} may assume the role, and nobody else ({chosen.title}).",
        findings=tuple(validate(policy.content, "trust")),
        # The file that was asked for comes first; a template and Terraform hold the trust policy themselves.
        artifacts=(created.main, *created.policies)
        if format_
        else (policy, created.main, *created.policies[1:]),
        facts=_facts(workload, account, within)
        | {
            "format": creation.format,
            **one_column("placeholders", "replace", created.placeholders),
        },
        sources=(chosen.source, f"references/irsa-oidc.md#{chosen.section}"),
        next=(
            next_call(
                "irsa",
                "guide",
                f"how {chosen.title} signs in, and what to look out for",
                topic=chosen.section,
            ),
        ),
        # The facts on issuers and, for the validation, the service data.
        as_of=min(issuers.as_of(), catalog().as_of),
    )
    return with_understood(answer, understood_names(names, understood(names, chosen)))


def _lacking(given: Mapping[str, Any]) -> str:
    """The names that the provider needs, where `account` is missing too."""
    if "provider" not in given:
        return ""
    (argument,) = (a for a in tool.actions["trust_policy"].arguments if a.name == "provider")
    try:
        provider = argument_values.read(argument, given["provider"]).value
    except InputError:
        return ""
    own = {member.name for member in fields(Names)}
    texts: dict[str, Any] = {
        n: v for n, v in given.items() if n in own and isinstance(v, (str, bool))
    }
    return lacking(provider, Names(**texts)) if provider in PROVIDERS else ""


tool.lacking["trust_policy"] = _lacking


@tool.artifact_action
def manifest(
    provider: Annotated[
        ProviderName, Parameter("the platform", synonyms=_PROVIDERS, brief="", by_position=True)
    ],
    role: Annotated[
        str,
        Parameter(
            "ARN of the workload's role, or its name with `account`",
            also=(
                "role_arn",
                "role_name",
                "iam_role",
            ),
            brief="ARN or name",
        ),
    ],
    names: Names,
    audience: Annotated[
        str | None, Parameter("the token's audience, if unusual", brief="")
    ] = None,
    account: Annotated[str | None, Parameter("12-digit account id", also=ACCOUNT_NAMES)] = None,
) -> Answer:
    """Write the files that make the workload use its role: Kubernetes manifests, CI jobs."""
    from aws_iam.tools.irsa import manifest as irsa_manifest

    return irsa_manifest.manifest(provider, role, names, audience, account)


@tool.artifact_action
def denied(
    document: TrustPolicy = None,
    claims: Annotated[
        Json,
        Parameter(
            "the token's claims",
            document=True,
            also=(
                "token_claims",
                "jwt_claims",
                "id_token_claims",
            ),
            brief="",
        ),
    ] = None,
    token: Annotated[
        Json,
        Parameter(
            "or the token",
            document=True,
            as_text=True,
            also=(
                "jwt",
                "id_token",
                "oidc_token",
                "web_identity_token",
            ),
            brief="",
        ),
    ] = None,
    jwks: Annotated[
        Json,
        Parameter(
            "its key set, or fetch",
            document=True,
            as_text=True,
            choices=("fetch",),
            brief="keys, or fetch",
        ),
    ] = None,
    account: Annotated[str | None, Parameter("12-digit account id", also=ACCOUNT_NAMES)] = None,
    message: Annotated[
        str | None,
        Parameter(
            "the error text, with or without a policy",
            also=("error", "error_message"),
            unlisted=True,
        ),
    ] = None,
) -> Answer:
    """Show which condition of a trust policy a token fails, and write the policy that lets it in."""
    from aws_iam.tools.irsa.denied import denied as irsa_denied

    return irsa_denied.denied(document, claims, token, jwks, account, message)


@tool.action
def check(
    source: Source,
    progress: Progress,
    document: Annotated[
        Json,
        Parameter(
            "trust policy; absent: the account",
            document=True,
            policies=True,
            also=TRUST_POLICY_NAMES,
            by_position=True,
        ),
    ] = None,
    manifests: Annotated[
        Json,
        Parameter(
            "Kubernetes manifests, GitHub workflows, GitLab CI files",
            also=("manifest", "workflow", "workflows", "service_account_manifest"),
            document=True,
            policies=True,
            brief="Kubernetes, CI workflows",
        ),
    ] = None,
    owner: Annotated[
        str | None,
        Parameter(
            "owner, group, workspace or organization",
            brief="or group, organization",
            also=("organization", "org", "group"),
        ),
    ] = None,
    repository: Annotated[
        str | None,
        Parameter(
            "repository, project or pipeline",
            brief="or project, pipeline",
            also=("repo", "repository_name", "pipeline"),
        ),
    ] = None,
    kube_context: Annotated[
        str | None, Parameter("context of your kubeconfig to read them from", cli_only=True)
    ] = None,
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None,
) -> Answer:
    """Check trust policies, or an account's providers, clusters, associations and annotations."""
    from aws_iam.tools.irsa import check as irsa_check

    return irsa_check.check(
        document,
        source,
        manifests,
        kube_context,
        progress,
        owner=owner,
        repository=repository,
        save=save,
    )


def _partition(request: Request, workload: Workload) -> str:
    if request.partition and workload.partition and request.partition != workload.partition:
        raise InputError(
            f"`partition` is `{request.partition}`, but the cluster is in `{workload.partition}`",
            hint="leave out `partition`: the cluster determines it",
        )
    return request.partition or workload.partition or "aws"


def _trust(workload: Workload, account: str, partition: str) -> dict[str, Any]:
    caller = workload.caller
    if isinstance(caller, TokenCaller):
        return caller.trust(account, partition)
    return caller.trust()


def _facts(workload: Workload, account: str, partition: str) -> dict[str, Any]:
    caller = workload.caller
    notes = one_column("notes", "note", workload.notes)
    if not isinstance(caller, TokenCaller):
        return {"principal": "pods.eks.amazonaws.com", "cluster": caller.cluster, **notes}
    return {
        "issuer": f"https://{caller.issuer}",
        "provider_arn": caller.provider_arn(account, partition),
        "audience": caller.audience,
        "subject": caller.subject,
        "subject_is": "a pattern" if caller.open_subject else "exact",
        **({"claims": dict(caller.claims)} if caller.claims else {}),
        **notes,
    }
