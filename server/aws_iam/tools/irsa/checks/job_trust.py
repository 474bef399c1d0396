"""A trust policy beside the jobs of GitHub and GitLab that are to get the role: what their tokens say, and what it accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import covers, intersects, is_literal, matches
from aws_iam.engine.tokens.dead_conditions import never_matches
from aws_iam.engine.tokens.oidc_provider import providers
from aws_iam.engine.tokens.subject_width import subjects
from aws_iam.escape import escaped, quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.sources.ci_jobs import Job, Login, Workflow
    from aws_iam.engine.tokens.oidc_provider import Provider
    from aws_iam.tools.irsa.checks.subject import Repository, Trust

_TITLES = {"github": "GitHub Actions", "gitlab": "GitLab CI"}
# The end of a default subject; another one is of a template that the project chose.
_DEFAULT = {
    "github": re.compile(r"repo:[^:]*:(?:ref:|environment:|pull_request).*", re.DOTALL),
    "gitlab": re.compile(r"project_path:[^:]*:ref_type:.*", re.DOTALL),
}
_COMPARED = frozenset({"sub", "aud", "environment", "ref", "repository", "job_workflow_ref", "workflow"})  # fmt: skip
_IDS = frozenset({"repository_id", "repository_owner_id", "project_id", "namespace_id"})
_ID = re.compile(r"@[0-9]")
_MOST = 3


@slotted
class Request:
    """What one job asks for, in the repository that is known; empty where it is not."""

    workflow: Workflow
    job: Job
    login: Login | None
    repository: Repository | None


@slotted
class JobTrust:
    """A statement that takes tokens of the platform."""

    statement: Statement
    provider: Provider
    role: str = ""
    """The ARN of the role; empty where the document does not have it."""

    def repository(self, request: Request) -> str:
        """The repository in the subjects of the jobs; empty where it is not known."""
        # The subject of a called workflow names its caller.
        return "" if request.workflow.called else self.own_repository(request)

    def own_repository(self, request: Request) -> str:
        """The repository that holds the workflow; empty where it is not known, or comes from another host than the issuer's."""
        found = request.repository
        if found is None:
            return ""
        site = self.provider.host.removeprefix("token.actions.").partition("/")[0]
        site = "github.com" if site == "githubusercontent.com" else site
        return found.name if found.host.lower() in {"", site.lower()} else ""

    def takes_run(self, request: Request) -> bool:
        """Whether it takes the end of the job's subject: branch, tag, environment or event; where that is not known, any."""
        ends = request.job.ends
        return not ends or self._takes_end(request, ends)

    def refused_ends(self, request: Request) -> frozenset[str]:
        """The ends of the job's subjects that it does not take."""
        return frozenset(end for end in request.job.ends if not self._takes_end(request, (end,)))

    def _takes_end(self, request: Request, ends: tuple[str, ...]) -> bool:
        return all(
            any(self._fits(request, value.value, "", end) for value in c.values for end in ends)
            for c in self._subjects()
        )

    def takes_environment(self, request: Request) -> bool:
        """Whether it takes the job's environment in the claim of that name."""
        named = request.job.environment
        # A job without environment sends no such claim.
        return named == "" or self._takes("environment", (named,) if named else ())

    def takes_ref(self, request: Request) -> bool:
        """Whether it takes the job's branch or tag in the claim ref."""
        refs = request.job.refs
        return not refs or self._takes("ref", refs)

    def takes_repository(self, request: Request, *, ignore_case: bool = True) -> bool:
        """Whether it takes subjects of the repository."""
        name = self.repository(request)
        if not name:
            return True
        ends = request.job.ends or ("*",)
        by_subject = all(
            any(
                self._fits(request, value.value, name, end, ignore_case=ignore_case)
                for value in c.values
                for end in ends
            )
            for c in self._subjects()
        )
        return by_subject and self._takes("repository", (name,), ignore_case=ignore_case)

    def takes_spelling(self, request: Request) -> bool:
        """The same, in its own case."""
        return self.takes_repository(request, ignore_case=False)

    def takes_workflow(self, request: Request) -> bool:
        """Whether it takes the file of the workflow, or the reusable workflow that the job calls."""
        workflow, job = request.workflow, request.job
        paths = workflow.paths(job, self.own_repository(request))
        if paths and not self._takes("job_workflow_ref", paths, ignore_case=True):
            return False
        name = workflow.name
        return not name or workflow.called or self._takes("workflow", (name,))

    def takes_audience(self, request: Request) -> bool:
        """Whether it takes a token with one of the audiences that the job asks for."""
        audiences = request.login.audiences if request.login else ()
        return not audiences or self._takes("aud", audiences)

    def takes_role(self, request: Request) -> bool:
        """Whether it is, or may be, the trust policy of the role that the job asks for."""
        asked = request.login.role if request.login else ""
        return not asked or self.role in {"", asked}

    def takes_account(self, request: Request) -> bool:
        """Whether the role is one of the provider's account; True where the role is not known."""
        role = request.login.role if request.login else ""
        own = account_of(role)
        return not own or account_of(self.provider.principal.value) in {own, "", "*"}

    @property
    def ends(self) -> tuple[str, ...]:
        """What the subjects that it lists end in."""
        return tuple(map(_end, self.values("sub")))

    @property
    def has_workflow(self) -> bool:
        """Whether it demands one workflow."""
        return any(c.demanded for c in self.provider.on(self.statement, "job_workflow_ref"))

    def names_call(self, job: Job) -> bool:
        """Whether it names the reusable workflow that the job calls, at whatever ref."""
        path = job.calls.partition("@")[0].removeprefix(".")
        listed = (value.partition("@")[0] for value in self.values("job_workflow_ref"))
        return bool(path) and any(
            value.endswith(path)
            if path.startswith("/")
            else matches(value, path, ignore_case=True)
            for value in listed
        )

    def claims(self) -> Iterator[str]:
        """The claims that its conditions test."""
        for condition in self.statement.conditions:
            claim = self.provider.claim(condition)
            if claim and condition.base != "Null":
                yield claim

    def has_ids(self) -> bool:
        """Whether it tests ids, which no file has."""
        return bool(_IDS & set(self.claims())) or any(map(_ID.search, self.values("sub")))

    def custom_subjects(self, platform: str) -> Iterator[str]:
        """The subjects of another form than the default one."""
        for value in self.values("sub"):
            if is_literal(value) and not _DEFAULT[platform].fullmatch(value):
                yield value

    def _subjects(self) -> tuple[Condition, ...]:
        return tuple(subjects(self.provider, self.statement))

    def values(self, claim: str) -> tuple[str, ...]:
        """The values of a claim that it lists."""
        conditions = self.provider.on(self.statement, claim)
        return tuple(v.value for c in conditions if not c.negated for v in c.values)

    def _fits(
        self, request: Request, value: str, repository: str, end: str, *, ignore_case: bool = False
    ) -> bool:
        """Whether the value takes a default subject with that end; one of a custom template may."""
        if is_literal(value) and not _DEFAULT[request.workflow.platform].fullmatch(value):
            if (
                not repository
                or ":" not in value
                or not value.startswith(("repo:", "project_path:"))
            ):
                return True
            end = "*"
        if any(covers(f"*:{left_out}", value) for left_out in request.job.excluded):
            return False
        # With a wildcard for the repository, that would take the end of the value for its own.
        patterns = request.workflow.subjects(repository or _repository_in(value), end)
        return any(intersects(value, pattern, ignore_case=ignore_case) for pattern in patterns)

    def _takes(self, claim: str, asked: Iterable[str], *, ignore_case: bool = False) -> bool:
        """Whether every condition that demands the claim takes one of the values, which may be patterns."""
        asked = tuple(asked)
        tested = [c for c in self.provider.on(self.statement, claim) if c.demanded]
        return all(
            any(
                _equals(c, v.value, text, ignore_case=ignore_case)
                for v in c.values
                for text in asked
            )
            for c in tested
        )


