"""Condition keys that requests lack: in calls of services, without the action that sets them, through VPC endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_demanded
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Condition, Kind, Policy, Statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.attachment_types import attachment_type
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import supported_services
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow_to, deny, policy_with, trusting
from aws_iam.rules.gates import at_condition, at_keys
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT = {"AWS": "arn:aws:iam::111122223333:root"}


def _root_may(action: object, condition: Mapping[str, object]) -> Example:
    return trusting(_ROOT, action, condition)


_ANA = {"StringEquals": {"sts:SourceIdentity": "ana"}}
_TEAM = {"StringEquals": {"aws:RequestTag/team": "blue"}}


def _needs_setting(condition: Condition) -> bool:
    return bool(_setting(condition))


def _is_of_some_services(condition: Condition) -> bool:
    return bool(supported_services(condition.name))


@check(
    "MISSING_ACTION_FOR_CONDITION_KEY",
    on=Policy,
    when=(at_condition(_needs_setting),),
    severity=Severity.ERROR,
    title="The action that sets the condition key is not allowed",
    fix="Add the action that the message names to the statement.",
    kinds=(Kind.TRUST,),
    bad=[
        policy_with(_root_may("sts:AssumeRole", _ANA)),
        policy_with(_root_may("sts:AssumeRole", _TEAM)),
    ],
    good=[
        policy_with(_root_may(["sts:AssumeRole", "sts:SetSourceIdentity"], _ANA)),
        policy_with(_root_may(["sts:AssumeRole", "sts:TagSession"], _TEAM)),
        policy_with(
            {"Effect": "Allow", "Principal": _ROOT, "Action": "sts:AssumeRole"},
            _root_may("sts:TagSession", _TEAM),
        ),
    ],
)
def unset_key(policy: Policy) -> Iterator[Fail]:
    """A caller who assumes the role can set the key only with this action, so without it the condition never holds."""
    allows = [statement for statement in policy.statements if statement.allows]
    if any(statement.not_actions for statement in allows):
        return
    entries = {entry.value for statement in allows for entry in statement.actions}
    missing = [
        action
        for action in _SETTING
        if not any(matches(entry, action, ignore_case=True) for entry in entries)
    ]
    for statement in allows if missing else ():
        for condition in filter(is_demanded, statement.conditions):
            action = _setting(condition)
            if action in missing:
                yield Fail(
                    condition.key.where,
                    f"{quoted(condition.key.value)} is in no request unless `{action}` is also allowed",
                )


_SETTING = ("sts:SetSourceIdentity", "sts:TagSession")


def _setting(condition: Condition) -> str:
    """The action that a caller needs to set the key when assuming a role; empty for other keys."""
    if condition.name == "sts:sourceidentity":
        return "sts:SetSourceIdentity"
    if condition.name.startswith("aws:requesttag/"):
        return "sts:TagSession"
    return "sts:TagSession" if condition.name in {"aws:tagkeys", "sts:transitivetagkeys"} else ""


def _cloudfront_reads(condition: Mapping[str, object], principal: object = None) -> Example:
    service = principal or {"Service": "cloudfront.amazonaws.com"}
    return allow_to(service, "s3:GetObject", OBJECTS, condition)


_ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
_MINE = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
# AWS documents each for users, roles or their accounts; a service that calls as itself is none of these.
_USER_KEYS = ("aws:principalorgid", "aws:principalorgpaths", "aws:username")
# It passes on the fields of the caller's certificate as tags:
# https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
_SETS_TAGS = "rolesanywhere.amazonaws.com"


@check(
    "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
    on=Statement,
    when=(at_keys("aws:principaltag/", *_USER_KEYS),),
    severity=Severity.ERROR,
    title="The Allow for a service tests a key that the service's calls do not carry",
    fix="Use aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths.",
    kinds=(Kind.RESOURCE, Kind.TRUST),
    bad=[
        _cloudfront_reads(_ORG),
        _cloudfront_reads({"StringEquals": {"aws:PrincipalTag/team": "blue"}}),
    ],
    good=[
        _cloudfront_reads(_MINE),
        _cloudfront_reads(
            {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorg"}, **_MINE}
        ),
        _cloudfront_reads(_ORG, {"AWS": "*"}),
        _cloudfront_reads(
            {"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "build-01"}},
            {"Service": "rolesanywhere.amazonaws.com"},
        ),
    ],
)
def user_key_for_service(statement: Statement) -> Iterator[Fail]:
    """A service that calls as itself has no organization, tags or user name, so the condition never holds for it.

    False alarm when the service sets principal tags in its calls; only IAM Roles Anywhere is known here to do so.
    """
    services = [
        principal.value for principal in statement.principals if principal.type == "Service"
    ]
    for condition in filter(is_demanded, statement.conditions if statement.allows else ()):
        tag = condition.name.startswith("aws:principaltag/")
        without = [service for service in services if not (tag and service == _SETS_TAGS)]
        if without and (tag or condition.name in _USER_KEYS):
            yield Fail(
                condition.key.where,
                f"calls of {quoted(without[0])} do not carry {quoted(condition.key.value)}:"
                " the statement never allows them",
                # AWS does not publish which keys go with which services.
                low_confidence=tag,
            )


_ENDPOINT = {"StringNotEqualsIfExists": {"aws:VpceOrgID": "o-exampleorg"}}


def _deny_outside_endpoints(action: object) -> Example:
    return deny(action, "*", _ENDPOINT)


@check(
    "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
    on=Policy,
    when=(at_condition(_is_of_some_services),),
    severity=Severity.WARNING,
    title="The condition key is used with services that do not supply it",
    fix="Limit the statement to actions of the services that AWS lists for the key.",
    bad=[
        policy_with(_deny_outside_endpoints("*")),
        policy_with(
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*", "Condition": _ENDPOINT}
        ),
        policy_with(_deny_outside_endpoints("rds:*")),
    ],
    good=[policy_with(_deny_outside_endpoints(["s3:*", "kms:Decrypt"]))],
)
def endpoint_key_for_all(policy: Policy) -> Iterator[Fail]:
    """Requests to other services lack the key even through a VPC endpoint, so a Deny applies to all of them or to none.

    False alarm when a service began to supply the key after the data here was collected.
    """
    for statement in policy.statements:
        unsupported: dict[str, str] = {}
        for condition in statement.conditions:
            supported = supported_services(condition.name)
            if supported and condition.name not in unsupported:
                unsupported[condition.name] = _unsupported(policy, statement, supported)
            if unsupported.get(condition.name):
                yield Fail(
                    condition.key.where,
                    f"{unsupported[condition.name]} covers requests without {quoted(condition.key.value)},"
                    f" which only {len(supported)} services supply",
                    # AWS also lists services for this key, but does not name it as a key of this check.
                    low_confidence=condition.name == "aws:sourcevpcarn",
                )


def _unsupported(policy: Policy, statement: Statement, supported: frozenset[str]) -> str:
    """What in the statement covers requests without the key; empty when it is not certain that anything does."""
    own = _own_services(policy, statement)
    if own and own <= supported:
        return ""
    if statement.not_actions:
        return "`NotAction`"
    for entry in statement.actions:
        prefix, _, name = entry.value.lower().partition(":")
        known = is_literal(prefix) and catalog().tier(prefix) != "unknown"
        if not is_literal(prefix) or (known and prefix not in supported):
            return quoted(entry.value)
        if (prefix, name) == ("iam", "passrole"):
            return "`iam:PassRole`"
    return ""


def _own_services(policy: Policy, statement: Statement) -> frozenset[str]:
    """The services that own the resources of a resource policy, whatever its actions; empty when they are not known."""
    if policy.kind is not Kind.RESOURCE:
        return frozenset()
    target = attachment_type(policy.resource_type)
    if target:
        return frozenset({target.service} - {""})
    arns = [Arn.of(resource.value) for resource in statement.resources]
    services = {arn.service if arn else "*" for arn in arns}
    return frozenset(services) if all(map(is_literal, services)) else frozenset()
