"""A collector: one fact, the operations that read it, and the function that does.

    @collector(PASSWORD_POLICY, "iam:GetAccountPasswordPolicy")
    def password_policy(aws: Aws) -> PasswordPolicy | None:
        ...

The operations are written as `service:Operation`, in the words of boto3; `allowlist.py` knows their IAM actions. The
decorator returns a `Collector` value, so nothing happens at import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.facts.fact import AccountFact, Fact, RegionFact

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """How one fact is read; `read` takes the Region too when the fact is `regional`.

    What is `on_request` is read for those alone who ask for it by an argument: it is no part of the shipped policy.
    """

    fact: Fact[Any]
    operations: tuple[str, ...]
    after: tuple[Fact[Any], ...]
    regional: bool
    read: Callable[..., Any]
    on_request: bool = False


def collector(
    fact: AccountFact[T], *operations: str, after: tuple[Fact[Any], ...] = ()
) -> Callable[[Callable[[Aws], T]], Collector]:
    """Declare how a fact of the account is read; `after` are the facts that it asks `aws` for."""

    def declare(read: Callable[[Aws], T]) -> Collector:
        return Collector(fact=fact, operations=operations, after=after, regional=False, read=read)

    return declare


def collector_in(
    fact: RegionFact[T],
    *operations: str,
    after: tuple[Fact[Any], ...] = (),
    on_request: bool = False,
) -> Callable[[Callable[[Aws, str], T]], Collector]:
    """Declare how a fact of a Region is read; `on_request` keeps it out of what everybody needs."""

    def declare(read: Callable[[Aws, str], T]) -> Collector:
        return Collector(
            fact=fact,
            operations=operations,
            after=after,
            regional=True,
            read=read,
            on_request=on_request,
        )

    return declare
