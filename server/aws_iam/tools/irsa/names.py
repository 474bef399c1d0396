"""The arguments that name a workload: the same for every provider, each checked before it is written into a policy."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.tool import Parameter
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping


_FOLDERS = {"branch": "refs/heads/", "tag": "refs/tags/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of the workload; each provider takes some of them."""

    owner: Annotated[
        str | None,
        Parameter(
            "owner, group, workspace or organization",
            also=(
                "organization",
                "org",
                "group",
                "username",
                "github_org",
                "github_owner",
            ),
            brief="or group, organization",
        ),
    ] = None
    repository: Annotated[
        str | None,
        Parameter(
            "repository, project or pipeline",
            also=(
                "repo",
                "repository_name",
                "pipeline",
                "repo_name",
                "project_path",
                "full_name",
            ),
            brief="or project, pipeline",
        ),
    ] = None
    owner_id: Annotated[
        str | None,
        Parameter(
            "the owner's immutable id", also=("organization_id", "group_id"), brief="immutable"
        ),
    ] = None
    repository_id: Annotated[
        str | None,
        Parameter(
            "the repository's immutable id", also=("repo_id", "repository_uuid"), brief="immutable"
        ),
    ] = None
    branch: Annotated[
        str | None,
        Parameter(
            "branch",
            brief="",
            also=("branch_name", "git_branch"),
            prefixed={"ref": "refs/heads/", "git_ref": "refs/heads/"},
        ),
    ] = None
    tag: Annotated[
        str | None,
        Parameter(
            "git tag",
            brief="",
            also=("tag_name", "git_tag"),
            prefixed={"ref": "refs/tags/", "git_ref": "refs/tags/"},
        ),
    ] = None
    environment: Annotated[
        str | None,
        Parameter(
            "deployment environment",
            also=(
                "env",
                "environment_name",
                "deployment_environment",
            ),
            brief="",
        ),
    ] = None
    pull_request: Annotated[bool, Parameter("pull-request runs", brief="")] = False
    issuer: Annotated[
        str | None,
        Parameter(
            "issuer URL: EKS, self-managed hosts, generic",
            also=(
                "issuer_url",
                "oidc_issuer",
                "oidc_issuer_url",
                "oidc_provider",
                "oidc_url",
                "oidc_provider_url",
                "provider_url",
            ),
            brief="URL",
        ),
    ] = None
    subject: Annotated[
        str | None,
        Parameter("exact `sub`: generic, custom templates", also=("sub",), brief="exact `sub`"),
    ] = None
    workflow: Annotated[
        str | None,
        Parameter(
            "GitHub reusable workflow: OWNER/REPO/.github/workflows/FILE.yml@REF",
            brief="reusable",
        ),
    ] = None
    workspace: Annotated[
        str | None,
        Parameter("workspace of HCP Terraform or Scalr", also=("workspace_name",), brief=""),
    ] = None
    run_phase: Annotated[
        Literal["plan", "apply"] | None,
        Parameter(
            "run phase: HCP Terraform, Spacelift", brief="", also=("phase", "terraform_phase")
        ),
    ] = None
    cluster: Annotated[
        str | None,
        Parameter(
            "EKS cluster, name or ARN",
            also=(
                "cluster_name",
                "eks_cluster",
            ),
            brief="EKS",
        ),
    ] = None
    namespace: Annotated[str | None, Parameter("Kubernetes namespace", also=("ns",), brief="")] = (
        None
    )
    service_account: Annotated[
        str | None,
        Parameter(
            "Kubernetes ServiceAccount",
            also=(
                "sa",
                "service_account_name",
                "ksa",
            ),
            brief="",
        ),
    ] = None
    tenant: Annotated[
        str | None, Parameter("Entra ID tenant id", also=("tenant_id",), brief="")
    ] = None
    application: Annotated[
        str | None,
        Parameter(
            "application, app or service connection", also=("app", "service_connection"), brief=""
        ),
    ] = None
    project: Annotated[
        str | None,
        Parameter("project of the platform, such as `shop`", brief=""),
    ] = None
    space: Annotated[str | None, Parameter("Spacelift space", brief="")] = None
    stack: Annotated[
        str | None,
        Parameter("stack of Spacelift, Pulumi or HCP Terraform", brief=""),
    ] = None
    deployment: Annotated[str | None, Parameter("HCP Terraform stack's deployment", brief="")] = (
        None
    )
    target_role: Annotated[
        str | None,
        Parameter("ARN of a role that Pod Identity assumes in turn", brief=""),
    ] = None

    @property
    def given(self) -> tuple[str, ...]:
        """The names that the caller gave, in the order of the fields."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    def need(self, name: str, form: str) -> str:
        """The value of a name, checked against a form of `aws_names.FORMS`."""
        value = getattr(self, name)
        return checked_name(name, _uuid(value) if form == "uuid" else value, form)

    def find(self, name: str, form: str) -> str | None:
        """The same, or None when the caller did not give the name."""
        return self.need(name, form) if getattr(self, name) else None


def _uuid(text: str) -> str:
    """The id as tokens have it: in lower case, as AWS compares case, and without the braces of a platform's pages."""
    return text.removeprefix("{").removesuffix("}").lower()


