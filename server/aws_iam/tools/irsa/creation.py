"""The files that create what a trust policy needs: the OIDC provider and the role, or the EKS agent, role and association.

They are AWS CLI commands, which read the policies from files beside them, or CloudFormation or Terraform, which hold them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Artifact
from aws_iam.engine.tokens.role_trust import PodCaller, TokenCaller, may_assume
from aws_iam.tools.irsa.asset_files import filled, policy_file
from aws_iam.tools.kit.terraform_json import terraform_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.irsa.names import Names
    from aws_iam.tools.irsa.provider import Workload

Format = Literal["cli", "cloudformation", "terraform"]

TRUST_POLICY = "trust-policy.json"
"""The file of the role's trust policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationFiles:
    """The file that creates everything, the policies that it reads or that belong elsewhere, and the placeholders in it."""

    main: Artifact
    policies: tuple[Artifact, ...]
    placeholders: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Language:
    """What a format's files are called, and what validates them."""

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
    """Where the role is, and the format of the files."""

    account: str
    partition: str
    format: Format


def creation_files(
    request: CreationRequest, names: Names, workload: Workload, trust: dict[str, Any]
) -> CreationFiles:
    """The files that create the role, and the provider or association it needs."""
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
    kind = "role" if caller.is_built_in else "token"
    in_template = _yaml(trust) if caller.is_built_in else _by_provider(trust, arn)
    blocks = {"Trust": terraform_json(trust) if request.format == "terraform" else in_template}
    return _created(request, _filled(request, kind, values, blocks), trust, (), role)


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
        # Only a target role's trust policy names this role: without one CloudFormation may choose the name.
        "RoleWithTarget": role if target else None,
        "TargetRole": target,
    }
    in_terraform = request.format == "terraform"
    blocks: dict[str, str | None] = {
        "Trust": terraform_json(trust) if in_terraform else _yaml(trust),
        "Policies": None,
    }
    if not target:
        return _created(request, _filled(request, "pods", values, blocks), trust, (), role)
    needed = may_assume(target)
    blocks["Policies"] = _yaml(
        {"Policies": [{"PolicyName": "AssumeTargetRole", "PolicyDocument": needed}]}
    )
    content = _filled(request, "pods", values, blocks)
    if in_terraform:
        content += filled("provider/pods-target.tf", values, {"Policy": terraform_json(needed)})
    policies = (
        policy_file("target-trust-policy.json", caller.target_trust(arn)),
        *((policy_file("assume-target-role.json", needed),) if request.format == "cli" else ()),
    )
    return _created(request, content, trust, policies, role)


def _filled(
    request: CreationRequest,
    kind: str,
    values: Mapping[str, str | None],
    blocks: Mapping[str, str | None],
) -> str:
    return filled(f"provider/{kind}.{_LANGUAGES[request.format].ending}", values, blocks)


def _created(
    request: CreationRequest,
    content: str,
    trust: dict[str, Any],
    policies: tuple[Artifact, ...],
    role: str,
) -> CreationFiles:
    chosen = _LANGUAGES[request.format]
    main = Artifact(
        name=f"provider.{chosen.ending}",
        language=chosen.language,
        content=content,
        checked_by=chosen.checked_by,
    )
    own = (policy_file(TRUST_POLICY, trust),) if request.format == "cli" else ()
    return CreationFiles(
        main=main, policies=(*own, *policies), placeholders=(role,) if role in content else ()
    )


def _role_name(sid: str) -> str:
    """A placeholder: the caller does not say what the role is to be called."""
    return f"{sid}Role"


def _by_provider(trust: dict[str, Any], arn: str) -> str:
    """The trust policy in a template that creates the provider if asked to: then the role depends on it."""
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
