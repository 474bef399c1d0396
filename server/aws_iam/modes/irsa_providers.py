"""The providers of workload identity by name, and the workload that a request describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.modes import irsa_ci, irsa_github, irsa_kubernetes
from aws_iam.modes.irsa_names import refuse_misfits

if TYPE_CHECKING:
    from aws_iam.modes.irsa_workload import Provider, Request, Workload

PROVIDERS: dict[str, Provider] = {
    "eks": irsa_kubernetes.EKS,
    "pod_identity": irsa_kubernetes.POD_IDENTITY,
    "github": irsa_github.GITHUB,
    "gitlab": irsa_ci.GITLAB,
    "bitbucket": irsa_ci.BITBUCKET,
    "terraform_cloud": irsa_ci.TERRAFORM_CLOUD,
    "circleci": irsa_ci.CIRCLECI,
    "buildkite": irsa_ci.BUILDKITE,
    "generic": irsa_ci.GENERIC,
}

_BY_SUBJECT = dict.fromkeys(
    ("owner", "repository", "owner_id", "repository_id", *irsa_github.TAILS),
    "`subject` is the whole subject: give it alone, or these names without it",
)


def describe(name: str, request: Request) -> Workload:
    """The workload of that provider; refuses names that do not fit it."""
    provider = PROVIDERS[name]
    by_subject = "subject" in provider.takes and request.names.subject
    beside = tuple(each for each in ("issuer", "workflow") if each in provider.takes)
    refuse_misfits(
        request.names,
        name,
        needs=("subject",) if by_subject else provider.needs,
        takes=beside if by_subject else provider.takes,
        reasons=_BY_SUBJECT if by_subject else provider.reasons,
    )
    return provider.workload(request)
