"""Workload identity of GitHub Actions: classic, immutable and custom subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference import issuers
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.providers.names import exactly_one
from aws_iam.tools.irsa.providers.provider import Provider, Request, Workload, bare_ref

if TYPE_CHECKING:
    from aws_iam.tools.irsa.providers.names import Names

TAILS = ("branch", "tag", "environment", "pull_request")
_FIRST_CLAIMS = ("repo", "repository", "repository_id", "repository_owner", "repository_owner_id")
_CLASSIC = (
    "this is the classic subject: repositories created, renamed or transferred after 15 July 2026, or opted in, "
    "send the immutable one (repo:OWNER@OWNER_ID/REPOSITORY@REPOSITORY_ID:…), for which give owner_id and "
    "repository_id (gh api repos/OWNER/REPOSITORY --jq '.owner.id,.id')"
)
_IMMUTABLE = (
    "this is the immutable subject, which repositories created, renamed or transferred after 15 July 2026, or opted "
    "in, send; older ones send the classic one, for which leave owner_id and repository_id out"
)
_CALLED = (
    "the subject is the calling repository's, job_workflow_ref the called workflow's: a job outside that workflow does not "
    "get the role; the token of a call with @main says refs/heads/main (that a call with a commit says the commit is known "
    "from users, not from GitHub's own reference)"
)


def _github(request: Request) -> Workload:
    names = request.names
    host = request.host() or "token.actions.githubusercontent.com"
    known = issuers.issuer_of(host)
    if known is None or known.provider != "github":
        raise InputError(
            f"`issuer` {quoted(host)} is none of GitHub's",
            hint="; ".join(issuer.issuer for issuer in issuers.issuers_of("github")),
        )
    subject, notes = _github_subject(names, known)
    audience = "sts.amazonaws.com.cn" if request.partition == "aws-cn" else "sts.amazonaws.com"
    called = names.find("workflow", "workflow")
    caller = TokenCaller(
        sid="GitHubActions",
        issuer=host,
        audience=request.heard(audience),
        subject=subject,
        claims={"job_workflow_ref": _mapped(called, known)} if called else {},
    )
    return Workload(
        caller=caller,
        words=f"GitHub Actions jobs whose subject is {subject}"
        + (f", in the reusable workflow {called}" if called else ""),
        notes=(
            *notes,
            *((_CALLED,) if called else ()),
            "names compare with case: owner and repository as GitHub spells them",
        ),
    )


def _mapped(called: str, known: issuers.Issuer) -> str:
    """The reusable workflow, where its claim becomes a condition key."""
    if "job_workflow_ref" not in known.claims:
        raise InputError(
            f"`workflow` does not fit issuer {quoted(known.issuer)}",
            hint="AWS maps job_workflow_ref for GitHub's own issuers only: elsewhere such a condition never matches; a "
            "subject by custom template can carry it (`subject`)",
        )
    return called


def _github_subject(names: Names, known: issuers.Issuer) -> tuple[str, tuple[str, ...]]:
    if names.subject:
        return _github_custom(names.need("subject", "subject"), known), ()
    tail = exactly_one(names, "github", TAILS)
    owner = names.need("owner", "github_owner")
    repository = names.need("repository", "github_repository")
    owner_id, repository_id = _both_ids(names)
    end = _github_tail(names, tail)
    pull = ("every pull request that may run workflows gets this role: let it read only",)
    more = pull if tail == "pull_request" else ()
    if owner_id is None:
        newer = () if known.id == "github_server" else (_CLASSIC,)
        return f"repo:{owner}/{repository}:{end}", (*newer, *more)
    if known.id == "github_server":
        raise InputError(
            "`owner_id` does not fit GitHub Enterprise Server",
            hint="it sends classic subjects only: leave both ids out",
        )
    return f"repo:{owner}@{owner_id}/{repository}@{repository_id}:{end}", (_IMMUTABLE, *more)


def _both_ids(names: Names) -> tuple[str | None, str | None]:
    owner_id = names.find("owner_id", "number_id")
    repository_id = names.find("repository_id", "number_id")
    if (owner_id is None) is not (repository_id is None):
        given, absent = (
            ("owner_id", "repository_id") if owner_id else ("repository_id", "owner_id")
        )
        raise InputError(
            f"`{given}` needs `{absent}`",
            hint="the immutable subject carries both, the classic none",
        )
    return owner_id, repository_id


def _github_tail(names: Names, tail: str) -> str:
    if tail == "pull_request":
        return "pull_request"
    if tail == "environment":
        # GitHub writes a colon inside a value as %3A, so that the parts of a subject stay apart.
        name = (names.environment or "").replace(":", "%3A")
        return f"environment:{checked('environment', name, 'github_environment')}"
    folder = {"branch": "refs/heads/", "tag": "refs/tags/"}[tail]
    return f"ref:{folder}{bare_ref(names, tail)}"


def _github_custom(subject: str, known: issuers.Issuer) -> str:
    """A subject by custom template; on the shared issuer its first claim must say whose repository it is."""
    first = subject.partition(":")[0]
    if known.kind == "shared" and first not in _FIRST_CLAIMS:
        raise InputError(
            f"`subject` begins with {quoted(first)}, which does not say whose repository it is",
            hint=f"put one of {', '.join(_FIRST_CLAIMS)} first: other claims can be chosen by anyone on GitHub",
        )
    return subject


GITHUB = Provider(
    title="GitHub Actions",
    source="https://docs.github.com/en/actions/reference/security/oidc",
    section="github-actions-trust",
    needs=("owner", "repository"),
    takes=("owner_id", "repository_id", *TAILS, "issuer", "subject", "workflow"),
    workload=_github,
)
