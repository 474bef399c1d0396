"""The names that say which workload is meant: the same words for every provider, checked before they meet a policy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Literal

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.modes.tool import Parameter
from aws_iam.policy.names import checked

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Which workload; every provider takes some of them."""

    owner: Annotated[str | None, Parameter("owner, group, workspace, organization")] = None
    repository: Annotated[str | None, Parameter("repository, project, pipeline")] = None
    owner_id: Annotated[str | None, Parameter("owner's immutable id")] = None
    repository_id: Annotated[str | None, Parameter("repository's immutable id")] = None
    branch: Annotated[str | None, Parameter("branch")] = None
    tag: Annotated[str | None, Parameter("git tag")] = None
    environment: Annotated[str | None, Parameter("deployment environment")] = None
    pull_request: Annotated[bool, Parameter("pull-request runs")] = False
    issuer: Annotated[str | None, Parameter("issuer URL: EKS, self-managed, generic")] = None
    subject: Annotated[str | None, Parameter("exact `sub`: generic, custom")] = None
    workspace: Annotated[str | None, Parameter("HCP Terraform workspace")] = None
    run_phase: Annotated[Literal["plan", "apply"] | None, Parameter("HCP Terraform")] = None
    cluster: Annotated[str | None, Parameter("EKS cluster, ARN or name")] = None
    namespace: Annotated[str | None, Parameter("Kubernetes namespace")] = None
    service_account: Annotated[str | None, Parameter("Kubernetes ServiceAccount")] = None

    @property
    def given(self) -> tuple[str, ...]:
        """The names that the caller gave, in order."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name))

    def need(self, name: str, form: str) -> str:
        """The name's value in that form."""
        return checked(name, getattr(self, name), form)

    def find(self, name: str, form: str) -> str | None:
        """The name's value in that form, None when it was not given."""
        return self.need(name, form) if getattr(self, name) else None


def refuse_misfits(
    names: Names,
    provider: str,
    *,
    needs: tuple[str, ...],
    takes: tuple[str, ...],
    reasons: Mapping[str, str],
) -> None:
    """Refuse what the provider does not take and what it misses, by name and with the reason."""
    allowed = (*needs, *takes)
    for name in names.given:
        if name not in allowed:
            listed = ", ".join(f"`{each}`" for each in allowed)
            raise InputError(
                f"`{name}` does not fit provider `{provider}`",
                hint=reasons.get(name, f"it takes {listed}"),
            )
    missing = [name for name in needs if name not in names.given]
    if missing:
        listed = ", ".join(f"`{each}`" for each in missing)
        raise InputError(
            f"provider `{provider}` needs {listed}",
            hint="; ".join(reasons[each] for each in missing if each in reasons),
        )


def exactly_one(names: Names, provider: str, options: tuple[str, ...]) -> str:
    """The one of the options that was given."""
    given = [name for name in options if name in names.given]
    listed = ", ".join(f"`{each}`" for each in options)
    if not given:
        raise InputError(
            f"provider `{provider}` needs one of {listed}",
            hint="a trust that leaves it open lets every run of the repository in",
        )
    if len(given) > 1:
        both = " and ".join(f"`{each}` {quoted(str(getattr(names, each)))}" for each in given)
        raise InputError(f"{both} do not go together", hint=_why_apart(given))
    return given[0]


def _why_apart(given: list[str]) -> str:
    if "environment" in given:
        return (
            "a job with an environment sends the environment as its subject and never the branch, tag or pull request; "
            "give the environment alone and limit its branches by its protection rules"
        )
    return "a run has one ref: make a role, or a second statement, for each"
