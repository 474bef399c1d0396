"""The tool `irsa`: which workload may get a role, without long-lived keys."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError
from aws_iam.modes import guide as pages
from aws_iam.modes.irsa_names import Names
from aws_iam.modes.irsa_providers import PROVIDERS, describe
from aws_iam.modes.irsa_workload import Request
from aws_iam.modes.parameters import AccountId, Topic
from aws_iam.modes.tool import Parameter, Tool
from aws_iam.policy.names import checked
from aws_iam.policy.reference import issuers
from aws_iam.policy.trust import TokenCaller

if TYPE_CHECKING:
    from aws_iam.modes.irsa_workload import Workload

tool = Tool(
    "irsa",
    title="Workload identity",
    description="Roles without keys for EKS pods (IRSA, Pod Identity) and CI jobs (GitHub, GitLab, …) by OIDC.",
    default="guide",
    live=False,
)

ProviderName = Literal[
    "eks",
    "pod_identity",
    "github",
    "gitlab",
    "bitbucket",
    "terraform_cloud",
    "circleci",
    "buildkite",
    "generic",
]


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the workload identity reference, or its contents."""
    return pages.guide("irsa-oidc", topic)


@tool.artifact_action
def trust_policy(
    provider: Annotated[ProviderName, Parameter("who vouches for the workload")],
    account: AccountId,
    names: Names,
    audience: Annotated[str | None, Parameter("token audience, if not the usual")] = None,
    partition: Annotated[str | None, Parameter("AWS partition, default aws")] = None,
) -> Answer:
    """Write the role trust policy that lets in exactly this workload, and how its provider is created."""
    # Inside the function: the guide must not pay for the validator and its data.
    from aws_iam.modes.policy_validate import validate
    from aws_iam.policy.catalog import catalog

    request = Request(
        names=names,
        account=checked("account", account, "account"),
        audience=audience,
        partition=partition and checked("partition", partition, "partition"),
    )
    workload = describe(provider, request)
    within = _partition(request, workload)
    text = json.dumps(_trust(workload, account, within), indent=2, ensure_ascii=False)
    set_up = Artifact(name="provider.sh", language="bash", content=_set_up(names, workload))
    policy = Artifact(
        name="trust-policy.json",
        language="json",
        content=text + "\n",
        checked_by="policy validate",
    )
    chosen = PROVIDERS[provider]
    return Answer(
        summary=f"{workload.words} may assume the role, and nobody else ({chosen.title}).",
        findings=tuple(validate(text, "trust")),
        artifacts=(policy, set_up),
        facts=_facts(workload, account, within),
        sources=(chosen.source, f"references/irsa-oidc.md#{chosen.section}"),
        next=(
            "aws-iam policy validate --document trust-policy.json --kind trust",
            f"aws-iam irsa guide --topic {chosen.section}",
        ),
        # The issuers' table and, for the validation, the service data: the answer is as old as the older one.
        as_of=min(issuers.as_of(), catalog().as_of),
    )


def _partition(request: Request, workload: Workload) -> str:
    if request.partition and workload.partition and request.partition != workload.partition:
        raise InputError(
            f"`partition` is `{request.partition}`, the cluster lies in `{workload.partition}`",
            hint="leave `partition` out: the cluster tells it",
        )
    return request.partition or workload.partition or "aws"


def _trust(workload: Workload, account: str, partition: str) -> dict[str, Any]:
    caller = workload.caller
    if isinstance(caller, TokenCaller):
        return caller.trust(account, partition)
    return caller.trust()


def _facts(workload: Workload, account: str, partition: str) -> dict[str, Any]:
    caller = workload.caller
    notes = {"notes": [{"note": each} for each in workload.notes]} if workload.notes else {}
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


def _set_up(names: Names, workload: Workload) -> str:
    """The commands that create what the trust policy names, once per account (Pod Identity: per cluster)."""
    region = ["--region", workload.region] if workload.region else []
    caller = workload.caller
    if not isinstance(caller, TokenCaller):
        cluster = caller.cluster.rpartition("/")[2]
        add = ["aws", "eks", "create-addon", "--cluster-name", cluster]
        add += ["--addon-name", "eks-pod-identity-agent", *region]
        return (
            f"# EKS Auto Mode has the agent built in: leave this out there.\n{shlex.join(add)}\n"
        )
    create = ["aws", "iam", "create-open-id-connect-provider"]
    create += ["--url", f"https://{caller.issuer}", "--client-id-list", caller.audience]
    lines = ["# Once per account; `aws iam list-open-id-connect-providers` shows those it has."]
    if names.cluster:
        eksctl = ["eksctl", "utils", "associate-iam-oidc-provider", "--cluster", names.cluster]
        lines.append(f"# The same by eksctl: {shlex.join([*eksctl, *region, '--approve'])}")
    return "\n".join((*lines, shlex.join(create))) + "\n"
