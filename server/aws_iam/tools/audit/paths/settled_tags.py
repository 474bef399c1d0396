"""Tags that stay as they are on every path: those of users and roles that nobody but an administrator may tag.

    settled_tags(estate, entities)   →   KnownTags, for the Decider of a search

What a principal gains may let it change tags, and a tag that it writes meets any condition. So the tags of whomever a policy
lets somebody tag are left open, whoever has that policy or could come to have it, and whatever conditions it has; what
administrators may do is no matter, for a path ends with them. A role whose trust policy somebody may rewrite lets in sessions
with tags of their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.managed_policies import managed_policy_of_arn
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.audit.access.held_policies import PolicyHolders
from aws_iam.tools.audit.access.known_tags import KnownTags
from aws_iam.tools.audit.evidence.admin_statements import admin_statements
from aws_iam.tools.audit.paths.administrators import Administrators, as_allowed_by
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.principals.organization_policies import policy_for_principal, says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.access.estate import Estate, Member
    from aws_iam.tools.audit.paths.entities import Entities
    from aws_iam.tools.audit.principals.organization_policies import Tags

OF_CALLERS = "aws:principaltag/"
_ASKED = re.compile(r"(?:aws|iam):(?:principal|resource)tag", re.IGNORECASE)
_OF_RESOURCES = re.compile(r"(?:aws|iam):resourcetag/([^\"\\}]+)", re.IGNORECASE)
_TAGGING = ("iam:taguser", "iam:untaguser", "iam:tagrole", "iam:untagrole")
_TRUSTING = ("iam:updateassumerolepolicy",)
_ATTACHING = ("iam:attachuserpolicy", "iam:attachrolepolicy", "iam:attachgrouppolicy")
_GAINING = (
    *_ATTACHING,
    "iam:putuserpolicy",
    "iam:putrolepolicy",
    "iam:putgrouppolicy",
    "iam:createpolicyversion",
    "iam:setdefaultpolicyversion",
    "iam:addusertogroup",
)
"""What may give somebody policies."""
_OF_AWS = ":aws:policy/"
_EVERYTHING = -1

Text = str | None
"""The text of a policy; None where it is not known."""


def settled_tags(estate: Estate, entities: Entities) -> KnownTags:
    """The tags of callers and of resources that no path changes; none where no policy asks for any."""
    if not any(text and _ASKED.search(text) for text in _every_text(estate, entities)):
        return KnownTags()
    found = KnownTags.of(estate)
    while True:
        # Whom tags that are not settled, after all, make able to tag: until nothing more comes of it.
        tagged, trusted = _changing(entities, found.callers)
        left = KnownTags(
            callers=_without(found.callers, entities, tagged | trusted),
            resources=_without(found.resources, entities, tagged),
        )
        if len(left.callers) == len(found.callers):
            return left
        found = left


def _without(tags: Mapping[str, Tags], entities: Entities, numbers: int) -> dict[str, Tags]:
    return {arn: own for arn, own in tags.items() if not numbers >> entities.number[arn] & 1}


def _changing(entities: Entities, callers: Mapping[str, Tags]) -> tuple[int, int]:
    """Who may be tagged by somebody, and the roles whose trust policy somebody may rewrite, while callers have these tags."""
    tagged = trusted = 0
    for account, texts in _of_others(entities, callers).items():
        here = entities.in_account[account]
        for text in texts:
            tagged |= _covered(entities, text, _TAGGING) & here
            trusted |= _covered(entities, text, _TRUSTING) & here
    return tagged, trusted & entities.roles


def texts_of_resources(estate: Estate) -> frozenset[str]:
    """The policies that decide with those of the caller: trust policies and resource control policies."""
    trusts = (getattr(own.identity, "trust", "") for own in estate.principals)
    levels = (level for own in estate.members.values() for level in own.guardrails.rcps)
    return frozenset((*trusts, *(text for level in levels for text in level)))


def tag_keys(*texts: str) -> frozenset[str]:
    """The keys of tags of resources, in lower case, that texts of policies name."""
    return frozenset(key.lower() for text in texts for key in _OF_RESOURCES.findall(text))


def by_tags(known: KnownTags, entities: Entities, part: int, keys: frozenset[str]) -> list[int]:
    """A set of targets by their tags with some keys; those of whom nothing is known are apart."""
    if not keys or not known.resources:
        return [part]
    alike: dict[Any, int] = defaultdict(int)
    for number in bits(part):
        alike[tags_with(known, entities.arns[number], keys)] |= 1 << number
    return list(alike.values())


def tags_with(
    known: KnownTags, arn: str, keys: frozenset[str]
) -> frozenset[tuple[str, str]] | None:
    """The tags of a user or role with some keys; None where nothing is known."""
    tags = known.resources.get(arn) if keys else {}
    if tags is None:
        return None
    return frozenset((key, value) for key, value in tags.items() if key.lower() in keys)


def _of_others(entities: Entities, callers: Mapping[str, Tags]) -> dict[str, set[Text]]:
    """By account, the identity policies that somebody who is no administrator has or could come to have."""
    administrators = Administrators(callers)
    found: dict[str, set[Text]] = defaultdict(set)
    for number, own in entities.principals.items():
        principal = own if own.session is None else as_allowed_by(own, own.session)
        if own.session is not None and administrators.of(replace(own, session=None)) is not True:
            # What the role may do is looked at in any case.
            continue
        if administrators.of(principal) is not True:
            organization = principal.member.guardrails.organization
            texts = found[entities.account_of(number)]
            texts |= {None} if principal.held.unread else set()
            texts |= {
                policy_for_principal(
                    held.text,
                    principal.arn,
                    organization,
                    Kind.IDENTITY,
                    callers.get(principal.arn),
                )
                for held in principal.held.policies
            }
    for account, texts in found.items():
        if any(_allowing(text, _GAINING) != [] for text in texts):
            texts.update([*_to_come_by(entities, account)])
            texts.update([more for text in texts for more in _attached_by_name(text)])
    return found


def _to_come_by(entities: Entities, account: str) -> Iterator[Text]:
    """What changes of groups and policies may give somebody who is no administrator by it."""
    here = entities.in_account[account]
    member = next((own for number, own in entities.member_of.items() if here >> number & 1), None)
    if member is None:
        return
    if entities.with_boundary & here or any(map(_limits, member.guardrails.scps)):
        # Within the limits, whoever writes a policy may do anything.
        yield None
        return
    for number in bits(here & (entities.groups | entities.policies)):
        for text in _documents(entities, number, member):
            if not _makes_administrator(text, member):
                yield text


def _limits(level: Sequence[str]) -> bool:
    """Whether an organization's policies of one level may leave out anything."""
    return any("Deny" in text for text in level) or not any(map(_is_everything, level))


