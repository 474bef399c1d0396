"""The names of what a Region keeps in its two stores: a variable that holds one names a secret and is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.facts.fact import Miss
from aws_iam.account.facts.secrets import PARAMETERS, SECRETS

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

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
