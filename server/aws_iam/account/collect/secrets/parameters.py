"""Parameter Store: the parameters, who else may read them, and, only on request, what kind of text a String is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, RefusedError, many_in
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.names.sensitive import key_format, speaks_of_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


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
class PlainValue:
    """What kind of key a String parameter's value holds; empty: none that we know."""

    name: str
    format: str


PARAMETERS = many_in("ssm.parameters", StoredParameter)
PARAMETER_POLICIES = many_in("ssm.parameter_policies", ParameterPolicies)
PLAIN_VALUES = many_in("ssm.plain_values", PlainValue)
"""Read only for who asks to look into String parameters."""
DESCRIBE = "ssm:DescribeParameters"
POLICIES = "ssm:GetResourcePolicies"
VALUES = "ssm:GetParameters"
_AT_ONCE = 10
_WIDEST_PAGE = 50
# AWS answers three of these calls a second, all callers of the account together, and ten for who pays for more:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-throughput.html
_PAUSE = 0.35
_ADVANCED = "Advanced"


@collector_in(PARAMETERS, DESCRIBE)
def parameters(aws: Aws, region: str) -> tuple[StoredParameter, ...]:
    """Every parameter of the account, page by page, slowly enough for the quota."""
    listed = _listed(aws, region)
    prefix = f"arn:{aws.partition}:ssm:{region}:{aws.account}:parameter"
    return tuple(sorted((_parameter(prefix, each) for each in listed), key=lambda each: each.name))


@collector_in(PARAMETER_POLICIES, POLICIES, after=(PARAMETERS,))
def parameter_policies(aws: Aws, region: str) -> tuple[ParameterPolicies, ...]:
    """The resource policies of advanced parameters: others cannot have any."""
    listed = aws.fact_in(region, PARAMETERS)
    arns = [each.arn for each in listed if each.tier == _ADVANCED]
    read = aws.each(
        lambda arn: tuple(
            policy["Policy"]
            for policy in aws.pages(POLICIES, "Policies", region=region, ResourceArn=arn)
        ),
        arns,
        POLICIES,
    )
    return tuple(
        ParameterPolicies(arn=arn, documents=found) for arn, found in zip(arns, read, strict=True)
    )


@collector_in(PLAIN_VALUES, VALUES, after=(PARAMETERS,), on_request=True)
def plain_values(aws: Aws, region: str) -> tuple[PlainValue, ...]:
    """What kind of key each String holds; the text itself is dropped here. SecureStrings are never asked for."""
    listed = aws.fact_in(region, PARAMETERS)
    names = [each.name for each in listed if each.type != "SecureString"]
    groups = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
    read = aws.each(lambda group: tuple(_values(aws, region, group)), groups, VALUES)
    missed = next((each for each in read if isinstance(each, Miss)), None)
    if missed is not None:
        raise RefusedError(missed)
    return tuple(each for group in read if not isinstance(group, Miss) for each in group)


STORES = (SECRETS, PARAMETERS)


def stored_names(aws: Aws, region: str) -> frozenset[str]:
    """The names of the secrets and parameters that could be listed."""
    secrets = aws.tried(lambda: aws.fact_in(region, SECRETS))
    parameters = aws.tried(lambda: aws.fact_in(region, PARAMETERS))
    named = set() if isinstance(secrets, Miss) else {secret.name for secret in secrets}
    named |= (
        set() if isinstance(parameters, Miss) else {parameter.name for parameter in parameters}
    )
    return frozenset(named)


def _listed(aws: Aws, region: str) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        page = aws.need(DESCRIBE, region=region, MaxResults=_WIDEST_PAGE, **more)
        yield from page.get("Parameters", ())
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}
        aws.sleep(_PAUSE)


def _values(aws: Aws, region: str, names: list[str]) -> Iterator[PlainValue]:
    answer = aws.need(VALUES, region=region, Names=names, WithDecryption=False)
    for each in answer.get("Parameters", ()):
        # Between the two calls a parameter may have become a SecureString.
        if each.get("Type") in {"String", "StringList"}:
            yield PlainValue(name=each["Name"], format=key_format(each.get("Value", "")))


def _parameter(prefix: str, data: dict[str, Any]) -> StoredParameter:
    name = data["Name"]
    return StoredParameter(
        name=name,
        arn=data.get("ARN") or f"{prefix}/{name.removeprefix('/')}",
        type=data.get("Type", ""),
        key=data.get("KeyId"),
        modified=data.get("LastModifiedDate"),
        tier=data.get("Tier", "Standard"),
        described_as=speaks_of_secret(data.get("Description", "")),
        expires=tuple(sorted(_expiries(data.get("Policies", ())))),
    )


def _expiries(policies: list[dict[str, Any]]) -> Iterator[datetime]:
    for policy in policies:
        if policy.get("PolicyType") != "Expiration":
            continue
        try:
            stamp = json.loads(policy.get("PolicyText", ""))["Attributes"]["Timestamp"]
            moment = datetime.fromisoformat(stamp)
        except (ValueError, KeyError, TypeError):
            continue
        yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)
