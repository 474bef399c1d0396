"""`irsa manifest`: the files that make a workload use its role, for every provider."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Answer
from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference.partition import partition_of
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.tools.irsa.manifest import generic as ci
from aws_iam.tools.irsa.manifest import kubernetes
from aws_iam.tools.irsa.manifest.github import github
from aws_iam.tools.irsa.manifest.parts import Ask, pins_as_of
from aws_iam.tools.irsa.providers.catalogue import PROVIDERS, describe
from aws_iam.tools.irsa.providers.kubernetes import eks_host, region_of
from aws_iam.tools.irsa.providers.names import refuse_misfits
from aws_iam.tools.irsa.providers.provider import Request, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.tools.irsa.manifest.parts import Manifest
    from aws_iam.tools.irsa.providers.names import Names

MANIFESTS: Mapping[str, Callable[[Ask], Manifest]] = {
    "eks": kubernetes.irsa,
    "pod_identity": kubernetes.pod_identity,
    "github": github,
    "gitlab": ci.gitlab,
    "bitbucket": ci.bitbucket,
    "terraform_cloud": ci.terraform_cloud,
    "circleci": ci.circleci,
    "buildkite": ci.buildkite,
    "generic": ci.generic,
}


def manifest(provider: str, role: str, names: Names, audience: str | None) -> Answer:
    """The files of that provider, for exactly the workload that `trust_policy` lets in by the same names."""
    arn = checked("role", role, "role_arn")
    account, partition = arn.split(":")[4], arn.split(":")[1]
    request = Request(names=names, account=account, audience=audience, partition=partition)
    ask = _annotated(arn, request) if provider == "eks" else _described(provider, arn, request)
    _same_partition(ask)
    made = MANIFESTS[provider](ask)
    chosen = PROVIDERS[provider]
    return Answer(
        summary=f"{chosen.title}: how the workload gets {arn}. Its trust policy comes from `trust_policy` with the same names.",
        artifacts=tuple(file.artifact for file in made.files),
        facts={
            "provider": provider,
            "role": arn,
            "files": [{"file": file.artifact.name, "place": file.place} for file in made.files],
            **rows("placeholders", "replace", made.placeholders),
            **rows("notes", "note", made.notes),
        },
        sources=(made.source, f"references/irsa-oidc.md#{chosen.section}"),
        next=_next(provider, account, request),
        as_of=pins_as_of(),
    )


def _annotated(arn: str, request: Request) -> Ask:
    """Pods by IRSA: the manifests do not name the issuer, which only tells the Region here."""
    names = request.names
    eks = PROVIDERS["eks"]
    refuse_misfits(
        names,
        "eks",
        needs=("namespace", "service_account"),
        takes=("cluster", "issuer"),
        reasons=eks.reasons,
    )
    names.find("cluster", "cluster")
    host = eks_host(request) if names.issuer else None
    caller = TokenCaller(
        sid="",
        issuer=host or "",
        audience=request.heard("sts.amazonaws.com"),
        subject="",
    )
    return Ask(role=arn, names=names, region=region_of(host) if host else None, caller=caller)


def _described(provider: str, arn: str, request: Request) -> Ask:
    workload = describe(provider, request)
    ask = Ask(role=arn, names=request.names, region=workload.region)
    if isinstance(workload.caller, TokenCaller):
        return replace(ask, caller=workload.caller)
    return replace(ask, pods=workload.caller)


def _same_partition(ask: Ask) -> None:
    if ask.region and (found := partition_of(ask.region)) != ask.partition:
        raise InputError(
            f"`role` lies in partition `{ask.partition}`, the cluster in `{found}`",
            hint="credentials of one partition mean nothing in another: name a role of the cluster's",
        )


def _next(provider: str, account: str, request: Request) -> tuple[str, ...]:
    """The call that writes the role's trust policy for the same workload."""
    names = request.names
    words = ["aws-iam", "irsa", "trust_policy", "--provider", provider, "--account", account]
    for name in names.given:
        value = getattr(names, name)
        words += [f"--{name.replace('_', '-')}", *(() if value is True else (str(value),))]
    if request.audience:
        words += ["--audience", request.audience]
    if request.partition not in (None, "aws"):
        words += ["--partition", str(request.partition)]
    if provider == "eks" and not names.issuer:
        words += ["--issuer", "ISSUER"]
    return (shlex.join(words), "aws-iam irsa check --document trust-policy.json")