def _is_everything(text: str) -> bool:
    try:
        statements = one_policy(text, Kind.SCP).statements
    except InputError:
        return False
    return any(
        "*" in own.action_words and "*" in own.resource_words and not own.conditions
        for own in statements
    )


def _documents(entities: Entities, number: int, member: Member) -> Iterator[Text]:
    """The documents of a group, or of all versions of a policy."""
    policy = entities.policy.get(number)
    if policy is None:
        if member.authorization is not None:
            held = PolicyHolders(member.authorization).of_group(entities.group[number])
            yield from (own.text for own in held.policies)
            yield from (None for _ in held.unread)
        return
    yield policy.document
    yield from (
        (own.document for own in policy.versions) if policy.versions is not None else (None,)
    )


def _makes_administrator(text: Text, member: Member) -> bool:
    try:
        return bool(text and admin_statements(one_policy(text, Kind.IDENTITY), member.account))
    except InputError:
        return False


def _attached_by_name(text: Text) -> Iterator[Text]:
    """The policies of AWS that somebody may attach because a condition names them; without one, the best is attached."""
    for statement in _allowing(text, _ATTACHING) or ():
        for condition in statement.conditions:
            if condition.name == "iam:policyarn":
                for value in condition.values:
                    yield from _of_aws(value.value)


def _of_aws(arn: str) -> Iterator[Text]:
    if not is_literal(arn):
        yield None
    elif _OF_AWS in arn:
        try:
            yield managed_policy_of_arn(arn).document
        except InputError:
            yield None


def _allowing(text: Text, actions: Iterable[str]) -> list[Statement] | None:
    """The Allow statements that take any of the actions; None if the policy is not known."""
    if text is not None and says_nothing(text):
        return []
    try:
        statements = one_policy(text or "", Kind.IDENTITY).statements
    except InputError:
        return None
    return [
        own
        for own in statements
        if own.allows and any(map(IndexedStatement.of(own).takes, actions))
    ]


def _covered(entities: Entities, text: Text, actions: Iterable[str]) -> int:
    """Whom a policy lets somebody do any of the actions to, conditions aside."""
    statements = _allowing(text, actions)
    if statements is None:
        return _EVERYTHING
    found = 0
    for statement in statements:
        if not statement.has("Resource"):
            return _EVERYTHING
        for word in statement.resource_words:
            found |= entities.matching(without_variables(word, "*"))
    return found


def _every_text(estate: Estate, entities: Entities) -> Iterator[Text]:
    """Everything that may ask for a tag."""
    for principal in estate.principals:
        yield from (own.text for own in principal.held.every)
        yield getattr(principal.identity, "trust", "")
    for number, member in entities.member_of.items():
        if number in entities.group or number in entities.policy:
            yield from _documents(entities, number, member)
    for member in estate.members.values():
        limits = (*member.guardrails.scps, *member.guardrails.rcps)
        yield from (text for level in limits for text in level)
        yield from (member.resources.of(arn).text for arn in member.resources)
