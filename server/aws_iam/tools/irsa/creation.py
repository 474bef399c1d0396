"""How what a trust policy needs is created: the OIDC provider and the role, or the agent, the role and the association.

As AWS CLI commands, CloudFormation or Terraform. The trust policy lies beside the file, or stands in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Artifact
from aws_iam.engine.tokens.role_trust import PodCaller, TokenCaller, may_assume
from aws_iam.tools.irsa.asset_files import filled, policy_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.irsa.names import Names
    from aws_iam.tools.irsa.provider import Workload

Format = Literal["cli", "cloudformation", "terraform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationFiles:
    """The files beside the trust policy, and what in them stands for a name that nobody gave."""

    files: tuple[Artifact, ...]
    placeholders: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Language:
    """How a format's files are called, and what proves them."""

    ending: str
    language: str
    checked_by: str


_LANGUAGES: Mapping[Format, _Language] = {
    "cli": _Language(
        ending="sh", language="bash", checked_by="awscli's parser, botocore's models"
    ),
    "cloudformation": _Language(ending="yaml", language="yaml", checked_by="cfn-lint"),
    "terraform": _Language(ending="tf", language="hcl", checked_by="python-hcl2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationRequest:
    """Where the role lives, and how it is to be created."""

    account: str
    partition: str
    format: Format


def creation_files(
    request: CreationRequest, names: Names, workload: Workload, trust: dict[str, Any]
) -> CreationFiles:
    """The files that create what the trust policy names."""
    caller = workload.caller
    if isinstance(caller, PodCaller):
        return _pods(request, names, workload, caller, trust)
    return _token(request, names, workload, caller, trust)


def _token(
    request: CreationRequest,
    names: Names,
    workload: Workload,
    caller: TokenCaller,
    trust: dict[str, Any],
) -> CreationFiles:
    role = _role_name(caller.sid)
    arn = caller.provider_arn(request.account, request.partition)
    by_url = "://" in caller.audience
    values = {
        "Url": f"https://{caller.issuer}",
        "Audience": caller.audience,
        # Version 1 of the AWS CLI would fetch a bare value that begins with https://.
        "Audiences": json.dumps([caller.audience]) if by_url else caller.audience,
        "AddAudience": json.dumps({"OpenIDConnectProviderArn": arn, "ClientID": caller.audience}),
        "ProviderArn": arn,
        "Role": role,
        "Cluster": names.cluster,
        "Region": workload.region,
    }
    return _files(request, "token", values, {"Trust": _by_provider(trust, arn)}, (), role)


def _pods(
    request: CreationRequest,
    names: Names,
    workload: Workload,
    caller: PodCaller,
    trust: dict[str, Any],
) -> CreationFiles:
    role = _role_name("PodIdentity")
    arn = f"arn:{request.partition}:iam::{request.account}:role/{role}"
    target = names.target_role
    values = {
        "Cluster": caller.cluster.rpartition("/")[2],
        "Region": workload.region,
        "Namespace": caller.namespace,
        "ServiceAccount": caller.service_account,
        "Role": role,
        "RoleArn": arn,
        # Only a target role's trust names this role: elsewhere CloudFormation may call it as it likes.
        "RoleWithTarget": role if target else None,
        "TargetRole": target,
    }
    policies = None
    beside: tuple[Artifact, ...] = ()
    if target:
        needed = may_assume(target)
        policies = _yaml(
            {"Policies": [{"PolicyName": "AssumeTargetRole", "PolicyDocument": needed}]}
        )
        beside = (
            policy_file("target-trust-policy.json", caller.target_trust(arn)),
            policy_file("assume-target-role.json", needed),
        )
    blocks = {"Trust": _yaml(trust), "Policies": policies}
    return _files(request, "pods", values, blocks, beside, role)


def _files(
    request: CreationRequest,
    kind: str,
    values: Mapping[str, str | None],
    blocks: Mapping[str, str | None],
    beside: tuple[Artifact, ...],
    role: str,
) -> CreationFiles:
    chosen = _LANGUAGES[request.format]
    content = filled(f"provider/{kind}.{chosen.ending}", values, blocks)
    if beside and request.format == "terraform":
        content += filled(f"provider/{kind}-target.tf", values)
    main = Artifact(
        name=f"provider.{chosen.ending}",
        language=chosen.language,
        content=content,
        checked_by=chosen.checked_by,
    )
    return CreationFiles(files=(main, *beside), placeholders=(role,) if role in content else ())


def _role_name(sid: str) -> str:
    """A name to replace: nobody says how the role is called when its trust is asked for."""
    return f"{sid}Role"


def _by_provider(trust: dict[str, Any], arn: str) -> str:
    """The trust policy in a template that may create the provider: then the role waits for it."""
    (statement,) = trust["Statement"]
    marked = {**statement, "Principal": {"Federated": "PROVIDER"}}
    either = f"!If [CreatesProvider, !Ref Provider, {json.dumps(arn)}]"
    return _yaml({**trust, "Statement": [marked]}).replace(
        "Federated: PROVIDER", f"Federated: {either}", 1
    )


def _yaml(document: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)
    return text
