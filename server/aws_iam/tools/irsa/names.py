"""The names that say which workload is meant: the same words for every provider, checked before they meet a policy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Literal

from aws_iam.engine.language.aws_names import checked
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.tool import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Which workload; every provider takes some of them."""

    owner: Annotated[
        str | None,
        Parameter("owner, group, workspace or organization", brief="or group, organization"),
    ] = None
    repository: Annotated[
        str | None, Parameter("repository, project or pipeline", brief="or project, pipeline")
    ] = None
    owner_id: Annotated[str | None, Parameter("the owner's immutable id", brief="immutable")] = (
        None
    )
    repository_id: Annotated[
        str | None, Parameter("the repository's immutable id", brief="immutable")
    ] = None
    branch: Annotated[str | None, Parameter("branch")] = None
    tag: Annotated[str | None, Parameter("git tag", brief="tag")] = None
    environment: Annotated[
        str | None, Parameter("deployment environment", brief="environment")
    ] = None
    pull_request: Annotated[bool, Parameter("pull-request runs", brief="pull request")] = False
    issuer: Annotated[
        str | None,
        Parameter("issuer URL: EKS, self-managed hosts, generic", brief="URL: EKS, own hosts"),
    ] = None
    subject: Annotated[
        str | None, Parameter("exact `sub`: generic, custom templates", brief="exact `sub`")
    ] = None
    workflow: Annotated[
        str | None,
        Parameter(
            "GitHub reusable workflow: OWNER/REPO/.github/workflows/FILE.yml@REF",
            brief="reusable workflow",
        ),
    ] = None
    workspace: Annotated[
        str | None, Parameter("HCP Terraform workspace", brief="HCP Terraform")
    ] = None
    run_phase: Annotated[
        Literal["plan", "apply"] | None, Parameter("HCP Terraform run phase", brief="run phase")
    ] = None
    cluster: Annotated[str | None, Parameter("EKS cluster, name or ARN", brief="EKS cluster")] = (
        None
    )
    namespace: Annotated[str | None, Parameter("Kubernetes namespace", brief="namespace")] = None
    service_account: Annotated[
        str | None, Parameter("Kubernetes ServiceAccount", brief="service account")
    ] = None
    target_role: Annotated[
        str | None,
        Parameter("ARN of a role that Pod Identity assumes in turn", brief="target role"),
    ] = None

    @property
    def given(self) -> tuple[str, ...]:
        """The names that the caller gave, in order."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

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
    listed = ", ".join(f"`{option}`" for option in options)
    if not given:
        raise InputError(
            f"provider `{provider}` needs one of {listed}",
            hint="a trust that leaves it open lets every run of the repository in",
        )
    if len(given) > 1:
        both = " and ".join(f"`{each}` {quoted(str(getattr(names, each)))}" for each in given)
        raise InputError(f"{both} do not go together", hint=_why_apart(given))
    return given[0]


def bare_ref(names: Names, kind: str) -> str:
    """The branch or tag without refs/heads/ or refs/tags/, which the caller must leave out."""
    ref = names.need(kind, "git_ref")
    if ref.startswith("refs/"):
        raise InputError(
            f"`{kind}` is the bare name, not {quoted(ref)}",
            hint="leave refs/heads/ or refs/tags/ out",
        )
    return ref


def full_ref(names: Names, kind: str) -> str:
    """The branch or tag as git writes it in full: refs/heads/main, refs/tags/v1."""
    folder = {"branch": "refs/heads/", "tag": "refs/tags/"}[kind]
    return f"{folder}{bare_ref(names, kind)}"


def _why_apart(given: list[str]) -> str:
    if "environment" in given:
        return (
            "a job with an environment sends the environment as its subject and never the branch, tag or pull request; "
            "give the environment alone and limit its branches by its protection rules"
        )
    return "a run has one ref: make a role, or a second statement, for each"
