"""GitHub Actions: classic, immutable and custom subjects, and reusable workflows."""

from __future__ import annotations

import json
import re

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.reference import issuers
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import PlacedFile, manifest_file, pinned_action
from aws_iam.tools.irsa.names import Names, exactly_one, full_ref, pattern_note
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_EVENTS = ("branch", "tag", "environment", "pull_request")
_FIRST_CLAIMS = ("repo", "repository", "repository_id", "repository_owner", "repository_owner_id")
_CLASSIC = (
    "this is the classic subject; repositories that were created, renamed or transferred after 15 July 2026, or that "
    "opted in, send the immutable one (repo:OWNER@OWNER_ID/REPOSITORY@REPOSITORY_ID:…): for them pass `owner_id` and "
    "`repository_id` (gh api repos/OWNER/REPOSITORY --jq '.owner.id,.id')"
)
_IMMUTABLE = (
    "this is the immutable subject, sent by repositories that were created, renamed or transferred after 15 July 2026, "
    "or that opted in; older ones send the classic one: for them leave out `owner_id` and `repository_id`"
)
_CALLED = (
    "the subject names the calling repository and job_workflow_ref the called workflow, so a job outside that workflow does "
    "not get the role; a call with @main sends refs/heads/main; a call with a commit sends the commit (users report this, "
    "GitHub's reference does not document it)"
)
_CHECKS = "check-jsonschema (GitHub workflows), actionlint, zizmor"
_DEFAULT_AUDIENCE = "sts.amazonaws.com"
_COMMIT = re.compile(r"[0-9a-f]{40}")
# In a branch filter `+` repeats and a leading `!` excludes; the ref must be taken literally.
_FILTER_OPERATOR = re.compile(r"[+!]")


def _workload(request: Request) -> Workload:
    names = request.names
    host = _issuer(request.issuer_host() or "")
    known = issuers.issuer_of(host)
    if known is None or known.provider != "github":
        raise InputError(
            f"`issuer` {quoted(host)} is not a GitHub issuer",
            hint="; ".join(issuer.issuer for issuer in issuers.issuers_of("github")),
        )
    subject, notes = _subject(names, known)
    audience = "sts.amazonaws.com.cn" if request.partition == "aws-cn" else "sts.amazonaws.com"
    called = names.find("workflow", "workflow")
    caller = TokenCaller(
        sid="GitHubActions",
        issuer=host,
        audience=request.audience_or(audience),
        subject=subject,
        open_subject=subject.endswith("*"),
        claims={"job_workflow_ref": _mapped(called, known)} if called else {},
    )
    return Workload(
        caller=caller,
        description=f"GitHub Actions jobs whose subject is {subject}"
        + (f", in the reusable workflow {called}" if called else ""),
        notes=(
            *notes,
            *((_CALLED,) if called else ()),
            *pattern_note(names, "protect these names with a rule set"),
            "AWS compares owner and repository case-sensitively: spell them as GitHub does",
        ),
    )


def _issuer(host: str) -> str:
    """The issuer that the caller means by it, or by the address of its server."""
    server = host.rstrip("/")
    if server in {"", "github.com"}:
        return "token.actions.githubusercontent.com"
    if "/" in server or issuers.issuer_of(host):
        return host
    if server.endswith(".ghe.com"):
        return f"token.actions.{server}"
    return f"{server}/_services/token"


def _mapped(called: str, known: issuers.Issuer) -> str:
    """The reusable workflow; an error where AWS does not map its claim to a condition key."""
    if "job_workflow_ref" not in known.claims:
        raise InputError(
            f"`workflow` does not fit issuer {quoted(known.issuer)}",
            hint="AWS maps job_workflow_ref for GitHub's own issuers only: a condition on it never matches elsewhere; "
            "put it into the subject with a custom template, and pass `subject`",
        )
    return called


def _subject(names: Names, known: issuers.Issuer) -> tuple[str, tuple[str, ...]]:
    if names.subject:
        return _custom_subject(names.need("subject", "subject"), known), ()
    event = exactly_one(names, "github", _EVENTS)
    owner = names.need("owner", "github_owner")
    repository = names.need("repository", "github_repository")
    owner_id, repository_id = _both_ids(names)
    end = _subject_end(names, event)
    pull = (
        "every pull request that may run workflows gets this role: give it read-only permissions",
    )
    more = pull if event == "pull_request" else ()
    if owner_id is None:
        newer = () if known.id == "github_server" else (_CLASSIC,)
        return f"repo:{owner}/{repository}:{end}", (*newer, *more)
    if known.id == "github_server":
        raise InputError(
            "`owner_id` does not fit GitHub Enterprise Server",
            hint="it sends classic subjects only: leave out both ids",
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
            hint="the immutable subject has both ids, the classic subject has none",
        )
    return owner_id, repository_id


