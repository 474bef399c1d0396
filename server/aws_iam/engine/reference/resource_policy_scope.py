"""Which actions the policy of a resource can decide about: those that can be asked of such a resource.

scope_of(policy)                                   →   "AWS::ECR::Repository"; SOME for a resource that is not known; None where nothing limits it
is_decided("sns:ListTopics", SOME)                 →   False: AWS authorises it on no resource that has a policy
is_decided("sqs:SendMessage", "AWS::SNS::Topic")   →   False
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from aws_iam import resources
from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.attachment_types import attachment_type, attachment_types
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.language.document import Policy, Statement

SOME: Final = ""
"""The scope of the policy of one resource, which it does not name."""
# Terraform has one resource for the policies of both.
_BUCKETS: Final = {"AWS::S3::Bucket": "AWS::S3Express::DirectoryBucket"}


def scope_of(policy: Policy) -> str | None:
    """What limits the actions that a policy decides about; None for what is no policy of one resource, or may be none."""
    if policy.kind is not Kind.RESOURCE:
        return None
    if policy.resource_type:
        target = attachment_type(policy.resource_type)
        return policy.resource_type if target and target.service else None
    statements = policy.statements
    if any(map(_may_be_of_endpoint, statements)) or any(map(_may_be_of_registry, statements)):
        return None
    return SOME


def together(scopes: Iterable[str | None]) -> str | None:
    """The scope of policies of the same resource; None where they may be of different ones."""
    found = set(scopes)
    if None in found or not found:
        return None
    named = found - {SOME}
    return SOME if not named else named.pop() if len(named) == 1 else None


def services_of(scope: str) -> tuple[str, ...]:
    """The services whose actions a policy of that scope can decide about; empty where they are not known."""
    targets = (attachment_type(scope), attachment_type(_BUCKETS.get(scope)))
    return tuple(target.service for target in targets if target)


def _may_be_of_endpoint(statement: Statement) -> bool:
    """Whether the policy of a VPC endpoint may have the statement: it lets pass requests about no resource, too.

    AWS's example for KMS names a user, and kms:ListKeys on `*`.
    """
    if "*" not in statement.resource_words:
        return False
    everyone = any(principal.is_everyone for principal in statement.principals)
    words = statement.action_words
    return everyone or any(is_literal(word) and not is_decided(word, SOME) for word in words)


def _may_be_of_registry(statement: Statement) -> bool:
    """Whether the policy of a registry of ECR may have the statement, which decides about all actions of ECR.

    That of a repository has no resources.
    """
    words = statement.action_words if statement.resource_words else ()
    return any(word.lower().startswith("ecr:") for word in words)


@memo_of_reference(20_000)
def is_decided(action: str, scope: str) -> bool:
    """Whether a policy of that scope can decide about requests for the action; True where that is not known."""
    known = catalog().action(action)
    service = action.partition(":")[0].lower()
    if scope == SOME:
        types = types_with_policy().get(service)
        if types is None or known is None or known.full_name in _further_actions():
            return True
        return not types.isdisjoint(map(str.lower, known.resource_types))
    targets = (attachment_type(scope), attachment_type(_BUCKETS.get(scope)))
    target = next((own for own in targets if own and own.service == service), None)
    if target is None:
        # Services that do not exist are no other service.
        return catalog().tier(action) == "unknown"
    return known is None or target.decides(known)


@memo_of_reference(2_000)
def decided_actions(service: str, scope: str) -> frozenset[str]:
    """The known actions of a service about which a policy of that scope can decide."""
    known = catalog().service(service)
    names = [action.full_name for action in known.actions.values()] if known else []
    is_free = scope == SOME and service not in types_with_policy()
    return frozenset(names if is_free else [name for name in names if is_decided(name, scope)])


@cache
def types_with_policy() -> Mapping[str, frozenset[str]]:
    """The types of resource that the policy of some resource governs, in lower case, by service.

    Only of services whose types AWS documents one by one: the policies of others decide about actions for which the reference
    has none of these types, such as glue:AuthorizeInboundIntegration in that of a catalog.
    """
    found: dict[str, set[str]] = {}
    for row in attachment_types().values():
        if row.service and row.service != "sts":
            found.setdefault(row.service, set()).update((*row.types, *row.acts_on))
    for service, names in resources.data("types-with-policy.json")["types"].items():
        if service in found:
            found[service].update(names)
    return {service: frozenset(map(str.lower, types)) for service, types in found.items()}


@cache
def _further_actions() -> frozenset[str]:
    """The actions that a policy decides about though the reference lists no type of its resource for them."""
    rows = attachment_types().values()
    return frozenset(f"{row.service}:{name}" for row in rows for name in row.further)
