"""Where secrets are kept and where they end up: metadata and names, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import Literal

from aws_iam.account.facts.fact import Miss, many_in
from aws_iam.account.names.sensitive import Variable  # noqa: TC001 - the codec reads the hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a secret rotates: days or an expression, and the window."""

    days: int | None = None
    expression: str | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that has labels; `created` only where a pending one was looked at."""

    id: str
    labels: tuple[str, ...]
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`ListSecrets`: a secret without its description and its tags."""

    arn: str
    name: str
    created: datetime | None = None
    kms_key: str | None = None
    """None: the AWS managed key `aws/secretsmanager`."""
    rotation: bool = False
    function: str | None = None
    schedule: Schedule = Schedule()
    external_role: str | None = None
    type: str | None = None
    owning_service: str | None = None
    primary_region: str | None = None
    last_rotated: datetime | None = None
    last_changed: datetime | None = None
    last_accessed: datetime | None = None
    next_rotation: datetime | None = None
    deleted: datetime | None = None
    versions: tuple[Version, ...] = ()

    def is_replica(self, region: str) -> bool:
        """Whether it copies a secret of another Region."""
        return self.primary_region not in (None, region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A copy of a secret: in a Region, or in another account (`arn`)."""

    status: str
    region: str = ""
    secret: str = ""
    role: Literal["regional", "replica", "primary"] = "regional"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCopies:
    """`DescribeSecret`: where a secret is copied to, and from which other account it is a copy."""

    arn: str
    copies: tuple[Replica, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingVersions:
    """The versions of a secret that wait for the end of a rotation, with the time of their making."""

    arn: str
    versions: tuple[Version, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """One resource policy of a secret; `document` is its JSON text, None where it has gone."""

    name: str
    document: str | Miss | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPolicies:
    """Every resource policy of a secret; `listed` is the miss when AWS would not list them: then only `default` is known."""

    arn: str
    policies: tuple[NamedPolicy, ...]
    listed: Miss | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A KMS key that a secret names: as it is named, its ARN and state, and the policy of a customer managed one."""

    named: str
    arn: str | Miss
    state: str | Miss
    manager: str | Miss
    policy: str | Miss | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredParameter:
    """`DescribeParameters`: a parameter; of its description only the word that speaks of a secret is kept."""

    name: str
    arn: str
    type: str
    key: str | None = None
    modified: datetime | None = None
    tier: str = "Standard"
    described_as: str = ""
    expires: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterPolicies:
    """The resource policies of an advanced parameter, as JSON texts."""

    arn: str
    documents: tuple[str, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterShare:
    """A parameter in a RAM share, and with whom it is shared."""

    arn: str
    share: str
    principals: tuple[str, ...] | Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainValue:
    """What kind of key a String parameter's value holds; empty: none that we know."""

    name: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function; `hidden` says why AWS did not show the environment, empty when it did."""

    arn: str
    name: str
    runtime: str | None = None
    kms_key: str | None = None
    variables: tuple[Variable, ...] = ()
    hidden: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFunction:
    """A function that secrets name for their rotation; `state` None: AWS says that there is none."""

    arn: str
    state: str | Miss | None
    runtime: str | None = None
    policy: str | Miss | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A Redshift cluster; `master_secret` None: Redshift does not keep the admin's password."""

    id: str
    arn: str
    master_secret: str | None = None


SECRETS = many_in("secretsmanager.secrets", Secret)
SECRET_COPIES = many_in("secretsmanager.copies", SecretCopies)
PENDING_VERSIONS = many_in("secretsmanager.pending_versions", PendingVersions)
NAMED_POLICIES = many_in("secretsmanager.named_policies", SecretPolicies)
SECRET_KEYS = many_in("kms.secret_keys", SecretKey)
PARAMETERS = many_in("ssm.parameters", StoredParameter)
PARAMETER_POLICIES = many_in("ssm.parameter_policies", ParameterPolicies)
PARAMETER_SHARES = many_in("ram.parameter_shares", ParameterShare)
PLAIN_VALUES = many_in("ssm.plain_values", PlainValue)
"""Read only for who asks to look into String parameters."""
FUNCTIONS = many_in("lambda.functions", Function)
ROTATION_FUNCTIONS = many_in("lambda.rotation_functions", RotationFunction)
TASK_DEFINITIONS = many_in("ecs.task_definitions", TaskDefinition)
WAREHOUSES = many_in("redshift.clusters", Warehouse)
