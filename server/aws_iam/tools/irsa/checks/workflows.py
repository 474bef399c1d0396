"""GitHub workflows: whether their jobs may ask for a token, and whether the trust policy accepts what the token says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import intersects, is_literal, matches
from aws_iam.engine.sources.kubernetes_objects import cluster_of
from aws_iam.engine.tokens.dead_conditions import never_matches
from aws_iam.engine.tokens.oidc_provider import providers
from aws_iam.engine.tokens.subject_width import subjects
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail
from aws_iam.tools.irsa.checks.roles import read
from aws_iam.tools.irsa.checks.roles import roles as roles_of
from aws_iam.tools.irsa.checks.samples import for_github, role, role_arn, roles, workloads
from aws_iam.tools.irsa.checks.subject import Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Policy, Statement
    from aws_iam.engine.sources.github_workflows import Job, Login, Workflow
    from aws_iam.engine.tokens.oidc_provider import Provider

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
    title="The job of the GitHub workflow does not get the role",
    fix="Make the workflow and the trust policy fit each other.",
    source=_GH,
    bad=[
        workloads(_DEPLOY, workflows=[_workflow({"environment": "production"})]),
        workloads(_DEPLOY, workflows=[_workflow({}, on={"push": {"branches": ["develop"]}})]),
        workloads(_DEPLOY, workflows=[_workflow({}, permissions={"contents": "read"})]),
    ],
    good=[
        workloads(_DEPLOY, workflows=[_workflow({})]),
        workloads(_DEPLOY, workflows=[_workflow({}, on=["push", "workflow_dispatch"])]),
        workloads(_DEPLOY, workflows=[_workflow({}, on="workflow_call")]),
        workloads(_DEPLOY),
    ],
)
def refused_jobs(at: Workloads) -> Iterator[Fail]:
    """The action asks for a token that it may not have, or STS refuses one whose environment or branch does not fit.

    The repository is not compared, as a workflow does not name its own. False alarm when the repository has a custom
    subject template.
    """
    for workflow in at.workflows:
        for job in workflow.jobs:
            if job.may_ask is False:
                yield _of_job(
                    workflow,
                    job,
                    "has no permission `id-token: write`, so it gets no token",
                    'Add "permissions:" with "id-token: write" and "contents: read" to the job.',
                )
    for workflow in at.workflows:
        for job in workflow.jobs:
            for login in job.logins:
                yield from _of_login(at, workflow, job, login)


def _of_login(at: Workloads, workflow: Workflow, job: Job, login: Login) -> Iterator[Fail]:
    trusts = tuple(trust for policy in _policies(at, login) for trust in _github(policy))
    if not trusts:
        return
    ends = workflow.subject_ends(job)
    by_subject = [trust for trust in trusts if trust.takes_end(ends, job)]
    if not by_subject:
        listed = tuple(dict.fromkeys(end for trust in trusts for end in trust.ends))
        yield _of_job(
            workflow,
            job,
            f"sends a subject that ends in {_any_of(ends)}, but the trust policy accepts {_any_of(listed)}",
            _mended(job),
        )
    elif login.audience and not any(trust.takes_audience(login.audience) for trust in by_subject):
        yield _of_job(
            workflow,
            job,
            f"asks for a token with the audience {quoted(login.audience)}, which the trust policy does not accept",
            f"Write {quoted(login.audience)} under the aud key, or set `audience` of the action.",
        )


def _mended(job: Job) -> str:
    if job.environment:
        return (
            "A job with an environment sends the environment and never the branch: write its subject"
            f" `repo:OWNER/REPOSITORY:environment:{job.environment}` in the trust policy, or remove `environment` from the job."
        )
    return "Write the branch, tag or environment of the job in the trust policy, or give the job what the policy names."


def _policies(at: Workloads, login: Login) -> tuple[Policy, ...]:
    """The trust policies to compare with: those given, else that of the role; none where the role is not known."""
    if at.trusts is not None:
        return at.trusts
    if not login.role:
        return ()
    found = roles_of(at).get(login.role)
    policy = read(found) if found else None
    return (policy.policy,) if policy else ()


@slotted
class _GitHubTrust:
    """A statement that takes tokens of GitHub."""

    statement: Statement
    provider: Provider

    def takes_end(self, ends: tuple[str, ...], job: Job) -> bool:
        """Whether it takes a subject that ends so; where the ends are not known, any."""
        tested = subjects(self.provider, self.statement)
        by_subject = not ends or all(
            any(_fits(value.value, end) for value in c.values for end in ends) for c in tested
        )
        return by_subject and self._takes_environment(job)

    def _takes_environment(self, job: Job) -> bool:
        tested = [c for c in self.provider.on(self.statement, "environment") if c.demanded]
        named = job.environment
        if not tested or named == "":
            return True
        return named is not None and all(
            any(_equals(c, value.value, named) for value in c.values) for c in tested
        )

    def takes_audience(self, audience: str) -> bool:
        """Whether it takes a token with that audience."""
        tested = [c for c in self.provider.on(self.statement, "aud") if c.demanded]
        return all(any(_equals(c, value.value, audience) for value in c.values) for c in tested)

    @property
    def ends(self) -> tuple[str, ...]:
        """What the subjects that it lists end in."""
        conditions = self.provider.on(self.statement, "sub")
        return tuple(_end(value.value) for condition in conditions for value in condition.values)


def trusts_github(policy: Policy) -> bool:
    """Whether a statement of the policy can take tokens of GitHub."""
    return any(True for _ in _github(policy))


def _github(policy: Policy) -> Iterator[_GitHubTrust]:
    for statement in policy.statements:
        for provider in () if never_matches(statement) else providers(statement):
            if provider.issuer and provider.issuer.provider == "github":
                yield _GitHubTrust(statement=statement, provider=provider)


def _fits(value: str, end: str) -> bool:
    """Whether the value takes a subject of some repository with that end; one of a custom template may."""
    default = value.startswith("repo:") and _end(value).startswith(
        ("ref:", "environment:", "pull_request")
    )
    if not default and is_literal(value):
        return True
    return intersects(value, f"repo:*:{end}")


def _end(subject: str) -> str:
    """What follows the repository."""
    return subject.split(":", 2)[-1]


def _equals(condition: Condition, wanted: str, text: str) -> bool:
    return matches(wanted, text) if "Like" in condition.base else wanted == text


def _any_of(ends: tuple[str, ...]) -> str:
    more = f" and {len(ends) - _MOST} more" if len(ends) > _MOST else ""
    return " or ".join(map(quoted, ends[:_MOST])) + more if ends else "another"


def _of_job(workflow: Workflow, job: Job, message: str, fix: str) -> Fail:
    title = f"{workflow.title}/{job.name}"
    return Fail(title, f"job {quoted(title)} {message}", at=job.where, fix=fix)
