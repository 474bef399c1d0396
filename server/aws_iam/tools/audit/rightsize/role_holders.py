"""The resources of the account that hold a role, as far as they were read: such a role may be needed, though it is not used yet.

role_holders(account)   →   {"arn:aws:iam::111122223333:role/web": ("function `web`",)}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.compute.functions import FUNCTIONS
from aws_iam.account.collect.compute.task_definitions import TASK_DEFINITIONS
from aws_iam.account.collect.fact import Miss
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.account.collect.compute.eks_clusters import Cluster
    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.account.reading.snapshot import Account

T = TypeVar("T")


def role_holders(account: Account) -> Mapping[str, tuple[str, ...]]:
    """What holds each role, by the role's ARN; what was not read is left out, for it is no reason against anything."""
    found: dict[str, tuple[str, ...]] = {}
    for role, holder in _held(account):
        if role:
            found[role] = (*found.get(role, ()), holder)
    return found


def _held(account: Account) -> Iterator[tuple[str | None, str]]:
    for function in _read(account, FUNCTIONS):
        yield function.role, f"function {quoted(function.name)}"
    for definition in _read(account, TASK_DEFINITIONS):
        name = f"task definition {quoted(definition.arn.rpartition('/')[2])}"
        yield definition.execution_role, name
        yield definition.task_role, name
    for cluster in _read(account, CLUSTERS):
        yield from _of_cluster(cluster)


def _of_cluster(cluster: Cluster) -> Iterator[tuple[str | None, str]]:
    name = f"cluster {quoted(cluster.name)}"
    if not isinstance(cluster.details, Miss):
        yield cluster.details.node_role, name
    for association in _known(cluster.associations):
        if not isinstance(association.details, Miss):
            yield association.details.role, name
            yield association.details.target_role, name
    for group in _known(cluster.nodegroups):
        if not isinstance(group.details, Miss):
            yield group.details.role, name


def _read(account: Account, fact: RegionFact[tuple[T, ...]]) -> Iterator[T]:
    for _, values in account.in_each(fact):
        yield from _known(values)


def _known(values: Sequence[T] | Miss) -> Sequence[T]:
    return () if isinstance(values, Miss) else values