def job_trusts(trust: Trust, platform: str) -> Iterator[JobTrust]:
    """The statements of the trust policy that take tokens of the platform."""
    for statement in trust.policy.statements:
        for provider in () if never_matches(statement) else providers(statement):
            known = provider.issuer or provider.alike
            if known and known.provider == platform:
                yield JobTrust(statement=statement, provider=provider, role=trust.role)


def of_another_role(trusts: tuple[JobTrust, ...], request: Request) -> bool:
    """Whether the job asks for a role, and none of these trust policies can be that role's."""
    return bool(trusts) and not any(trust.takes_role(request) for trust in trusts)


def account_of(arn: str) -> str:
    """The account in an ARN; empty where there is none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - an ARN's account


def _end(subject: str) -> str:
    """What follows the repository."""
    return subject.split(":", 2)[-1]


def _repository_in(subject: str) -> str:
    """The repository that a subject or pattern names in full; empty where it names none."""
    start, _, rest = subject.partition(":")
    named = rest.partition(":")[0]
    return named if start in {"repo", "project_path"} and is_literal(named) else ""


def _equals(condition: Condition, wanted: str, text: str, *, ignore_case: bool) -> bool:
    if "Like" in condition.base:
        return intersects(wanted, text, ignore_case=ignore_case)
    return matches(text, wanted, ignore_case=ignore_case or "IgnoreCase" in condition.base)


def not_compared(
    workflows: tuple[Workflow, ...], given: tuple[Trust, ...], repository: Repository | None
) -> Iterator[str]:
    """What of the workflows could not be compared with the trust policies, and why."""
    for platform in dict.fromkeys(workflow.platform for workflow in workflows):
        title = _TITLES[platform]
        own = tuple(workflow for workflow in workflows if workflow.platform == platform)
        trusts = tuple(trust for policy in given for trust in job_trusts(policy, platform))
        if not trusts:
            yield f"the workflows were not compared: no trust policy whose values are known trusts {title}"
            continue
        jobs = [
            (workflow, job)
            for workflow in own
            for job in workflow.jobs
            if job.logins or any(trust.has_workflow for trust in trusts)
        ]
        yield from _other_calls(own, jobs, workflows)
        if not jobs and not any(
            job.calls and job.may_ask is not False for workflow in own for job in workflow.jobs
        ):
            how = "uses aws-actions/configure-aws-credentials with a role" if platform == "github" else "asks for a token and a role of AWS"  # fmt: skip
            yield f"the workflows were not compared: no job of theirs {how}"
        if not jobs:
            continue
        yield from _unknown_repository(trusts, jobs, repository)
        yield from _unknown_claims(trusts, platform)
        yield from _unknown_jobs(jobs)
        yield from _unknown_runs(trusts, jobs)
        yield from _unknown_workflow(trusts, jobs)
        yield from _other_roles(trusts, jobs)
        if any(statement.denies for trust in given for statement in trust.policy.statements):
            yield "the Deny statements of the trust policy were not compared with the workflows"


def _other_calls(
    own: tuple[Workflow, ...], jobs: list[tuple[Workflow, Job]], passed: tuple[Workflow, ...]
) -> Iterator[str]:
    """The reusable workflows that may ask for a role and were neither compared nor passed."""
    files = tuple(workflow.file for workflow in passed)
    compared = [job for _, job in jobs]
    calls = dict.fromkeys(
        job.calls
        for workflow in own
        for job in workflow.jobs
        if job.calls and job not in compared and job.may_ask is not False
        if not _is_passed(job.calls, files)
    )
    if calls:
        yield f"the reusable workflow that a job calls may ask for a role, and was not judged: {_listed(calls)}"


def _is_passed(call: str, files: tuple[str, ...]) -> bool:
    """Whether the workflow that a job calls, one of the same checkout, is among the files."""
    path = call.partition("@")[0]
    return path.startswith("./") and any(file.endswith(path[1:]) for file in files)


def _unknown_repository(
    trusts: tuple[JobTrust, ...], jobs: list[tuple[Workflow, Job]], repository: Repository | None
) -> Iterator[str]:
    first = next(((workflow, job) for workflow, job in jobs if not workflow.called), None)
    if first is None:
        # Their callers are named below.
        return
    request = Request(workflow=first[0], job=first[1], login=None, repository=repository)
    if not all(trust.repository(request) for trust in trusts):
        other = (
            f"their checkout is of {quoted(repository.host)}, which is not the issuer's host"
            if repository and repository.host
            else "a file does not name its own"
        )
        yield (
            f"whether the workflows are in the trusted repository was not compared: {other};"
            " pass `owner` and `repository`"
        )
    elif any(trust.has_ids() for trust in trusts):
        yield "the ids in the trust policy were not compared: no file has the ids of its owner and repository"


def _unknown_claims(trusts: tuple[JobTrust, ...], platform: str) -> Iterator[str]:
    claims = {claim for trust in trusts for claim in trust.claims()} - _COMPARED - _IDS
    if claims:
        yield f"conditions on {', '.join(map(quoted, sorted(claims)))} were not compared: the file does not say their values"
    custom = tuple(dict.fromkeys(s for trust in trusts for s in trust.custom_subjects(platform)))
    if custom:
        yield f"{_listed(custom)} was not compared beyond its repository: only a custom subject template sends it"


def _unknown_workflow(
    trusts: tuple[JobTrust, ...], jobs: list[tuple[Workflow, Job]]
) -> Iterator[str]:
    if any("ref" in trust.claims() for trust in trusts) and not all(job.refs for _, job in jobs):
        yield "the branch or tag under the ref key was not compared: the file does not say on which one a job runs"
    if not any(trust.has_workflow for trust in trusts):
        return
    if not all(workflow.paths(job, "") for workflow, job in jobs):
        yield "the workflow that the trust policy names was not compared: the file was passed without its name"
    if not all(workflow.called or job.calls for workflow, job in jobs):
        yield "whether a job outside a reusable workflow sends `job_workflow_ref` is not documented, and was not judged"


def _other_roles(trusts: tuple[JobTrust, ...], jobs: list[tuple[Workflow, Job]]) -> Iterator[str]:
    asked = [
        Request(workflow=workflow, job=job, login=login, repository=None)
        for workflow, job in jobs
        for login in job.logins
    ]
    others = [request for request in asked if of_another_role(trusts, request)]
    named = dict.fromkeys(request.login.role for request in others if request.login)
    if named:
        yield f"the trust policy of the role that a job asks for was not passed, and not compared: {_listed(named)}"


def _unknown_jobs(jobs: list[tuple[Workflow, Job]]) -> Iterator[str]:
    """The jobs of which the file does not say what their tokens have."""
    reasons: dict[str, list[str]] = {}
    for workflow, job in jobs:
        for reason in _unknown_of(workflow, job):
            reasons.setdefault(reason, []).append(f"{workflow.title}/{job.name}")
    for reason, named in reasons.items():
        yield f"{reason}: {_listed(named)}"


def _unknown_runs(trusts: tuple[JobTrust, ...], jobs: list[tuple[Workflow, Job]]) -> Iterator[str]:
    """The runs without the role, of jobs that get it in others: a condition may keep the job out of them."""
    for workflow, job in jobs:
        request = Request(workflow=workflow, job=job, login=None, repository=None)
        refused = frozenset.intersection(*(trust.refused_ends(request) for trust in trusts))
        ends = [end for end in job.ends if end in refused]
        if ends and len(ends) < len(job.ends):
            name = quoted(escaped(f"{workflow.title}/{job.name}", 200))
            yield f"whether {name} runs where the trust policy does not accept it was not judged: {_listed(ends)}"


def _unknown_of(workflow: Workflow, job: Job) -> Iterator[str]:
    if workflow.called:
        yield "the caller of the workflow, whose repository and branch the token names, was not compared"
    if job.environment == "":
        yield "the environment is an expression and was not compared"
    if job.may_ask is None:
        yield "whether the job may ask for a token is decided elsewhere and was not judged"
    if any(not login.audiences for login in job.logins) and job.may_ask is not False:
        yield "the audience is not written in the file and was not compared"
    if any(not login.role for login in job.logins):
        yield "the role is not written in the file, so its account was not compared"
    if job.has_condition:
        yield "the `if` that decides where the job gets the role was not judged"
    if job.calls and not job.logins:
        yield "the reusable workflow decides role and audience, which were not compared"


def _listed(names: Iterable[str]) -> str:
    shown = [quoted(escaped(name, 200)) for name in names]
    more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
    return ", ".join(shown[:_MOST]) + more
