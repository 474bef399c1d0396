"""The associations of EKS Pod Identity, one by one: one that cannot be read is unknown, and the others keep their verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.document_check import Flaw, Workloads, each
from aws_iam.tools.irsa.checks.roles import Bound, associations, roles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.rules.outcomes import Unknown


def _title(bound: Bound) -> str:
    return bound.association.arn


def bound_or_missing(at: Workloads) -> Iterator[Bound | NotCollected]:
    """Every association, and at the end what kept others from being read."""
    try:
        yield from associations(at)
    except NotCollected as missing:
        yield missing


def of_associations(
    at: Workloads, test: Callable[[Bound], Iterator[Flaw | Unknown]]
) -> Iterator[Flaw | Unknown]:
    """The outcomes of every association; those that could not be read are unknown."""
    found = list(bound_or_missing(at))
    readable = [one for one in found if isinstance(one, Bound)]
    yield from each(readable, test, _title)
    for one in found:
        if isinstance(one, NotCollected):
            raise one


def own_role(at: Workloads, arn: str) -> Role | None:
    """The account's role of that ARN."""
    return roles(at).get(arn)


def bound_flaw(bound: Bound, message: str, fix: str | None = None, **more: Any) -> Flaw:
    """A flaw of an association."""
    return Flaw(
        f"association of {quoted(bound.title)}: {message}",
        resource=bound.association.arn,
        region=bound.region,
        fix=fix,
        **more,
    )
