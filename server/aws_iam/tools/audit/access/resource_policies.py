"""The policies of an account's own resources, as far as they were read: a resource may have none, or nobody may know.

ResourcePolicies(account).of("arn:aws:s3:::books/2026.csv")   →   KnownPolicy(owner="arn:aws:s3:::books", text="{…}")
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.secrets.parameters import PARAMETER_POLICIES, PARAMETERS
from aws_iam.account.collect.sharing.resource_policies import POLICIES_BY_SERVICE
from aws_iam.account.collect.storage.buckets import BUCKET_POLICIES, BUCKETS
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.policy_types import may_have_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.account.collect.fact import Fact, RegionFact
    from aws_iam.account.reading.snapshot import Account

RESOURCE_FACTS: tuple[Fact[Any], ...] = (
    BUCKETS,
    BUCKET_POLICIES,
    *POLICIES_BY_SERVICE.values(),
    PARAMETERS,
    PARAMETER_POLICIES,
)
"""The facts that hold the policies of resources."""
LISTINGS: Mapping[str, RegionFact[Any]] = {**POLICIES_BY_SERVICE, "ssm": PARAMETERS}
"""The facts that list the resources of a service in each Region."""
# How the resources begin whose policies those facts hold.
_LISTED = {
    "sqs": "",
    "sns": "",
    "lambda": "function:",
    "kms": "key/",
    "secretsmanager": "secret:",
    "glacier": "vaults/",
    "events": "event-bus/",
}
_KINDS: Mapping[str, str | tuple[str, ...]] = {
    **_LISTED,
    "ssm": "parameter/",
    "iam": ("user/", "group/", "role/", "policy/"),
}
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutResourcePolicy.html
_TIER_WITH_POLICY = "Advanced"


@slotted
class KnownPolicy:
    """What is known of the policy of a resource: its text, that it has none, or why it is not known.

    `arn` is the resource that has the policy, such as the bucket of an object; empty where such resources have none.
    """

    arn: str = ""
    text: str | None = None
    why_unread: str = ""


def lists_kind(arn: str) -> bool:
    """Whether the account lists all resources of this kind, so that what it does not list does not exist."""
    found = Arn.of(arn)
    if found is None or _is_qualified_function(found):
        return False
    if found.service == "s3":
        return not found.region and "/" not in found.resource
    beginnings = _KINDS.get(found.service)
    return beginnings is not None and found.resource.startswith(beginnings)


class ResourcePolicies:
    """The resources of an account with their policies."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._texts: dict[str, str | Miss | None] = dict(self._read())
        self._known: dict[str, KnownPolicy] = {}

    def __iter__(self) -> Iterator[str]:
        """The ARNs of the resources."""
        return iter(self._texts)

    def __contains__(self, arn: str) -> bool:
        return holder_of(arn) in self._texts

    def of(self, arn: str) -> KnownPolicy:
        """The policy that decides about a resource, given by its ARN."""
        holder = holder_of(arn)
        if holder in self._texts:
            if holder not in self._known:
                self._known[holder] = _known(holder, self._texts[holder])
            return self._known[holder]
        if not may_have_policy(arn):
            return KnownPolicy()
        why = self._why_unread(arn)
        return KnownPolicy(arn=holder, why_unread=why) if why else KnownPolicy()

    def _read(self) -> Iterator[tuple[str, str | Miss | None]]:
        account = self._account
        authorization = account.get(AUTHORIZATION)
        if not isinstance(authorization, Miss):
            yield from ((role.arn, role.trust or None) for role in authorization.roles)
        policies, buckets = account.get(BUCKET_POLICIES), account.get(BUCKETS)
        if isinstance(policies, Miss) and not isinstance(buckets, Miss):
            yield from ((_bucket(account, bucket.name), policies) for bucket in buckets)
        for policy in () if isinstance(policies, Miss) else policies:
            yield _bucket(account, policy.bucket), policy.document
        for fact in POLICIES_BY_SERVICE.values():
            for _, found in account.in_each(fact):
                if not isinstance(found, Miss):
                    yield from ((policy.arn, policy.document) for policy in found)
        for region in account.regions.read:
            yield from _parameters(account, region)

    def _why_unread(self, arn: str) -> str:
        """Why a policy that the resource may have is not known; empty for what does not exist and could have none."""
        found = Arn.of(arn)
        service, region = (found.service, found.region) if found else ("", "")
        if service == "s3" and not region:
            listed = self._account.get(BUCKET_POLICIES)
            return str(listed) if isinstance(listed, Miss) else "the account has no such bucket"
        if service == "ssm" and found and found.resource.startswith("parameter/"):
            parameters = self._account.get_in(region, PARAMETERS)
            return str(parameters) if isinstance(parameters, Miss) else ""
        if found and _is_qualified_function(found):
            return "the policies of aliases and versions of functions are not read"
        fact = POLICIES_BY_SERVICE.get(service)
        if fact is None or found is None or not found.resource.startswith(_LISTED[service]):
            return f"the policies of such resources of {service} are not read"
        if region not in self._account.regions.read:
            return f"Region {region} was not read"
        listed_in = self._account.get_in(region, fact)
        return (
            str(listed_in) if isinstance(listed_in, Miss) else "the account has no such resource"
        )


def _known(holder: str, text: str | Miss | None) -> KnownPolicy:
    """The policy as it can be used; of one that AWS would refuse, nothing is known."""
    if isinstance(text, Miss):
        return KnownPolicy(arn=holder, why_unread=str(text))
    if text is not None:
        try:
            refuse_unusable(one_policy(text), holder)
        except InputError as error:
            return KnownPolicy(arn=holder, why_unread=error.message)
    return KnownPolicy(arn=holder, text=text)


def holder_of(arn: str) -> str:
    """The resource whose policy decides: the bucket of an object, else the resource itself."""
    found = Arn.of(arn)
    if found is not None and found.service == "s3" and not found.region:
        return arn.partition("/")[0]
    return arn


def _is_qualified_function(arn: Arn) -> bool:
    """Whether it is an alias or a version of a function, which have policies of their own.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
    """
    is_function = arn.service == "lambda" and arn.resource.startswith("function:")
    return is_function and arn.resource.count(":") > 1


def _bucket(account: Account, name: str) -> str:
    return f"arn:{account.partition}:s3:::{name}"


def _parameters(account: Account, region: str) -> Iterator[tuple[str, str | Miss | None]]:
    """The parameters of a Region; only advanced ones can have policies."""
    listed = account.get_in(region, PARAMETERS)
    policies = account.get_in(region, PARAMETER_POLICIES)
    read = {} if isinstance(policies, Miss) else {own.arn: own.documents for own in policies}
    for parameter in () if isinstance(listed, Miss) else listed:
        if parameter.tier != _TIER_WITH_POLICY:
            yield parameter.arn, None
            continue
        found = policies if isinstance(policies, Miss) else read.get(parameter.arn, ())
        yield parameter.arn, found if isinstance(found, Miss) else _together(found)


def _together(texts: Iterable[str]) -> str | None:
    """The policies of one resource as one; None where there is none."""
    listed = tuple(texts)
    if len(listed) < 2:  # noqa: PLR2004 - nothing to put together
        return listed[0] if listed else None
    try:
        statements = [one for text in listed for one in _statements(json.loads(text))]
    except (ValueError, KeyError, TypeError, RecursionError):
        # Whoever reads the first text finds the fault, or the policy is not known.
        return "".join(listed)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _statements(policy: Any) -> list[Any]:
    written = policy["Statement"]
    return written if isinstance(written, list) else [written]
