"""The policies of an account's own resources, as far as they were read: a resource may have none, or nobody may know.

ResourcePolicies(account).of("arn:aws:s3:::books/2026.csv")   →   KnownPolicy(owner="arn:aws:s3:::books", text="{…}")
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.sharing.resource_policies import POLICIES_BY_SERVICE
from aws_iam.account.collect.storage.buckets import BUCKET_POLICIES, BUCKETS
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.reference.attachment_types import attachment_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account

RESOURCE_FACTS: tuple[Fact[Any], ...] = (BUCKETS, BUCKET_POLICIES, *POLICIES_BY_SERVICE.values())
"""The facts that hold the policies of resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPolicy:
    """What is known of the policy of a resource: its text, that it has none, or why it is not known.

    `arn` is the resource that has the policy, such as the bucket of an object; empty where such resources have none.
    """

    arn: str = ""
    text: str | None = None
    why_unread: str = ""


class ResourcePolicies:
    """The resources of an account with their policies."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._texts: dict[str, str | Miss | None] = dict(self._read())

    def __iter__(self) -> Iterator[str]:
        """The ARNs of the resources."""
        return iter(self._texts)

    def __contains__(self, arn: str) -> bool:
        return _holder(arn) in self._texts

    def of(self, arn: str) -> KnownPolicy:
        """The policy that decides about a resource, given by its ARN."""
        holder = _holder(arn)
        if holder in self._texts:
            text = self._texts[holder]
            if isinstance(text, Miss):
                return KnownPolicy(arn=holder, why_unread=str(text))
            return KnownPolicy(arn=holder, text=text)
        if not may_have_policy(arn):
            return KnownPolicy()
        return KnownPolicy(arn=holder, why_unread=self._why_unread(arn))

    def _read(self) -> Iterator[tuple[str, str | Miss | None]]:
        account = self._account
        authorization = account.get(AUTHORIZATION)
        if not isinstance(authorization, Miss):
            yield from ((role.arn, role.trust or None) for role in authorization.roles)
        policies = account.get(BUCKET_POLICIES)
        for policy in () if isinstance(policies, Miss) else policies:
            yield f"arn:{account.partition}:s3:::{policy.bucket}", policy.document
        for fact in POLICIES_BY_SERVICE.values():
            for _, found in account.in_each(fact):
                if not isinstance(found, Miss):
                    yield from ((policy.arn, policy.document) for policy in found)

    def _why_unread(self, arn: str) -> str:
        """Why a policy that the resource may have is not known."""
        found = Arn.of(arn)
        service, region = (found.service, found.region) if found else ("", "")
        if service == "s3":
            listed = self._account.get(BUCKET_POLICIES)
            return str(listed) if isinstance(listed, Miss) else "the account has no such bucket"
        fact = POLICIES_BY_SERVICE.get(service)
        if fact is None:
            return f"the policies of such resources of {service} are not read"
        if region not in self._account.regions.read:
            return f"Region {region} was not read"
        listed_in = self._account.get_in(region, fact)
        return (
            str(listed_in) if isinstance(listed_in, Miss) else "the account has no such resource"
        )


def _holder(arn: str) -> str:
    """The resource whose policy decides: the bucket of an object, the function of a version, the secret of its own ARN."""
    found = Arn.of(arn)
    if found is None:
        return arn
    if found.service == "s3" and not found.region:
        return arn.partition("/")[0]
    if found.service == "lambda":
        return ":".join(arn.split(":")[:7])
    return arn


@cache
def _formats_with_policy() -> tuple[str, ...]:
    return tuple(
        text for kind in attachment_types().values() if kind.service for text in kind.arn_formats()
    )


def may_have_policy(arn: str) -> bool:
    """Whether resources of this kind can have a policy of their own."""
    found = Arn.of(arn)
    if found is None:
        return False
    if found.service == "iam":
        return found.resource.startswith("role/")
    return any(fits(found, text) for text in _formats_with_policy())
