"""References from containers to secrets and parameters: whether the target exists, and whether the execution role may read it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.task_definitions import (
    TASK_DEFINITIONS,
    Container,
    SecretReference,
    TaskDefinition,
)
from aws_iam.account.collect.fact import known
from aws_iam.account.collect.identity.authorization import (
    AUTHORIZATION,
    Authorization,
    InlinePolicy,
    Role,
)
from aws_iam.account.collect.secrets.parameters import PARAMETERS
from aws_iam.account.collect.secrets.secret_policies import NAMED_POLICIES
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.reading.snapshot import Account, account_of
from aws_iam.answer import Severity
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.language.arn import Arn
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.secrets.checks import samples as sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.secrets.terms import SecretTerms

_SOURCE = (
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html"
)
_DETAILS = "iam:GetAccountAuthorizationDetails"
_FIELDS_OF_SECRET = 7
_READ = "secretsmanager:GetSecretValue"
_READ_PARAMETER = "ssm:GetParameters"

_ROLE = f"arn:aws:iam::{sample.OWN}:role/AppTaskExecution"
_TASK = f"arn:aws:ecs:{sample.REGION}:{sample.OWN}:task-definition/app:3"

_SERVICE = f"arn:aws:ecs:{sample.REGION}:{sample.OWN}:service/prod/app"


def _task(value_from: str, *statements: dict[str, Any], **more: Any) -> Account:
    reference = SecretReference(variable="DB_PASSWORD", value_from=value_from)
    container = Container(name="app", secrets=(reference,))
    made = TaskDefinition(
        services=(_SERVICE,), arn=_TASK, execution_role=_ROLE, containers=(container,)
    )
    inline = InlinePolicy(name="read", document=sample.policy(*statements))
    role = Role(name="AppTaskExecution", arn=_ROLE, inline=(inline,))
    return account_of(
        AUTHORIZATION.held(Authorization(roles=(role,))),
        SECRETS.held_in(sample.REGION, (sample.rotating(**more),)),
        NAMED_POLICIES.held_in(sample.REGION, ()),
        PARAMETERS.held_in(sample.REGION, (sample.parameter(),)),
        TASK_DEFINITIONS.held_in(sample.REGION, (made,)),
        collected_at=sample.NOW,
    )


_MAY = {
    "Effect": "Allow",
    "Action": [_READ, _READ_PARAMETER],
    "Resource": [
        f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:prod/app/db-??????",
        f"arn:aws:ssm:{sample.REGION}:{sample.OWN}:parameter/prod/app/*",
    ],
}


@check(
    "ENV-ECS-DANGLING",
    on=Account,
    severity=Severity.HIGH,
    title="A container names a secret that does not exist, or that its role may not read",
    fix="Correct `valueFrom`, or let the execution role read it (`secrets snippet` with `runtime: ecs` writes the policy).",
    source=_SOURCE,
    needs=(TASK_DEFINITIONS, SECRETS, NAMED_POLICIES, PARAMETERS, AUTHORIZATION),
    bad=[
        _task(
            f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:prod/app/gone-a1B2c3",
            _MAY,
        ),
        _task(sample.ARN),
        _task("/prod/app/gone", _MAY),
        _task(sample.ARN, _MAY, deleted=sample.ago(1)),
    ],
    good=[_task(f"{sample.ARN}:password::", _MAY)],
    trap=[
        # Without the random part, and by a parameter's bare name: ECS accepts both.
        _task(f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:prod/app/db", _MAY),
        _task("/prod/app/password", _MAY),
    ],
)
def dangling(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Running tasks are not affected, but no new task can start.

    False alarm when the secret was created after the snapshot was taken.
    """

    def test(region: str, task: TaskDefinition) -> Iterator[Outcome]:
        if not task.services:
            yield NotApplicable(task.arn, "no service uses the task definition", region)
            return
        for container in known(task.containers):
            for reference in container.secrets:
                yield from for_each(
                    (reference,),
                    partial(_judge, account, region, task, container.name),
                    name=lambda _: task.arn,
                    region=region,
                )

    def of_region(region: str, tasks: tuple[TaskDefinition, ...]) -> Iterator[Outcome]:
        return for_each(tasks, partial(test, region), name=lambda task: task.arn, region=region)

    return in_regions(account, TASK_DEFINITIONS, of_region)


