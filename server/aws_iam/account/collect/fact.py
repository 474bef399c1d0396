"""What a snapshot is made of: a `Fact` names one typed value, a `Miss` says why a value could not be read."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aws_iam.errors import NotCollected
from aws_iam.escape import escaped
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class MissKind(StrEnum):
    """Why a value is missing."""

    ABSENT = "absent"
    """The resource does not exist, or no longer."""
    DENIED = "denied"
    THROTTLED = "throttled"
    ELSEWHERE = "elsewhere"
    """It belongs to another account, which does not show it."""
    UNSUPPORTED = "unsupported"
    """The Region, the partition or the endpoint does not offer the call."""
    NOWHERE = "nowhere"
    """The Region does not have the service: the SDK does not list it there, and its host does not resolve."""
    BROKEN = "broken"
    """The service failed, or its answer cannot be read."""
    TIMEOUT = "timeout"
    EXPIRED = "expired"
    """The session expired before the call."""
    UNASKED = "unasked"
    """It was not requested when the snapshot was taken."""


@slotted
class Miss:
    """One failed call: `call` is `service:Operation`, `permission` the IAM action to allow.

    A fact that was not requested has no failed call: `call` is its name, `permission` every action that reading it takes.
    """

    kind: MissKind
    call: str
    code: str = ""
    permission: str = ""
    message: str = ""
    region: str = ""

    def __str__(self) -> str:
        where = f" in {self.region}" if self.region else ""
        if self.kind is MissKind.UNASKED:
            # `call` is the name of a fact here, which means nothing to a reader.
            why = (
                self.message
                or f"not part of this snapshot{where}, which was saved for fewer controls"
            )
            return f"{why}; reading it needs {self.permission}" if self.permission else why
        code = f" ({escaped(self.code, 60)})" if self.code else ""
        return f"{self.call}{where}: {_WORDS[self.kind](self)}{code}"

    @property
    def is_out_of_reach(self) -> bool:
        """Whether AWS could not be asked at all: no connection, or credentials that it does not know."""
        return self.kind in {MissKind.UNSUPPORTED, MissKind.TIMEOUT} or self.code in _NO_CONNECTION

    def error(self) -> NotCollected:
        """The miss as the exception that makes a verdict unknown."""
        return NotCollected(
            str(self),
            call=self.call,
            code=self.code or self.kind.value,
            permission=self.permission,
            region=self.region,
            refused=self.kind is MissKind.DENIED,
        )


# botocore's names for failures to reach AWS.
_NO_CONNECTION = frozenset(
    {
        "ConnectionClosedError",
        "ConnectionError",
        "HTTPClientError",
        "ProxyConnectionError",
        "ResponseParserError",
        "SSLError",
    }
)


def _refusal(miss: Miss) -> str:
    match = _LAYER.search(miss.message)
    if match is None:
        return f"refused, {miss.permission} is not allowed"
    deny, layer = match.groups()
    words = f"an explicit deny in a {layer}" if deny else f"no {layer} allows it"
    return f"refused, {miss.permission} is not allowed: {words}"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_LAYER = re.compile(
    r"(?:(explicit deny in) an? |because no )"
    r"((?:identity-based|resource-based|session|service control|resource control|VPC endpoint) policy"
    r"|permissions boundary)"
)
_WORDS: dict[MissKind, Callable[[Miss], str]] = {
    MissKind.ABSENT: lambda _: "does not exist",
    MissKind.DENIED: _refusal,
    MissKind.THROTTLED: lambda _: "throttled, too many requests",
    MissKind.ELSEWHERE: lambda miss: f"belongs to another account, {escaped(miss.message, 160)}",
    MissKind.UNSUPPORTED: lambda _: "not offered here, or cannot be reached",
    MissKind.NOWHERE: lambda _: "the Region does not have the service",
    MissKind.BROKEN: lambda miss: f"failed, {escaped(miss.message, 160) or 'no readable answer'}",
    MissKind.TIMEOUT: lambda _: "no answer in time",
    MissKind.EXPIRED: lambda _: "not read, because the session had expired",
}


class RefusedError(Exception):
    """A failed call, as a miss; never leaves `account`."""

    def __init__(self, miss: Miss) -> None:
        super().__init__(str(miss))
        self.miss = miss


@positional
class Fact(Generic[T]):
    """The name of a value in a snapshot and its type; `of` is that type at run time, for the JSON codec."""

    name: str
    of: Any


@positional
class AccountFact(Fact[T]):
    """A fact that the account has once: `account.require(SUMMARY)`."""

    def held(self, value: T | Miss) -> Held:
        """This fact with a value, for a snapshot."""
        return Held(fact=self, region="", value=value)


@positional
class RegionFact(Fact[T]):
    """A fact that each Region has: `account.require_in("eu-west-1", ALARMS)`."""

    def held_in(self, region: str, value: T | Miss) -> Held:
        """This fact with a value in a Region, for a snapshot."""
        return Held(fact=self, region=region, value=value)


@slotted
class Held:
    """One entry of a snapshot; `region` is empty for a fact of the account."""

    fact: Fact[Any]
    region: str
    value: Any


def known(value: T | Miss) -> T:
    """The value; raises NotCollected when it is a miss."""
    if isinstance(value, Miss):
        raise value.error()
    return value


def value_or_refused(value: T | Miss) -> T:
    """The value, for a collector that builds on it; raises RefusedError when it is a miss."""
    if isinstance(value, Miss):
        raise RefusedError(value)
    return value


def one(name: str, of: type[T]) -> AccountFact[T]:
    """A fact that always exists."""
    return AccountFact(name, of)


def maybe(name: str, of: type[T]) -> AccountFact[T | None]:
    """A fact that may not exist: None is AWS's answer `there is none`."""
    return AccountFact(name, of | None)


def many(name: str, of: type[T]) -> AccountFact[tuple[T, ...]]:
    """A list, in a stable order."""
    return AccountFact(name, tuple[of, ...])  # type: ignore[valid-type]


def one_in(name: str, of: type[T]) -> RegionFact[T]:
    """A fact that always exists in a Region."""
    return RegionFact(name, of)


def maybe_in(name: str, of: type[T]) -> RegionFact[T | None]:
    """A fact that may not exist in a Region."""
    return RegionFact(name, of | None)


def many_in(name: str, of: type[T]) -> RegionFact[tuple[T, ...]]:
    """A list for each Region, in a stable order."""
    return RegionFact(name, tuple[of, ...])  # type: ignore[valid-type]
