"""Parameter Store: the parameters, who else may read them, and, only on request, what kind of text a String is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in, value_or_refused
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.names.secret_names import described_secret
from aws_iam.account.names.sensitive import key_format
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws


@slotted
class StoredParameter:
    """`DescribeParameters`: a parameter; of its description only a word that suggests a secret is kept."""

    name: str
    arn: str
    type: str
    key: str | None = None
    modified: datetime | None = None
    tier: str = "Standard"
    described_as: str = ""
    expires: tuple[datetime, ...] = ()


@slotted
class ParameterPolicies:
    """The resource policies of an advanced parameter, as JSON texts."""

    arn: str
    documents: tuple[str, ...] | Miss


@slotted
class PlainValue:
    """What kind of key a String parameter's value holds; empty: no known format."""

    name: str
    format: str


PARAMETERS = many_in("ssm.parameters", StoredParameter)
PARAMETER_POLICIES = many_in("ssm.parameter_policies", ParameterPolicies)
PLAIN_VALUES = many_in("ssm.plain_values", PlainValue)
"""Read on request only."""
_DESCRIBE_PARAMETERS = "ssm:DescribeParameters"
_GET_RESOURCE_POLICIES = "ssm:GetResourcePolicies"
_GET_PARAMETERS = "ssm:GetParameters"
_NAMES_AT_ONCE = 10
_WIDEST_PAGE = 50
# AWS allows three of these calls a second for the whole account, and ten where higher throughput is paid for:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-throughput.html
_PAUSE = 0.35
_ADVANCED = "Advanced"


@collector_in(PARAMETERS, _DESCRIBE_PARAMETERS)
def parameters(aws: Aws, region: str) -> tuple[StoredParameter, ...]:
    """Every parameter of the account, page by page, slowly enough for the quota."""
    listed = _listed(aws, region)
    prefix = f"arn:{aws.partition}:ssm:{region}:{aws.account}:parameter"
    return tuple(
        sorted((_parameter(prefix, data) for data in listed), key=lambda parameter: parameter.name)
    )


@collector_in(PARAMETER_POLICIES, _GET_RESOURCE_POLICIES, after=(PARAMETERS,))
def parameter_policies(aws: Aws, region: str) -> tuple[ParameterPolicies, ...]:
    """The resource policies of advanced parameters; standard ones cannot have any."""
    parameters = aws.fact_in(region, PARAMETERS)
    arns = [parameter.arn for parameter in parameters if parameter.tier == _ADVANCED]
    policies_of_each = aws.read_each(
        lambda arn: tuple(
            policy["Policy"]
            for policy in aws.items(
                _GET_RESOURCE_POLICIES, "Policies", region=region, ResourceArn=arn
            )
        ),
        arns,
        _GET_RESOURCE_POLICIES,
    )
    return tuple(
        ParameterPolicies(arn=arn, documents=policies)
        for arn, policies in zip(arns, policies_of_each, strict=True)
    )


@collector_in(PLAIN_VALUES, _GET_PARAMETERS, after=(PARAMETERS,), on_request=True)
def plain_values(aws: Aws, region: str) -> tuple[PlainValue, ...]:
    """What kind of key each String holds; the text itself is dropped here. SecureStrings are never read."""
    parameters = aws.fact_in(region, PARAMETERS)
    names = [parameter.name for parameter in parameters if parameter.type != "SecureString"]
    groups = [
        names[start : start + _NAMES_AT_ONCE] for start in range(0, len(names), _NAMES_AT_ONCE)
    ]
    read = aws.read_each(lambda group: tuple(_values(aws, region, group)), groups, _GET_PARAMETERS)
    return tuple(value for group in read for value in value_or_refused(group))


STORES = (SECRETS, PARAMETERS)
"""The facts that `stored_names` asks for."""


def stored_names(aws: Aws, region: str) -> frozenset[str]:
    """The names of the secrets and parameters that could be listed: a variable that holds one of them refers to a secret."""
    secrets = aws.value_or_miss(lambda: aws.fact_in(region, SECRETS))
    parameters = aws.value_or_miss(lambda: aws.fact_in(region, PARAMETERS))
    named = set() if isinstance(secrets, Miss) else {secret.name for secret in secrets}
    named |= (
        set() if isinstance(parameters, Miss) else {parameter.name for parameter in parameters}
    )
    return frozenset(named)


def _listed(aws: Aws, region: str) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        page = aws.need(_DESCRIBE_PARAMETERS, region=region, MaxResults=_WIDEST_PAGE, **more)
        yield from page.get("Parameters", ())
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}
        aws.sleep(_PAUSE)


def _values(aws: Aws, region: str, names: list[str]) -> Iterator[PlainValue]:
    answer = aws.need(_GET_PARAMETERS, region=region, Names=names, WithDecryption=False)
    for parameter in answer.get("Parameters", ()):
        # Between the two calls a parameter may have become a SecureString.
        if parameter.get("Type") in {"String", "StringList"}:
            yield PlainValue(name=parameter["Name"], format=key_format(parameter.get("Value", "")))


def _parameter(prefix: str, data: dict[str, Any]) -> StoredParameter:
    name = data["Name"]
    return StoredParameter(
        name=name,
        arn=data.get("ARN") or f"{prefix}/{name.removeprefix('/')}",
        type=data.get("Type", ""),
        key=data.get("KeyId"),
        modified=data.get("LastModifiedDate"),
        tier=data.get("Tier", "Standard"),
        described_as=described_secret(data.get("Description", "")),
        expires=tuple(sorted(_expiries(data.get("Policies", ())))),
    )


def _expiries(policies: list[dict[str, Any]]) -> Iterator[datetime]:
    for policy in policies:
        if policy.get("PolicyType") != "Expiration":
            continue
        try:
            stamp = json.loads(policy.get("PolicyText", ""))["Attributes"]["Timestamp"]
            expiry = datetime.fromisoformat(stamp)
        except (ValueError, KeyError, TypeError):
            continue
        yield expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)
