"""A collector: one fact, the operations that read it, and the function that does.

    PASSWORD_POLICY = maybe("iam.password_policy", PasswordPolicy)

    @collector(PASSWORD_POLICY, "iam:GetAccountPasswordPolicy")
    def password_policy(aws: Aws) -> PasswordPolicy | None:
        ...

Operations are written as `service:Operation`, in the words of boto3; `names/iam_actions.py` knows their IAM actions.
The decorator returns a `Collector` value, which `catalogue.py` finds: nothing is registered at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.collect.fact import AccountFact, Fact, RegionFact

T = TypeVar("T")


@slotted
class Collector:
    """How one fact is read; `read` takes the Region too when the fact is `regional`."""

    fact: Fact[Any]
    operations: tuple[str, ...]
    after: tuple[Fact[Any], ...]
    regional: bool
    read: Callable[..., Any]
    on_request: bool = False
    """Read only when a caller asks for it by an argument; the shipped policy leaves it out."""
    slow: bool = False
    """Started before the others, because AWS takes its time."""


def collector(
    fact: AccountFact[T],
    *operations: str,
    after: tuple[Fact[Any], ...] = (),
    slow: bool = False,
) -> Callable[[Callable[[Aws], T]], Collector]:
    """Declare how a fact of the account is read; `after` are the facts that it asks `aws` for."""

    def declare(read: Callable[[Aws], T]) -> Collector:
        return Collector(
            fact=fact, operations=operations, after=after, regional=False, read=read, slow=slow
        )

    return declare


def collector_in(
    fact: RegionFact[T],
    *operations: str,
    after: tuple[Fact[Any], ...] = (),
    on_request: bool = False,
) -> Callable[[Callable[[Aws, str], T]], Collector]:
    """Declare how a fact of a Region is read."""

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
