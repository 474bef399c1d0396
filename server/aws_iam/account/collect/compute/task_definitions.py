"""ECS task definitions that services use, with the names and kinds of their variables."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in, value_or_refused
from aws_iam.account.collect.secrets.parameters import STORES, stored_names
from aws_iam.account.names.sensitive import Variable, classified_variable

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """One entry of a container's `secrets`: the variable, and where its value comes from."""

    variable: str
    value_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of a task definition."""

    name: str
    variables: tuple[Variable, ...] = ()
    secrets: tuple[SecretReference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """A task definition that a service uses."""

    arn: str
    services: tuple[str, ...] = ()
    execution_role: str | None = None
    containers: tuple[Container, ...] | Miss = ()


TASK_DEFINITIONS = many_in("ecs.task_definitions", TaskDefinition)
_LIST_CLUSTERS = "ecs:ListClusters"
_LIST_SERVICES = "ecs:ListServices"
_DESCRIBE_SERVICES = "ecs:DescribeServices"
_DESCRIBE_TASK_DEFINITION = "ecs:DescribeTaskDefinition"
_SERVICES_AT_ONCE = 10


@collector_in(
    TASK_DEFINITIONS,
    _LIST_CLUSTERS,
    _LIST_SERVICES,
    _DESCRIBE_SERVICES,
    _DESCRIBE_TASK_DEFINITION,
    after=STORES,
)
def task_definitions(aws: Aws, region: str) -> tuple[TaskDefinition, ...]:
    """The definitions in use, each once. INVARIANT: the values of the variables are dropped here."""
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
    arns = sorted(users)
    read = aws.read_each(
        lambda arn: _definition(aws, region, arn), arns, _DESCRIBE_TASK_DEFINITION
    )
    stored = stored_names(aws, region)
    return tuple(
        _with_users(arn, definition, users[arn], stored)
        for arn, definition in zip(arns, read, strict=True)
    )


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
    )
