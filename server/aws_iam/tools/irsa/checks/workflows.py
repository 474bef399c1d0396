"""CI workflows: whether their jobs may ask for a token, and whether the trust policy accepts what the token says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity
from aws_iam.engine.sources.kubernetes_objects import cluster_of
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail
from aws_iam.tools.irsa.checks.job_trust import (
    JobTrust,
    Request,
    account_of,
    job_trusts,
    of_another_role,
)
from aws_iam.tools.irsa.checks.roles import read
from aws_iam.tools.irsa.checks.roles import roles as roles_of
from aws_iam.tools.irsa.checks.samples import for_github, role, role_arn, roles, workloads
from aws_iam.tools.irsa.checks.subject import Repository, Trust, Workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.sources.ci_jobs import Job, Login, Workflow

_GH = "https://docs.github.com/en/actions/reference/security/oidc"
_MOST = 3


def _workflow(job: dict[str, object], **more: object) -> Workflow:
    step = {
        "uses": "aws-actions/configure-aws-credentials@v6",
        "with": {"role-to-assume": role_arn("deploy"), "aws-region": "eu-west-1"},
    }
    document = {
        "on": {"push": {"branches": ["main"]}},
        "permissions": {"id-token": "write"},
        "jobs": {"deploy": {"runs-on": "ubuntu-latest", "steps": [step], **job}},
        **more,
    }
    (found,) = cluster_of(document).workflows
    return found


_DEPLOY = roles(role("deploy", for_github()))


@check(
    "OIDC-WORKFLOW",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION,),
    title="The job of the CI workflow does not get the role",
    fix="Make the workflow and the trust policy fit each other.",
    source=_GH,
    bad=[
        workloads(_DEPLOY, workflows=[_workflow({"environment": "production"})]),
        workloads(_DEPLOY, workflows=[_workflow({}, on={"push": {"branches": ["develop"]}})]),
        workloads(_DEPLOY, workflows=[_workflow({}, permissions={"contents": "read"})]),
        workloads(_DEPLOY, workflows=[_workflow({"if": "github.ref == 'refs/heads/dev'"})]),
        workloads(_DEPLOY, workflows=[_workflow({})], repository=Repository(name="octo/other")),
        workloads(roles(role("other", for_github())), workflows=[_workflow({})]),
    ],
    good=[
        workloads(_DEPLOY, workflows=[_workflow({})]),
        workloads(_DEPLOY, workflows=[_workflow({}, on=["push", "workflow_dispatch"])]),
        workloads(_DEPLOY, workflows=[_workflow({}, on="workflow_call")]),
        workloads(_DEPLOY, workflows=[_workflow({})], repository=Repository(name="octo/app")),
        workloads(_DEPLOY),
    ],
)
def refused_jobs(at: Workloads) -> Iterator[Fail]:
    """The job never runs, asks for a token that it may not have, or STS refuses one whose branch, repository, workflow or audience does not fit.

    The repository is compared where it is known. False alarm when the repository has a custom subject template.
    """
    for workflow in at.workflows:
        for job in workflow.jobs:
            if job.never_on:
                yield _never_run(workflow, job)
            if job.may_ask is False and (job.logins or _is_trusted_call(at, workflow, job)):
                yield _without_token(workflow, job)
    for workflow in at.workflows:
        for job in workflow.jobs:
            for login in job.logins or ((None,) if _is_trusted_call(at, workflow, job) else ()):
                request = Request(
                    workflow=workflow, job=job, login=login, repository=at.repository
                )
                if login and _is_missing(at, login):
                    yield _of_job(
                        workflow,
                        job,
                        f"asks for {quoted(login.role)}, which is no role of the account",
                        "Create the role, or name one that exists.",
                    )
                yield from _of_request(at, request)


def _is_missing(at: Workloads, login: Login) -> bool:
    """Whether the role would be one of the account that was read, and is not."""
    own = at.trusts is None and account_of(login.role) == at.account.id
    return own and login.role not in roles_of(at)


def _never_run(workflow: Workflow, job: Job) -> Fail:
    return _of_job(
        workflow,
        job,
        f"never runs: its `if` asks for {_any_of(job.never_on)}, for which no event starts the workflow",
        "Name the branch or tag of `if` in the events of the workflow too, or test one that starts it.",
    )


def _without_token(workflow: Workflow, job: Job) -> Fail:
    if workflow.platform == "gitlab":
        return _of_job(
            workflow,
            job,
            "exchanges a token but has no `id_tokens`, so it gets none",
            'Add "id_tokens:" with a token whose "aud:" the trust policy accepts to the job.',
        )
    return _of_job(
        workflow,
        job,
        "has no permission `id-token: write`, so it gets no token",
        'Add "permissions:" with "id-token: write" and "contents: read" to the job.',
    )


def _is_trusted_call(at: Workloads, workflow: Workflow, job: Job) -> bool:
    """Whether the job calls a reusable workflow that a trust policy names; any other may have no role at all."""
    if not job.calls or at.trusts is None:
        return False
    trusts = (trust for given in at.trusts for trust in job_trusts(given, workflow.platform))
    return any(trust.has_workflow and trust.names_call(job) for trust in trusts)


@slotted
class _Comparison:
    """One thing that a token says: whether a statement takes it, and what to say where none does."""

    takes: Callable[[JobTrust, Request], bool]
    problem: Callable[[tuple[JobTrust, ...], Request], tuple[str, str]]
    low_confidence: bool = False


def _other_run(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    listed = tuple(dict.fromkeys(end for trust in trusts for end in trust.ends))
    never = f", never in {_any_of(request.job.excluded)}" if request.job.excluded else ""
    message = f"sends a subject that ends in {_any_of(request.job.ends)}{never}, but the trust policy accepts {_any_of(listed)}"
    return message, _mended(request.job)


def _other_environment(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    named = request.job.environment
    has = f"has the environment {quoted(named)}" if named else "has no environment"
    return (
        f"{has}, but the trust policy accepts the environment {_accepted(trusts, 'environment')}",
        "Give the job the environment that the trust policy names, or name the job's in the policy.",
    )


def _other_ref(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    return (
        f"runs on {_any_of(request.job.refs)}, but the trust policy accepts the ref {_accepted(trusts, 'ref')}",
        "Write the branch or tag of the job under the ref key, or start the job from the one that it names.",
    )


def _other_repository(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    name = next(filter(None, (trust.repository(request) for trust in trusts)))
    return (
        f"runs in the repository {quoted(name)}, but the trust policy accepts {_accepted(trusts, 'sub', 'repository')}",
        f"Write the repository {quoted(name)} in the trust policy, or use the role of this repository.",
    )


def _other_spelling(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    message, _ = _other_repository(trusts, request)
    return (
        f"{message}: they differ in upper and lower case only, and AWS compares case",
        "Spell owner and repository in the trust policy as the platform does.",
    )


def _other_workflow(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    own = request.job.calls or request.workflow.file or request.workflow.name
    return (
        f"runs {quoted(own)}, but the trust policy accepts the workflow {_accepted(trusts, 'job_workflow_ref', 'workflow')}",
        "Call the workflow that the trust policy names, at the ref that it names, or name this one in the policy.",
    )


def _other_audience(_: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    asked = request.login.audiences if request.login else ()
    where = "`aud` under id_tokens" if request.workflow.platform == "gitlab" else "`audience` of the action"  # fmt: skip
    return (
        f"asks for a token with the audience {_any_of(asked)}, which the trust policy does not accept",
        f"Write {quoted(asked[0])} under the aud key, or set {where}.",
    )


def _other_account(trusts: tuple[JobTrust, ...], request: Request) -> tuple[str, str]:
    role_named = request.login.role if request.login else ""
    owners = tuple(dict.fromkeys(account_of(trust.provider.principal.value) for trust in trusts))
    return (
        (
            f"asks for {quoted(role_named)}, but the provider in the trust policy is in account {_any_of(owners)}:"
            " a role can only trust providers of its own account"
        ),
        "Name a role of that account in the job, or the provider of the role's account in the trust policy.",
    )


_COMPARISONS = (
    _Comparison(takes=JobTrust.takes_run, problem=_other_run),
    _Comparison(takes=JobTrust.takes_environment, problem=_other_environment),
    _Comparison(takes=JobTrust.takes_ref, problem=_other_ref),
    _Comparison(takes=JobTrust.takes_repository, problem=_other_repository),
    _Comparison(takes=JobTrust.takes_spelling, problem=_other_spelling, low_confidence=True),
    _Comparison(takes=JobTrust.takes_workflow, problem=_other_workflow),
    _Comparison(takes=JobTrust.takes_audience, problem=_other_audience),
    _Comparison(takes=JobTrust.takes_account, problem=_other_account),
)


def _of_request(at: Workloads, request: Request) -> Iterator[Fail]:
    """The first thing that the token says and no statement accepts beside what went before."""
    platform = request.workflow.platform
    trusts = tuple(t for given in _trusts(at, request.login) for t in job_trusts(given, platform))
    if of_another_role(trusts, request):
        if not _is_role_used(at, trusts):
            yield _of_other_role(request, trusts)
        return
    trusts = tuple(trust for trust in trusts if trust.takes_role(request))
    for comparison in _COMPARISONS if trusts else ():
        taking = tuple(trust for trust in trusts if comparison.takes(trust, request))
        if not taking:
            message, fix = comparison.problem(trusts, request)
            yield _of_job(
                request.workflow,
                request.job,
                message,
                fix,
                low_confidence=comparison.low_confidence,
            )
            return
        trusts = taking


def _mended(job: Job) -> str:
    if job.environment:
        return (
            "A job with an environment sends the environment and never the branch: write its subject"
            f" `repo:OWNER/REPOSITORY:environment:{job.environment}` in the trust policy, or remove `environment` from the job."
        )
    return "Write the branch, tag or environment of the job in the trust policy, or give the job what the policy names."


def _is_role_used(at: Workloads, trusts: tuple[JobTrust, ...]) -> bool:
    """Whether some job asks for a role of these trust policies, so that the others are about other roles."""
    asked = {login.role for flow in at.workflows for job in flow.jobs for login in job.logins}
    # A role that is no text of the file may be any.
    return "" in asked or any(trust.role in asked for trust in trusts)


def _of_other_role(request: Request, trusts: tuple[JobTrust, ...]) -> Fail:
    given = tuple(dict.fromkeys(trust.role for trust in trusts))
    return _of_job(
        request.workflow,
        request.job,
        f"asks for {quoted(request.login.role if request.login else '')}, but the trust policy that was passed is that of {_any_of(given)}",
        "Name that role in the job, or pass the trust policy of the one that it asks for.",
    )


def _trusts(at: Workloads, login: Login | None) -> tuple[Trust, ...]:
    """The trust policies to compare with: those given, else that of the role; none where the role is not known."""
    if at.trusts is not None:
        return at.trusts
    return tuple(Trust(policy=policy) for policy in role_policies(at, login)) if login else ()


def role_policies(at: Workloads, login: Login) -> tuple[Policy, ...]:
    """The trust policy of the role that a job asks for; none where the role is not known."""
    found = roles_of(at).get(login.role) if login.role else None
    policy = read(found) if found else None
    return (policy.policy,) if policy else ()


def _accepted(trusts: tuple[JobTrust, ...], *claims: str) -> str:
    found = (text for trust in trusts for claim in claims for text in trust.values(claim))
    return _any_of(tuple(dict.fromkeys(found)))


def _any_of(ends: tuple[str, ...]) -> str:
    more = f" and {len(ends) - _MOST} more" if len(ends) > _MOST else ""
    return " or ".join(map(quoted, ends[:_MOST])) + more if ends else "another"


def _of_job(
    workflow: Workflow, job: Job, message: str, fix: str, *, low_confidence: bool = False
) -> Fail:
    title = f"{workflow.title}/{job.name}"
    return Fail(
        title,
        f"job {quoted(title)} {message}",
        at=job.where,
        fix=fix,
        low_confidence=low_confidence,
    )