def _subject_end(names: Names, event: str) -> str:
    if event == "pull_request":
        return "pull_request"
    if event == "environment":
        # GitHub writes a colon inside a value as %3A to keep the parts of a subject apart.
        name = (names.environment or "").replace(":", "%3A")
        return f"environment:{checked_name('environment', name, 'github_environment')}"
    return f"ref:{full_ref(names, event, patterns=True)}"


def _custom_subject(subject: str, known: issuers.Issuer) -> str:
    """A subject from a custom template; on the shared issuer its first claim must say whose repository it is."""
    first = subject.partition(":")[0]
    if known.kind == "shared" and first not in _FIRST_CLAIMS:
        raise InputError(
            f"`subject` begins with {quoted(first)}, which does not say whose repository it is",
            hint=f"put one of {', '.join(_FIRST_CLAIMS)} first: anyone on GitHub can choose the other claims",
        )
    return subject


def _manifest(request: ManifestRequest) -> Manifest:
    """The workflow, or the calling and the called one where the caller named a reusable workflow."""
    called = request.names.workflow
    trigger = _trigger(request.names)
    files = (
        (_calling_workflow(trigger, called), _job(request, "workflow_call:", _file_name(called)))
        if called
        else (_job(request, trigger, "deploy.yml"),)
    )
    return Manifest(
        files=files,
        placeholders=(request.written_region,),
        notes=_notes(request.names),
    )


def _trigger(names: Names) -> str:
    """The event whose token has the subject; a manual start where the subject names no event."""
    if names.branch:
        return f"push:\n  branches: [{_branch_filter(names.branch)}]"
    if names.tag:
        return f"push:\n  tags: [{_branch_filter(names.tag)}]"
    return "pull_request:" if names.pull_request else "workflow_dispatch:"


def _branch_filter(ref: str) -> str:
    return json.dumps(_FILTER_OPERATOR.sub(lambda found: f"\\{found[0]}", ref))


def _job(request: ManifestRequest, trigger: str, name: str) -> PlacedFile:
    is_default = request.audience == _DEFAULT_AUDIENCE
    place = (
        f"{request.names.workflow.partition('/.github')[0]}: " if request.names.workflow else ""
    )
    return manifest_file(
        "github.yml",
        name,
        _CHECKS,
        place=f"{place}.github/workflows/{name}",
        values={
            "Environment": request.names.environment,
            "RoleArn": request.role,
            "Region": request.written_region,
            "Audience": None if is_default else request.audience,
        },
        blocks={
            "Trigger": trigger,
            "Checkout": f"- uses: {pinned_action('actions/checkout')}",
            "Credentials": f"- uses: {pinned_action('aws-actions/configure-aws-credentials')}",
        },
    )


def _calling_workflow(trigger: str, called: str) -> PlacedFile:
    path, _, ref = called.partition("@")
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    uses = f"uses: {json.dumps(f'{path}@{short}')}"
    if not _COMMIT.fullmatch(short):
        uses += " # zizmor: ignore[unpinned-uses] the trust policy tests this ref"
    return manifest_file(
        "github-caller.yml",
        "call-deploy.yml",
        _CHECKS,
        place=".github/workflows/call-deploy.yml",
        values={},
        blocks={"Trigger": trigger, "Uses": uses},
    )


def _file_name(called: str) -> str:
    return called.partition("@")[0].rpartition("/")[2]


def _notes(names: Names) -> tuple[str, ...]:
    notes = []
    if names.pull_request:
        notes.append(
            "GitHub gives no ID token to pull requests from forks; never use pull_request_target instead: it runs their "
            "code with your permissions"
        )
    if names.environment:
        notes.append(
            "the environment decides who may use the role: protect it with rules for branches and reviewers"
        )
    if names.subject:
        notes.append(
            "the subject does not name the event that sends it: the workflow uses workflow_dispatch"
        )
    if (names.issuer or "").rstrip("/").endswith("/_services/token"):
        notes.append(
            "GitHub Enterprise Server has no hosted runners: name your own in runs-on; they must be able to load both "
            "actions and reach STS"
        )
    return tuple(notes)


PROVIDER = Provider(
    title="GitHub Actions",
    source="https://docs.github.com/en/actions/reference/security/oidc",
    section="github-actions-trust",
    site="github.com",
    needs=("owner", "repository"),
    takes=("owner_id", "repository_id", *_EVENTS, "issuer", "subject", "workflow"),
    one_of=_EVENTS,
    beside_subject=("issuer", "workflow"),
    workload=_workload,
    manifest=_manifest,
)