def _judge(
    account: Account, region: str, task: TaskDefinition, container: str, reference: SecretReference
) -> Iterator[Outcome]:
    place = f"container {quoted(container)}, {quoted(reference.variable)}: {quoted(reference.value_from)}"
    secret = ":secretsmanager:" in reference.value_from
    found = _secret(account, reference) if secret else _parameter(account, region, reference)
    if found is None:
        yield Fail(task.arn, f"{place} does not exist", region)
        return
    arn, deleted = found
    if deleted:
        yield Fail(task.arn, f"{place} is scheduled for deletion and cannot be read", region)
        return
    refused = _refused(account, task, _READ if secret else _READ_PARAMETER, arn)
    if refused:
        yield Fail(task.arn, f"{place}: {refused}", region)
    else:
        yield Pass(task.arn, "", region)


def _secret(account: Account, reference: SecretReference) -> tuple[str, bool] | None:
    """The secret's ARN and whether it is scheduled for deletion; None when there is none."""
    wanted = ":".join(reference.value_from.split(":")[:_FIELDS_OF_SECRET])
    place = _own(account, wanted)
    for secret in account.require_in(place.region, SECRETS):
        if wanted in (secret.arn, secret.arn[:-7]):
            return secret.arn, secret.deleted is not None
    return None


def _parameter(
    account: Account, region: str, reference: SecretReference
) -> tuple[str, bool] | None:
    wanted = reference.value_from
    place = _own(account, wanted).region if wanted.startswith("arn:") else region
    for parameter in account.require_in(place, PARAMETERS):
        if wanted in (parameter.arn, parameter.name):
            return parameter.arn, False
    return None


def _own(account: Account, arn: str) -> Arn:
    """The ARN; raises NotCollected when it belongs to another account."""
    place = Arn.of(arn)
    if place is None or place.account != account.id:
        raise NotCollected(
            f"{quoted(arn)} belongs to another account, so it cannot be checked here",
            call="ecs:DescribeTaskDefinition",
            code="another account",
        )
    return place


def _refused(account: Account, task: TaskDefinition, action: str, arn: str) -> str:
    """Why the execution role may not read it; empty when it may."""
    if task.execution_role is None:
        return "the task definition has no execution role"
    details = account.require(AUTHORIZATION)
    role = next(
        (candidate for candidate in details.roles if candidate.arn == task.execution_role), None
    )
    if role is None:
        return f"the execution role {quoted(task.execution_role)} does not exist"
    documents = {policy.arn: policy.document for policy in details.policies}
    identity = [inline.document for inline in role.inline]
    for attached in role.attached:
        document = documents.get(attached.arn)
        if document is None:
            raise NotCollected(
                f"AWS did not send policy {quoted(attached.arn)}",
                call=_DETAILS,
                code="no document",
            )
        identity.append(document)
    policies: dict[str, Any] = {"identity": [_demand(text) for text in identity]}
    resource = _resource_policies(account, arn)
    if resource:
        policies["resource"] = [_demand(text) for text in resource]
    decision = evaluate({"principal": role.arn, "action": action, "resource": arn}, policies)
    if decision.outcome == "Unknown":
        raise NotCollected(
            f"whether {quoted(role.name)} may call {action} on it cannot be decided",
            call=_DETAILS,
            code="undecided",
        )
    if decision.outcome == "Allowed":
        return ""
    return f"{quoted(role.name)} may not call {action} on it ({decision.outcome})"


def _demand(document: str) -> str:
    """The document; raises NotCollected when it cannot be read."""
    policy_of(document, _DETAILS)
    return document


def _resource_policies(account: Account, arn: str) -> list[str]:
    place = Arn.of(arn)
    if place is None or place.service != "secretsmanager":
        return []
    policies = account.require_in(place.region, NAMED_POLICIES)
    return [
        text
        for policy in policies
        if policy.arn == arn
        for named in policy.policies
        if (text := known(named.document))
    ]
