"""KMS keys that secrets and SecureString parameters name, with their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.secrets.parameters import PARAMETERS
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class SecretKey:
    """A KMS key that a secret or parameter names: `named` as written there, its ARN and state, and a customer managed key's policy."""

    named: str
    arn: str | Miss
    state: str | Miss
    manager: str | Miss
    policy: str | Miss | None = None


SECRET_KEYS = many_in("kms.secret_keys", SecretKey)
_DESCRIBE_KEY = "kms:DescribeKey"
_GET_KEY_POLICY = "kms:GetKeyPolicy"
_AWS_MANAGED = ("alias/aws/secretsmanager", "alias/aws/ssm")
_DEFAULT = "default"


@collector_in(SECRET_KEYS, _DESCRIBE_KEY, _GET_KEY_POLICY, after=(SECRETS, PARAMETERS))
def keys(aws: Aws, region: str) -> tuple[SecretKey, ...]:
    """The keys that secrets and SecureStrings name, each once, without the two AWS managed ones."""
    secrets, parameters = (
        aws.value_or_miss(lambda: aws.fact_in(region, SECRETS)),
        aws.value_or_miss(lambda: aws.fact_in(region, PARAMETERS)),
    )
    # The keys of one store are known even if the other cannot be listed.
    named = set() if isinstance(secrets, Miss) else {secret.kms_key for secret in secrets}
    named |= set() if isinstance(parameters, Miss) else {parameter.key for parameter in parameters}
    own_keys = sorted(key_id for key_id in named if key_id and not key_id.endswith(_AWS_MANAGED))
    secret_keys = aws.read_each(lambda key: _key(aws, region, key), own_keys, _DESCRIBE_KEY)
    return tuple(secret_key for secret_key in secret_keys if isinstance(secret_key, SecretKey))


def _key(aws: Aws, region: str, named: str) -> SecretKey:
    owner = named.split(":")[4] if named.startswith("arn:") and named.count(":") > 4 else ""  # noqa: PLR2004 - fields of an ARN
    other_account = owner if owner != aws.account else ""
    metadata = aws.value_or_miss(
        lambda: aws.need(_DESCRIBE_KEY, region=region, owner=other_account, KeyId=named)[
            "KeyMetadata"
        ]
    )
    if isinstance(metadata, Miss):
        return SecretKey(
            named=named, arn=metadata, state=metadata, manager=metadata, policy=metadata
        )
    manager, arn = metadata.get("KeyManager", ""), metadata.get("Arn", named)
    policy = None
    if manager == "CUSTOMER":
        policy = aws.value_or_miss(lambda: _key_policy(aws, region, arn, other_account))
    return SecretKey(
        named=named,
        arn=arn,
        state=metadata.get("KeyState", ""),
        manager=manager,
        policy=policy,
    )


def _key_policy(aws: Aws, region: str, arn: str, owner: str) -> str:
    answer = aws.need(_GET_KEY_POLICY, region=region, owner=owner, KeyId=arn, PolicyName=_DEFAULT)
    return str(answer["Policy"])
