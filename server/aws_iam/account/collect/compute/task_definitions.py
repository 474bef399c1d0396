"""ECS task definitions that services use, with the names and kinds of their variables."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, RefusedError, many_in
from aws_iam.account.collect.secrets.parameters import STORES, stored_names
from aws_iam.account.names.sensitive import Variable, variable

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """One entry of a container's `secrets`: the variable, and what it takes its value from."""

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
CLUSTERS = "ecs:ListClusters"
SERVICES = "ecs:ListServices"
DESCRIBE = "ecs:DescribeServices"
DEFINITION = "ecs:DescribeTaskDefinition"
_AT_ONCE = 10


@collector_in(TASK_DEFINITIONS, CLUSTERS, SERVICES, DESCRIBE, DEFINITION, after=STORES)
def task_definitions(aws: Aws, region: str) -> tuple[TaskDefinition, ...]:
    """The definitions in use, each once. INVARIANT: the values of the variables end here."""
    clusters = sorted(aws.pages(CLUSTERS, "clusterArns", region=region))
    listed = aws.each(lambda cluster: _services(aws, region, cluster), clusters, DESCRIBE)
    users: dict[str, set[str]] = defaultdict(set)
    for found in listed:
        # Without the services of one cluster nobody knows which definitions are in use.
        if isinstance(found, Miss):
            raise RefusedError(found)
        for service in found:
            for definition in _definitions(service):
                users[definition].add(service["serviceArn"])
    arns = sorted(users)
    read = aws.each(lambda arn: _definition(aws, region, arn), arns, DEFINITION)
    stored = stored_names(aws, region)
    return tuple(
        _with_users(arn, found, users[arn], stored) for arn, found in zip(arns, read, strict=True)
    )


def _services(aws: Aws, region: str, cluster: str) -> list[dict[str, Any]]:
    arns = sorted(aws.pages(SERVICES, "serviceArns", region=region, cluster=cluster))
    return [
        service
        for start in range(0, len(arns), _AT_ONCE)
        for service in aws.need(
            DESCRIBE, region=region, cluster=cluster, services=arns[start : start + _AT_ONCE]
        ).get("services", ())
    ]


def _definitions(service: dict[str, Any]) -> set[str]:
    """While a service changes, the old and the new definition run side by side."""
    parts = (service, *service.get("deployments", ()), *service.get("taskSets", ()))
    return {part["taskDefinition"] for part in parts if part.get("taskDefinition")}


def _definition(aws: Aws, region: str, arn: str) -> dict[str, Any]:
    answer = aws.need(DEFINITION, region=region, taskDefinition=arn)
    found: dict[str, Any] = answer["taskDefinition"]
    return found


def _with_users(
    arn: str, found: dict[str, Any] | Miss, users: set[str], stored: frozenset[str]
) -> TaskDefinition:
    services = tuple(sorted(users))
    if isinstance(found, Miss):
        return TaskDefinition(arn=arn, services=services, containers=found)
    return TaskDefinition(
        arn=arn,
        services=services,
        execution_role=found.get("executionRoleArn"),
        containers=tuple(
            _container(each, stored) for each in found.get("containerDefinitions", ())
        ),
    )


def _container(data: dict[str, Any], stored: frozenset[str]) -> Container:
    pairs = sorted(
        (each.get("name", ""), each.get("value", "")) for each in data.get("environment", ())
    )
    return Container(
        name=data.get("name", ""),
        variables=tuple(variable(name, value, stored) for name, value in pairs),
        secrets=tuple(
            SecretReference(variable=each["name"], value_from=each["valueFrom"])
            for each in data.get("secrets", ())
        ),
    )
