"""The tags of users and roles: what a request has as `aws:PrincipalTag/…` of its caller and `aws:ResourceTag/…` of its resource.

    KnownTags.of(estate).keys(caller, "s3:GetObject", resource)   →   {"aws:PrincipalTag/team": "red"}

What a session may bring along is open: of a role whose trust policy allows sts:TagSession nothing is known, since the tags of a
session take the place of the role's, nor of a user that may tag sessions of federated users:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.estate import Estate, Principal
from aws_iam.tools.audit.principals.organization_policies import (
    Tags,
    policy_for_principal,
    says_nothing,
)

_TAG_SESSION, _FEDERATE = "sts:tagsession", "sts:getfederationtoken"
_OF_PRINCIPAL = "aws:principaltag/"
OF_RESOURCE = ("aws:resourcetag/", "iam:resourcetag/")
# What has tags before the call: the tags of what is created are those of the request, and those of a role that is passed do
# not count: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
_OPEN = frozenset({"iam:createuser", "iam:createrole", "iam:passrole"})


@slotted
class KnownTags:
    """What is known: of callers the tags that no session changes, of users and roles as resources their own."""

    callers: Mapping[str, Tags] = field(default_factory=dict)
    resources: Mapping[str, Tags] = field(default_factory=dict)

    @classmethod
    def of(cls, estate: Estate) -> KnownTags:
        """Those of an estate; snapshots of earlier versions have none."""
        resources = {
            own.arn: {tag.key: tag.value for tag in own.identity.tags}
            for own in estate.principals
            if own.identity.tags is not None
        }
        tagging = {
            own.arn
            for own in estate.principals
            if (
                _lets_tag_sessions(own.identity.trust)
                if isinstance(own.identity, Role)
                else _tags_federated_users(own, resources.get(own.arn))
            )
        }
        callers = {arn: tags for arn, tags in resources.items() if arn not in tagging}
        return cls(callers=callers, resources=resources)

    def keys(self, caller: str, action: str, resource: str) -> dict[str, str]:
        """The condition keys of a request that come from tags, with their values."""
        found = {
            f"aws:PrincipalTag/{key}": value for key, value in self.callers.get(caller, {}).items()
        }
        for key, value in self._of_resource(action, resource).items():
            found |= {f"aws:ResourceTag/{key}": value, f"iam:ResourceTag/{key}": value}
        return found

    def settles(self, key: str, caller: str, action: str, resource: str) -> bool:
        """Whether a request surely lacks a condition key (in lower case) that `keys` does not have."""
        if key.startswith(_OF_PRINCIPAL):
            return caller in self.callers
        if key.startswith(OF_RESOURCE):
            return resource in self.resources and action.lower() not in _OPEN
        return False

    def _of_resource(self, action: str, resource: str) -> Tags:
        return {} if action.lower() in _OPEN else self.resources.get(resource, {})


def _lets_tag_sessions(trust: str) -> bool:
    """Whether sessions of a role may have tags of their own, or nobody knows."""
    try:
        policy = one_policy(trust, Kind.TRUST)
    except InputError:
        return True
    return any(
        own.allows and IndexedStatement.of(own).takes(_TAG_SESSION) for own in policy.statements
    )


def _tags_federated_users(user: Principal, tags: Tags | None) -> bool:
    """Whether a user with these tags may give sessions of federated users others, or nobody knows."""
    taken, organization = set[str](), user.member.guardrails.organization
    for own in user.held.policies:
        text = policy_for_principal(own.text, user.arn, organization, Kind.IDENTITY, tags)
        if says_nothing(text):
            continue
        try:
            statements = one_policy(text, Kind.IDENTITY).statements
        except InputError:
            return True
        taken |= {
            action
            for statement in statements
            if statement.allows
            for action in (_TAG_SESSION, _FEDERATE)
            if IndexedStatement.of(statement).takes(action)
        }
    return {_TAG_SESSION, _FEDERATE} <= taken