def renamed(names: Names, aliases: Mapping[str, str]) -> Names:
    """The names under those that the provider uses, where only the other one was given."""
    changed: dict[str, Any] = {}
    for alias, name in aliases.items():
        if getattr(names, alias) and not getattr(names, name):
            changed |= {name: getattr(names, alias), alias: None}
    return replace(names, **changed)


def with_owner_apart(names: Names, field_name: str, site: str) -> Names:
    """The names with owner and repository each on its own, where one argument has both: OWNER/NAME, or its URL on the site."""
    repository = _path(getattr(names, field_name) or "", site)
    owner = names.owner or ""
    if not repository and "/" in owner:
        owner, _, repository = _path(owner, site).rpartition("/")
    elif not owner and "/" in repository:
        owner, _, repository = repository.rpartition("/")
    elif owner:
        repository = repository.removeprefix(f"{owner}/")
    changed: dict[str, Any] = {"owner": owner or None, field_name: repository or None}
    return replace(names, **changed)


def with_bare_refs(names: Names) -> Names:
    """The names with a branch or tag by its bare name, where it is written as git does in full."""
    changed = {
        kind: ref.removeprefix(folder)
        for kind, folder in _FOLDERS.items()
        if (ref := getattr(names, kind)) and ref.startswith(folder)
    }
    return replace(names, **changed)


_SERVICE_ACCOUNT = re.compile(r"(?:system:serviceaccount:)?([^:/]+)[:/]([^:/]+)")


def with_namespace_apart(names: Names) -> Names:
    """The names with namespace and service account each on its own, where one argument has both: NAMESPACE:NAME, or a subject."""
    both = _SERVICE_ACCOUNT.fullmatch(names.service_account or "")
    if both is None or names.namespace not in {None, both[1]}:
        return names
    return replace(names, namespace=both[1], service_account=both[2])


def understood_names(given: Names, used: Names) -> list[str]:
    """How names were understood that a caller wrote otherwise, in words; empty where none was."""
    changed = [
        field.name
        for field in fields(Names)
        if getattr(given, field.name) != getattr(used, field.name)
    ]
    written, meant = (
        [f"`{name}` {quoted(str(text))}" for name in changed if (text := getattr(names, name))]
        for names in (given, used)
    )
    return [f"{joined(written)} as {joined(meant)}"] if written else []


def _path(text: str, site: str) -> str:
    """The path of a URL on the site; any other text as it is, as another site has another issuer."""
    found = re.fullmatch(rf"(?:https?://)?{re.escape(site)}/([^?#]+?)(?:\.git)?/?", text)
    return found[1] if site and found else text


