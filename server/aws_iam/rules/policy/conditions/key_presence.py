"""Condition keys that the requests in question never carry: of services as callers, without an action, through endpoints."""

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
    fix="Add the action to the statement.",
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
    """Who takes the role may set the key with this action only, so without it the condition never holds."""
    allowing = [candidate for candidate in policy.statements if candidate.allows]
    if any(allowed.not_actions for allowed in allowing):
        return
    entries = {entry.value for allowed in allowing for entry in allowed.actions}
    missing = [
        action
        for action in _SETTING
        if not any(matches(entry, action, ignore_case=True) for entry in entries)
    ]
    for statement in allowing if missing else ():
        for condition in filter(is_demanded, statement.conditions):
            action = _setting(condition)
            if action in missing:
                yield Fail(
                    condition.key.where,
                    f"{quoted(condition.key.value)} is in no request unless `{action}` is allowed, too",
                )


_SETTING = ("sts:SetSourceIdentity", "sts:TagSession")


def _setting(condition: Condition) -> str:
    """The action without which nobody can set the key while taking a role."""
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
# The key's page gives each to users, roles or their accounts; a service that calls as itself is none of them.
_OF_PEOPLE = ("aws:principalorgid", "aws:principalorgpaths", "aws:username")
# It hands the fields of the caller's certificate on as tags:
# https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
_WITH_TAGS = "rolesanywhere.amazonaws.com"


@check(
    "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
    on=Statement,
    when=(at_keys("aws:principaltag/", *_OF_PEOPLE),),
    severity=Severity.ERROR,
    title="A service is allowed by a key that its calls do not carry",
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
def people_key_for_service(statement: Statement) -> Iterator[Fail]:
    """A service that calls as itself has no organization, tags or user name, so the condition never holds for it."""
    services = [
        principal.value for principal in statement.principals if principal.type == "Service"
    ]
    for condition in filter(is_demanded, statement.conditions if statement.allows else ()):
        tag = condition.name.startswith("aws:principaltag/")
        without = [service for service in services if not (tag and service == _WITH_TAGS)]
        if without and (tag or condition.name in _OF_PEOPLE):
            yield Fail(
                condition.key.where,
                f"calls of {quoted(without[0])} do not carry {quoted(condition.key.value)}:"
                " it is never allowed",
                # AWS does not publish which keys go with which services.
                low_confidence=tag,
            )


_ENDPOINT = {"StringNotEqualsIfExists": {"aws:VpceOrgID": "o-exampleorg"}}


def _deny_elsewhere(action: object) -> Example:
    return deny(action, "*", _ENDPOINT)


@check(
    "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
    on=Policy,
    when=(at_condition(_is_of_some_services),),
    severity=Severity.WARNING,
    title="A key is used for services that do not supply it",
    fix="Limit the statement to actions of the services that AWS lists for the key.",
    bad=[
        policy_with(_deny_elsewhere("*")),
        policy_with(
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*", "Condition": _ENDPOINT}
        ),
        policy_with(_deny_elsewhere("rds:*")),
    ],
    good=[policy_with(_deny_elsewhere(["s3:*", "kms:Decrypt"]))],
)
def endpoint_key_for_all(policy: Policy) -> Iterator[Fail]:
    """Requests to other services lack the key even through an endpoint: a Deny hits them or misses them all."""
    for statement in policy.statements:
        beyond: dict[str, str] = {}
        for condition in statement.conditions:
            supported = supported_services(condition.name)
            if supported and condition.name not in beyond:
                beyond[condition.name] = _beyond(policy, statement, supported)
            if beyond.get(condition.name):
                yield Fail(
                    condition.key.where,
                    f"{quoted(condition.key.value)} works with {len(supported)} services only;"
                    f" {beyond[condition.name]} go beyond them",
                    # AWS lists services for this key, too, but does not name it among those of its check.
                    low_confidence=condition.name == "aws:sourcevpcarn",
                )


def _beyond(policy: Policy, statement: Statement, supported: frozenset[str]) -> str:
    """What the statement speaks of that does not supply the key; empty when nothing is sure to."""
    own = _own_services(policy, statement)
    if own and own <= supported:
        return ""
    if statement.not_actions:
        return "the actions that `NotAction` leaves"
    for entry in statement.actions:
        prefix, _, name = entry.value.lower().partition(":")
        known = is_literal(prefix) and catalog().tier(prefix) != "unknown"
        if not is_literal(prefix) or (known and prefix not in supported):
            return f"the actions of {quoted(entry.value)}"
        if (prefix, name) == ("iam", "passrole"):
            return "calls of `iam:PassRole`"
    return ""


def _own_services(policy: Policy, statement: Statement) -> frozenset[str]:
    """The services that a resource policy is about, whatever its actions say; empty when nothing tells."""
    if policy.kind is not Kind.RESOURCE:
        return frozenset()
    target = attachment_type(policy.resource_type)
    if target:
        return frozenset({target.service} - {""})
    arns = [Arn.of(resource.value) for resource in statement.resources]
    services = {arn.service if arn else "*" for arn in arns}
    return frozenset(services) if all(map(is_literal, services)) else frozenset()
