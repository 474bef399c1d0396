"""Resource policies of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class NamedPolicy:
    """One resource policy of a secret; `document` is its JSON text, None if it no longer exists."""

    name: str
    document: str | Miss | None


@slotted
class SecretPolicies:
    """Every resource policy of a secret; `listed` is the miss when they could not be listed: then only `default` is known."""

    arn: str
    policies: tuple[NamedPolicy, ...]
    listed: Miss | None = None


NAMED_POLICIES = many_in("secretsmanager.named_policies", SecretPolicies)
_LIST_RESOURCE_POLICIES = "secretsmanager:ListResourcePolicies"
_GET_RESOURCE_POLICY = "secretsmanager:GetResourcePolicy"
_DEFAULT = "default"


@collector_in(NAMED_POLICIES, _LIST_RESOURCE_POLICIES, _GET_RESOURCE_POLICY, after=(SECRETS,))
def policies(aws: Aws, region: str) -> tuple[SecretPolicies, ...]:
    """The resource policies of each secret: it may have several, each read by its name."""
    arns = [secret.arn for secret in aws.fact_in(region, SECRETS)]
    policies_of_each = aws.read_each(
        lambda arn: _policies(aws, region, arn), arns, _GET_RESOURCE_POLICY
    )
    return tuple(
        SecretPolicies(arn=arn, policies=(), listed=secret_policies)
        if isinstance(secret_policies, Miss)
        else secret_policies
        for arn, secret_policies in zip(arns, policies_of_each, strict=True)
    )


def _policies(aws: Aws, region: str, arn: str) -> SecretPolicies:
    names = aws.value_or_miss(
        lambda: [
            policy["PolicyName"]
            for policy in aws.items(
                _LIST_RESOURCE_POLICIES, "ResourcePolicies", region=region, SecretId=arn
            )
        ]
    )
    if not isinstance(names, Miss):
        return SecretPolicies(
            arn=arn,
            policies=tuple(_policy(aws, region, arn, name) for name in sorted(names)),
        )
    # The default policy can be read without its name; whether there are others stays unknown.
    default = _policy(aws, region, arn, "")
    return SecretPolicies(
        arn=arn, policies=() if default.document is None else (default,), listed=names
    )


def _policy(aws: Aws, region: str, arn: str, name: str) -> NamedPolicy:
    more = {"PolicyName": name} if name not in ("", _DEFAULT) else {}
    document = aws.value_or_miss(
        lambda: aws.need(_GET_RESOURCE_POLICY, region=region, SecretId=arn, **more).get(
            "ResourcePolicy"
        )
    )
    return NamedPolicy(name=name or _DEFAULT, document=document)
