"""ECS task definitions that services use, and the latest of other families, with the names and kinds of their variables."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in, value_or_refused
from aws_iam.account.collect.secrets.parameters import STORES, stored_names
from aws_iam.account.names.sensitive import Variable, classified_variable, secrets_in_text
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws


@slotted
class SecretReference:
    """One entry of a container's `secrets`: the variable, and where its value comes from."""

    variable: str
    value_from: str


@slotted
class Container:
    """A container of a task definition."""

    name: str
    variables: tuple[Variable, ...] = ()
    secrets: tuple[SecretReference, ...] = ()
    in_command: tuple[Variable, ...] = ()
    """What looks like a secret in its entry point, command and health check."""


@slotted
class TaskDefinition:
    """A task definition that services use; without services the latest one of its family.

    `task_role` is empty where its containers have none, None where that is not known.
    """

    arn: str
    services: tuple[str, ...] = ()
    execution_role: str | None = None
    containers: tuple[Container, ...] | Miss = ()
    task_role: str | None = None


TASK_DEFINITIONS = many_in("ecs.task_definitions", TaskDefinition)
_LIST_CLUSTERS = "ecs:ListClusters"
_LIST_FAMILIES = "ecs:ListTaskDefinitionFamilies"
_LIST_SERVICES = "ecs:ListServices"
_DESCRIBE_SERVICES = "ecs:DescribeServices"
_DESCRIBE_TASK_DEFINITION = "ecs:DescribeTaskDefinition"
_SERVICES_AT_ONCE = 10
MOST_FAMILIES = 200
"""The most families without a service that are read in a Region: AWS sends one definition at a time."""


@collector_in(
    TASK_DEFINITIONS,
    _LIST_CLUSTERS,
    _LIST_SERVICES,
    _DESCRIBE_SERVICES,
    _LIST_FAMILIES,
    _DESCRIBE_TASK_DEFINITION,
    after=STORES,
)
def task_definitions(aws: Aws, region: str) -> tuple[TaskDefinition, ...]:
    """The definitions in use, each once, and the latest of families that only run-task, schedules or AWS Batch can use. INVARIANT: the values of the variables and the commands are dropped here."""
    clusters = sorted(aws.items(_LIST_CLUSTERS, "clusterArns", region=region))
    listed = aws.read_each(
        lambda cluster: _services(aws, region, cluster), clusters, _DESCRIBE_SERVICES
    )
    users: dict[str, set[str]] = defaultdict(set)
    for services in listed:
        # If the services of one cluster cannot be listed, it is unknown which definitions are in use.
        for service in value_or_refused(services):
            for definition in _definitions(service):
                users[definition].add(service["serviceArn"])
    named = [*sorted(users), *_families_without_service(aws, region, users)]
    read = aws.read_each(
        lambda name: _definition(aws, region, name), named, _DESCRIBE_TASK_DEFINITION
    )
    stored = stored_names(aws, region)
    return tuple(
        _with_users(
            _arn(aws, region, name, definition), definition, users.get(name, set()), stored
        )
        for name, definition in zip(named, read, strict=True)
    )


def _families_without_service(aws: Aws, region: str, used: Iterable[str]) -> list[str]:
    listed = aws.items(_LIST_FAMILIES, "families", region=region, status="ACTIVE")
    families = {arn.rpartition("/")[2].partition(":")[0] for arn in used}
    return sorted(set(listed) - families)[:MOST_FAMILIES]


def _arn(aws: Aws, region: str, name: str, definition: dict[str, Any] | Miss) -> str:
    """The definition's ARN; of a family that could not be read the one without a revision."""
    if name.startswith("arn:"):
        return name
    family = f"arn:{aws.partition}:ecs:{region}:{aws.account}:task-definition/{name}"
    return family if isinstance(definition, Miss) else definition.get("taskDefinitionArn", family)


def _services(aws: Aws, region: str, cluster: str) -> list[dict[str, Any]]:
    arns = sorted(aws.items(_LIST_SERVICES, "serviceArns", region=region, cluster=cluster))
    return [
        service
        for start in range(0, len(arns), _SERVICES_AT_ONCE)
        for service in aws.need(
            _DESCRIBE_SERVICES,
            region=region,
            cluster=cluster,
            services=arns[start : start + _SERVICES_AT_ONCE],
        ).get("services", ())
    ]


def _definitions(service: dict[str, Any]) -> set[str]:
    """During a deployment the old and the new definition run side by side."""
    parts = (service, *service.get("deployments", ()), *service.get("taskSets", ()))
    return {part["taskDefinition"] for part in parts if part.get("taskDefinition")}


def _definition(aws: Aws, region: str, arn: str) -> dict[str, Any]:
    answer = aws.need(_DESCRIBE_TASK_DEFINITION, region=region, taskDefinition=arn)
    definition: dict[str, Any] = answer["taskDefinition"]
    return definition


def _with_users(
    arn: str, definition: dict[str, Any] | Miss, users: set[str], stored: frozenset[str]
) -> TaskDefinition:
    services = tuple(sorted(users))
    if isinstance(definition, Miss):
        return TaskDefinition(arn=arn, services=services, containers=definition)
    return TaskDefinition(
        arn=arn,
        services=services,
        execution_role=definition.get("executionRoleArn"),
        task_role=definition.get("taskRoleArn", ""),
        containers=tuple(
            _container(container, stored)
            for container in definition.get("containerDefinitions", ())
        ),
    )


def _container(data: dict[str, Any], stored: frozenset[str]) -> Container:
    pairs = sorted(
        (entry.get("name", ""), entry.get("value", "")) for entry in data.get("environment", ())
    )
    return Container(
        name=data.get("name", ""),
        variables=tuple(classified_variable(name, value, stored) for name, value in pairs),
        secrets=tuple(
            SecretReference(variable=secret["name"], value_from=secret["valueFrom"])
            for secret in data.get("secrets", ())
        ),
        in_command=secrets_in_text(_command(data)),
    )


def _command(data: dict[str, Any]) -> str:
    """What the container runs, as one text."""
    check = data.get("healthCheck") or {}
    parts = (data.get("entryPoint"), data.get("command"), check.get("command"))
    return "\n".join(" ".join(part) for part in parts if part)
