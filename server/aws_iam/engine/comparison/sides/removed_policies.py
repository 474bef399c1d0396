"""Policies without which more is allowed: AWS falls back to full access, or to a policy of its own.

opening_removals(new, old)   →   "`E.PolicyDocument` is removed: the endpoint falls back to full access"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.language.document import Source, Statement


@slotted
class _Fallback:
    """What holds without the policy of a resource; not `is_certain` where that may be less than before."""

    what: str
    says: str
    source: str
    types: tuple[str, ...]
    is_certain: bool = False


_FALLBACKS = (
    _Fallback(
        what="VPC endpoint policy",
        says="the endpoint falls back to full access",
        source="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
        types=("AWS::EC2::VPCEndpoint", "aws_vpc_endpoint", "aws_vpc_endpoint_policy"),
        is_certain=True,
    ),
    _Fallback(
        what="file system policy",
        says="without one, every client that reaches a mount target has full access",
        source="https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html",
        types=("AWS::EFS::FileSystem", "aws_efs_file_system_policy"),
        is_certain=True,
    ),
    _Fallback(
        what="resource policy of the API",
        says="it no longer limits who calls the API, and whether something else does was not judged",
        source="https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies.html",
        types=(
            *("AWS::ApiGateway::RestApi", "AWS::Serverless::Api"),
            *("aws_api_gateway_rest_api", "aws_api_gateway_rest_api_policy"),
        ),
    ),
    _Fallback(
        what="key policy",
        says="the key may get the default policy, with which the account's IAM policies decide",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
        types=("AWS::KMS::Key", "aws_kms_key", "aws_kms_key_policy"),
    ),
)
_BY_TYPE = {type_: own for own in _FALLBACKS for type_ in own.types}


def opening_removals(new: NamedSide, old: NamedSide) -> Iterator[UnjudgedChange]:
    """The removals of policies that limited what is still there."""
    kept = {own.name for own in new.sources}
    for own in old.sources:
        fallback = _BY_TYPE.get(own.holder.type)
        if (
            fallback
            and own.name not in kept
            and _limits(own)
            and _is_there(own, new, old)
            and not _has_another(own, fallback, new)
        ):
            yield UnjudgedChange(
                place=own.name,
                says=f"the {fallback.what} {quoted(own.name)} is removed: {fallback.says}",
                widens=True,
                narrows=False,
                source=fallback.source,
                is_certain=fallback.is_certain,
                limit=fallback.what,
            )


def _limits(source: Source) -> bool:
    """Whether it is a policy of a resource, and not plain full access."""
    content = source.content
    if not isinstance(content, Policy) or content.kind is not Kind.RESOURCE:
        return False
    statements = content.statements
    return any(own.denies for own in statements) or not any(map(_allows_all, statements))


def _allows_all(statement: Statement) -> bool:
    everyone = any(own.name.value == "*" for own in statement.principals)
    everything = "*" in statement.action_words and any(
        own.value == "*" for own in statement.resources
    )
    return statement.allows and everyone and everything and not statement.conditions


def _is_there(source: Source, new: NamedSide, old: NamedSide) -> bool:
    """Whether what had the policy is there still."""
    holder = source.holder
    if holder.name in new.resources:
        return True
    start = holder.name.rpartition(" ")[0]
    targets = [f"{start} {target}".strip() for target in holder.attached_to]
    return bool(targets) and not any(
        own in old.resources and own not in new.resources for own in targets
    )


def _has_another(source: Source, fallback: _Fallback, new: NamedSide) -> bool:
    """Whether a policy stands elsewhere now, in the resource or beside it."""
    names = {source.holder.name, *source.holder.attached_to}
    return any(
        own.holder.type in fallback.types
        and not names.isdisjoint((own.holder.name, *own.holder.attached_to))
        for own in new.sources
    )