def refuse_misfits(
    names: Names,
    provider: str,
    *,
    needs: tuple[str, ...],
    takes: tuple[str, ...],
    one_of: tuple[str, ...],
    reasons: Mapping[str, str],
) -> None:
    """Raise an error for a name that the provider does not take, and for all that it needs, `one_of` some names too."""
    allowed = (*needs, *takes)
    for name in names.given:
        if name not in allowed:
            listed = ", ".join(f"`{taken}`" for taken in allowed)
            raise InputError(
                f"`{name}` does not fit provider `{provider}`",
                hint=reasons.get(name, f"it takes {listed}"),
            )
    missing = [name for name in needs if name not in names.given]
    if missing:
        listed = ", ".join(f"`{need}`" for need in missing)
        if one_of and not set(one_of) & set(names.given):
            listed += f" and one of {', '.join(f'`{option}`' for option in one_of)}"
        raise InputError(
            f"provider `{provider}` needs {listed}",
            hint="; ".join(reasons[need] for need in missing if need in reasons),
        )


def exactly_one(names: Names, provider: str, options: tuple[str, ...]) -> str:
    """The only one of the options that was given."""
    given = [name for name in options if name in names.given]
    listed = ", ".join(f"`{option}`" for option in options)
    if not given:
        raise InputError(
            f"provider `{provider}` needs one of {listed}",
            hint="without it the trust policy would let in every run of the repository",
        )
    if len(given) > 1:
        both = " and ".join(f"`{name}` {quoted(str(getattr(names, name)))}" for name in given)
        raise InputError(f"{both} exclude each other", hint=_why_apart(given))
    return given[0]


def is_ref_pattern(ref: str | None) -> bool:
    """Whether the branch or tag is a pattern of names."""
    return bool(ref) and str(ref).endswith("*")


def bare_ref(names: Names, kind: str, *, patterns: bool = False) -> str:
    """The branch or tag; an error if it begins with refs/heads/ or refs/tags/.

    With `patterns` it may end in a wildcard: `v*` for tags, `release/*` for branches, whose names one rule can protect.
    """
    ref = str(getattr(names, kind) or "")
    if patterns and is_ref_pattern(ref):
        stem = ref[:-1]
        if kind == "branch" and stem and not stem.endswith("/"):
            raise InputError(
                f"`branch` {quoted(ref)} is a pattern that no protection rule covers by itself",
                hint="name one branch, or a folder of branches such as release/*",
            )
        # A bare wildcard is refused as what it is.
        checked_name(kind, stem.removesuffix("/") or ref, "git_ref")
    else:
        ref = names.need(kind, "git_ref")
    if ref.startswith("refs/"):
        raise InputError(
            f"`{kind}` must be the bare name, not {quoted(ref)}",
            hint="leave out refs/heads/ or refs/tags/",
        )
    return ref


def full_ref(names: Names, kind: str, *, patterns: bool = False) -> str:
    """The branch or tag as git writes it in full: refs/heads/main, refs/tags/v1."""
    return f"{_FOLDERS[kind]}{bare_ref(names, kind, patterns=patterns)}"


def pattern_note(names: Names, protect: str) -> tuple[str, ...]:
    """What a pattern of refs is worth; `protect` says how the platform protects one."""
    kind = "branch" if is_ref_pattern(names.branch) else "tag"
    ref = getattr(names, kind)
    if not is_ref_pattern(ref):
        return ()
    note = (
        f"everyone who may create a {kind} whose name fits {quoted(ref)} gets this role: first {protect}, so that only"
        " maintainers may; in IAM `*` also stands for text with a slash"
    )
    return (note,)


def _why_apart(given: list[str]) -> str:
    if "environment" in given:
        return (
            "the subject of a job with an environment names the environment, never the branch, tag or pull request: "
            "pass the environment alone and limit its branches with its protection rules"
        )
    return "a run has one ref: write a role, or a statement, for each"
