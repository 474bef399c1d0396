"""KMS keys that secrets and SecureString parameters name, with their policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.secrets.parameters import PARAMETERS
from aws_iam.account.collect.secrets.secrets import SECRETS

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A KMS key that a secret names: as it is named, its ARN and state, and the policy of a customer managed one."""

    named: str
    arn: str | Miss
    state: str | Miss
    manager: str | Miss
    policy: str | Miss | None = None


SECRET_KEYS = many_in("kms.secret_keys", SecretKey)
KEY = "kms:DescribeKey"
KEY_POLICY = "kms:GetKeyPolicy"
DEFAULT_KEYS = ("alias/aws/secretsmanager", "alias/aws/ssm")
_DEFAULT = "default"


@collector_in(SECRET_KEYS, KEY, KEY_POLICY, after=(SECRETS, PARAMETERS))
def keys(aws: Aws, region: str) -> tuple[SecretKey, ...]:
    """The keys that secrets and SecureStrings name, each once; AWS's own two are not asked for."""
    secrets, parameters = (
        aws.tried(lambda: aws.fact_in(region, SECRETS)),
        aws.tried(lambda: aws.fact_in(region, PARAMETERS)),
    )
    # The keys of either store are known without the other's.
    named = set() if isinstance(secrets, Miss) else {secret.kms_key for secret in secrets}
    named |= set() if isinstance(parameters, Miss) else {parameter.key for parameter in parameters}
    asked = sorted(each for each in named if each and not each.endswith(DEFAULT_KEYS))
    found = aws.each(lambda key: _key(aws, region, key), asked, KEY)
    return tuple(each for each in found if isinstance(each, SecretKey))


def _key(aws: Aws, region: str, named: str) -> SecretKey:
    owner = named.split(":")[4] if named.startswith("arn:") and named.count(":") > 4 else ""  # noqa: PLR2004 - fields of an ARN
    foreign = owner if owner != aws.account else ""
    found = aws.tried(
        lambda: aws.need(KEY, region=region, owner=foreign, KeyId=named)["KeyMetadata"]
    )
    if isinstance(found, Miss):
        return SecretKey(named=named, arn=found, state=found, manager=found, policy=found)
    manager, arn = found.get("KeyManager", ""), found.get("Arn", named)
    policy = None
    if manager == "CUSTOMER":
        policy = aws.tried(lambda: _key_policy(aws, region, arn, foreign))
    return SecretKey(
        named=named,
        arn=arn,
        state=found.get("KeyState", ""),
        manager=manager,
        policy=policy,
    )


def _key_policy(aws: Aws, region: str, arn: str, owner: str) -> str:
    answer = aws.need(KEY_POLICY, region=region, owner=owner, KeyId=arn, PolicyName=_DEFAULT)
    return str(answer["Policy"])
