"""Resource policies of secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.account.collect.secrets.secrets import SECRETS

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """One resource policy of a secret; `document` is its JSON text, None where it has gone."""

    name: str
    document: str | Miss | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPolicies:
    """Every resource policy of a secret; `listed` is the miss when AWS would not list them: then only `default` is known."""

    arn: str
    policies: tuple[NamedPolicy, ...]
    listed: Miss | None = None


NAMED_POLICIES = many_in("secretsmanager.named_policies", SecretPolicies)
POLICIES = "secretsmanager:ListResourcePolicies"
POLICY = "secretsmanager:GetResourcePolicy"
_DEFAULT = "default"


@collector_in(NAMED_POLICIES, POLICIES, POLICY, after=(SECRETS,))
def policies(aws: Aws, region: str) -> tuple[SecretPolicies, ...]:
    """The resource policies of each secret: several may be attached, each is read by its name."""
    arns = [each.arn for each in aws.fact_in(region, SECRETS)]
    read = aws.each(lambda arn: _policies(aws, region, arn), arns, POLICY)
    return tuple(
        SecretPolicies(arn=arn, policies=(), listed=found) if isinstance(found, Miss) else found
        for arn, found in zip(arns, read, strict=True)
    )


def _policies(aws: Aws, region: str, arn: str) -> SecretPolicies:
    names = aws.tried(
        lambda: [
            policy["PolicyName"]
            for policy in aws.pages(POLICIES, "ResourcePolicies", region=region, SecretId=arn)
        ]
    )
    if not isinstance(names, Miss):
        return SecretPolicies(
            arn=arn,
            policies=tuple(_policy(aws, region, arn, name) for name in sorted(names)),
        )
    # The default policy has always been readable without its name; what else there may be stays unknown.
    default = _policy(aws, region, arn, "")
    return SecretPolicies(
        arn=arn, policies=() if default.document is None else (default,), listed=names
    )


def _policy(aws: Aws, region: str, arn: str, name: str) -> NamedPolicy:
    more = {"PolicyName": name} if name not in ("", _DEFAULT) else {}
    document = aws.tried(
        lambda: aws.need(POLICY, region=region, SecretId=arn, **more).get("ResourcePolicy")
    )
    return NamedPolicy(name=name or _DEFAULT, document=document)
