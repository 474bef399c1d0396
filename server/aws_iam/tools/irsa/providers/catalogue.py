"""The providers of workload identity by name, and the workload that a request describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa.providers import generic, github, kubernetes
from aws_iam.tools.irsa.providers.names import refuse_misfits

if TYPE_CHECKING:
    from aws_iam.tools.irsa.providers.provider import Provider, Request, Workload

PROVIDERS: dict[str, Provider] = {
    "eks": kubernetes.EKS,
    "pod_identity": kubernetes.POD_IDENTITY,
    "github": github.GITHUB,
    "gitlab": generic.GITLAB,
    "bitbucket": generic.BITBUCKET,
    "terraform_cloud": generic.TERRAFORM_CLOUD,
    "circleci": generic.CIRCLECI,
    "buildkite": generic.BUILDKITE,
    "generic": generic.GENERIC,
}

_BY_SUBJECT = dict.fromkeys(
    ("owner", "repository", "owner_id", "repository_id", *github.TAILS),
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
