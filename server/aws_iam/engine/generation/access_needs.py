"""The access to grant, as `{access level or action: [ARN]}`, checked with AWS's reference.

`read` returns needs in which every name is known; it reports all unknown names and ARNs at once, each with its place.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.generation.access_levels import (
    LEVEL_NAMES,
    NAMED_ACTION,
    access_level,
    contents,
)
from aws_iam.engine.language.arn import Arn, closest_formats
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.problems import Problems, json_object_of
from aws_iam.engine.parsing.json_nodes import Form, Node, Text
from aws_iam.engine.reference.catalog import catalog, types_following
from aws_iam.engine.reference.operations import operations
from aws_iam.errors import InputError, closest, nearest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.generation.access_levels import AccessLevel
    from aws_iam.engine.reference.catalog import Action, ResourceType

EXAMPLE = '{"read": ["arn:aws:s3:::amzn-s3-demo-bucket/*"]}'
# Ten managed policies have 61,440 characters; more ARNs than these do not fit into them.
MOST_ARNS = 500
MOST_CHARACTERS = 61_440
_LONGEST_ARN = 2_048
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_FOREIGN = re.compile("[^\u0020-\u00ff]")
_FORMATS = 4
# Words that are no access level, and the level that comes nearest.
MEANT = {
    "admin": "manage",
    "delete": "manage",
    "full": "manage",
    "get": "read",
    "update": "write",
}
_LONGEST_COMPARED = 300


@slotted
class Target:
    """An ARN or ARN pattern of a need, or `*` (no `arn`); `within` is the ARN that holds it, if the need names only that."""

    text: str
    pointer: str
    arn: Arn | None = None
    within: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        """The services whose access levels apply: the ARN's own, or those that list such ARNs if that one has no table."""
        own = self.arn.service if self.arn else ""
        if self.types_in(own):
            return (own,)
        types = _types_spelling(self.arn) if self.arn else ()
        return tuple(dict.fromkeys(type_.service for type_ in types))

    def types_in(self, service: str) -> tuple[ResourceType, ...]:
        """The resource types of a service whose formats match the ARN most closely."""
        return _types_in(self.arn, service) if self.arn else ()

    def types_for(self, action: Action) -> tuple[ResourceType, ...]:
        """The resource types of the ARN that the action is authorized on."""
        names = action.resource_types
        if not names:
            return ()
        return tuple(type_ for type_ in self.types_in(action.service) if type_.name in names)


# Without the memo generating a policy takes 21 times as long.
@memo_of_reference(4096)
def _types_in(arn: Arn, service: str) -> tuple[ResourceType, ...]:
    row = catalog().service(service)
    return types_following(arn, tuple(row.resource_types.values())) if row else ()


def _types_spelling(arn: Arn) -> tuple[ResourceType, ...]:
    """The types with a format that names the ARN's service; a placeholder such as `${Vendor}` does not count."""
    spelled = f":{arn.service}:"
    return tuple(
        type_
        for type_ in catalog().types_of_arn(arn)
        if any(spelled in text for text in type_.arn_formats)
    )


@slotted
class Need:
    """One entry: an access level or actions, with the resources to grant them on."""

    name: str
    pointer: str
    level: AccessLevel | None
    actions: tuple[Action, ...]
    # Whether the entry names one action; a level or a wildcard means all actions that work on the ARN.
    exact: bool
    targets: tuple[Target, ...]


def read_needs(given: object) -> tuple[Need, ...]:
    """The needs; InputError lists every name and ARN that the reference does not know."""
    node = json_object_of(given, "needs", EXAMPLE)
    if not node.members:
        raise InputError("`needs` is empty", hint=f"give an object such as {EXAMPLE}")
    _refuse_size(node)
    problems = Problems()
    seen: set[str] = set()
    found = []
    for member in node.members:
        if member.name.value in seen:
            problems.add(member.name.where.pointer, "the name occurs twice; merge the two lists")
        seen.add(member.name.value)
        need = _need(member.name, member.value, problems)
        if need:
            found.append(need)
    problems.refuse("needs")
    _refuse_partitions(found)
    return tuple(found)


def _refuse_partitions(needs: Sequence[Need]) -> None:
    """Refuse ARNs of several partitions: a policy belongs to one account, and an account to one partition."""
    first: dict[str, Target] = {}
    for target in (target for need in needs for target in need.targets):
        if target.arn and is_literal(target.arn.partition):
            first.setdefault(target.arn.partition, target)
    if len(first) > 1:
        shown = ", ".join(f"{quoted(one.text)} at {one.pointer}" for one in first.values())
        raise InputError(
            f"`needs` names ARNs of {len(first)} partitions ({shown}), and no account can access another partition",
            hint="generate a policy for each partition",
        )


def _refuse_size(node: Node) -> None:
    texts = [entry.text for member in node.members for entry in member.value.listed()]
    characters = sum(map(len, texts))
    if len(texts) > MOST_ARNS or characters > MOST_CHARACTERS:
        raise InputError(
            f"`needs` has {len(texts):,} ARNs with {characters:,} characters; at most {MOST_ARNS} with "
            f"{MOST_CHARACTERS:,} are accepted, as much as ten managed policies can hold",
            hint="use ARN patterns, or split the needs",
        )


def _need(name: Text, value: Node, problems: Problems) -> Need | None:
    level = access_level(name.value)
    actions = () if level else _actions(name, problems)
    if value.form not in {Form.ARRAY, Form.STRING}:
        problems.add(value.where.pointer, f"must be a list of ARNs, not {value.form}")
    elif not value.listed():
        problems.add(value.where.pointer, "the list is empty; name the ARNs to grant it on")
    else:
        listed = [
            target for entry in value.listed() if (target := _target(entry, level, problems))
        ]
        named = level.name if level else NAMED_ACTION
        have = {target.text for target in listed}
        held = (inner for target in listed for inner in _held(target, named))
        targets = (*listed, *(inner for inner in held if inner.text not in have))
        return Need(
            name=name.value,
            pointer=name.where.pointer,
            level=level,
            actions=actions,
            exact=level is None and is_literal(name.value),
            targets=targets,
        )
    return None


def _held(target: Target, level: str) -> Iterator[Target]:
    """What the level also reaches: the objects of a bucket, the streams of a log group."""
    types = {
        f"{t.service}:{t.name}".lower()
        for service in target.services
        for t in target.types_in(service)
    }
    for content in contents():
        text = target.text + content.tail
        reached = (
            content.of in types
            and level in content.levels
            and not re.search(content.unless, target.text)
            and (content.type == content.of or content.type not in types)
        )
        if reached and len(text) <= _LONGEST_ARN:
            yield Target(
                text=text, pointer=target.pointer, arn=_arn_as_asked(text), within=target.text
            )


def _actions(name: Text, problems: Problems) -> tuple[Action, ...]:
    written, pointer = name.value, name.where.pointer
    facts = catalog()
    prefix, colon, _ = written.partition(":")
    if not colon:
        _refuse_word(name, problems)
        return ()
    if not is_literal(prefix):
        problems.add(
            pointer,
            f"{quoted(written)} has a wildcard in its service; write the prefix of one service",
        )
        return ()
    if not is_literal(written):
        names = facts.expand(written)
        if not names:
            problems.add(
                pointer, f"{quoted(written)} matches no action", facts.suggest_pattern(written)
            )
        return tuple(filter(None, map(facts.action, names)))
    action = facts.action(written)
    if action is None:
        _refuse_action(name, problems)
    return (action,) if action else ()


def _refuse_word(name: Text, problems: Problems) -> None:
    near = MEANT.get(name.value.lower()) or closest(name.value, LEVEL_NAMES)
    options = (near,) if near else catalog().having(name.value)
    levels = ", ".join(f"`{name_}`" for name_ in LEVEL_NAMES)
    problems.add(
        name.where.pointer,
        f"{quoted(name.value)} is neither an access level ({levels}) nor an action (`service:Name`)",
        options,
    )


def _refuse_action(name: Text, problems: Problems) -> None:
    written, facts = name.value, catalog()
    tier = facts.tier(written)
    operation = operations().get(written.lower())
    if tier == "retired":
        what = "is retired: AWS's reference no longer lists it, and allowing it has no effect"
    elif tier == "undocumented":
        what = "is not documented, so nobody knows on which resources it works"
    elif operation:
        what = "is an API operation, not an action"
    elif facts.service(written.partition(":")[0]) is None:
        what = "belongs to no known service"
    else:
        what = f"is not a known action (data of {facts.as_of})"
    near = () if problems.many else facts.suggest_action(written)
    problems.add(name.where.pointer, f"{quoted(written)} {what}", near)


def _target(item: Node, level: AccessLevel | None, problems: Problems) -> Target | None:
    pointer = item.where.pointer
    text = item.text
    if item.form is not Form.STRING or not text:
        what = "an empty string" if item.form is Form.STRING else str(item.form)
        problems.add(pointer, f"must be an ARN, not {what}")
        return None
    foreign = _FOREIGN.search(text)
    if foreign:
        problems.add(
            pointer, f"{quoted(text)} contains {quoted(foreign[0])}, a character that IAM rejects"
        )
        return None
    if not text.strip("*"):
        if level:
            problems.add(
                pointer,
                f"`{level.name}` on `*` would cover every service; name ARNs, "
                "or grant actions on `*`, such as `ec2:Describe*`",
            )
            return None
        return Target(text="*", pointer=pointer)
    arn = _arn_as_asked(text)
    if not _is_of_some_type(text, arn, pointer, problems):
        return None
    return Target(text=text, pointer=pointer, arn=arn)


def _arn_as_asked(text: str) -> Arn | None:
    """The ARN for matching formats; resources of AWS, such as `document/AWS-RunShellScript`, have no account."""
    arn = Arn.of(text)
    if arn and not arn.account and not _types_in(arn, arn.service):
        return replace(arn, account="*")
    return arn


def _is_of_some_type(text: str, arn: Arn | None, pointer: str, problems: Problems) -> bool:
    if arn is None:
        what = (
            "is not an ARN; it needs six fields, `arn:partition:service:region:account:resource`"
        )
        problems.add(pointer, f"{quoted(text)} {what}")
    elif len(text) > _LONGEST_ARN:
        problems.add(
            pointer, f"{quoted(text, 60)} has {len(text):,} characters, an ARN has at most 2,048"
        )
    elif not is_literal(arn.service) or "$" in arn.service:
        problems.add(pointer, f"{quoted(text)} names no service; write one in the third field")
    elif _types_in(arn, arn.service) or _types_spelling(arn):
        return True
    elif catalog().service(arn.service) is None:
        near = () if problems.many else catalog().suggest_service(arn.service)
        problems.add(pointer, f"{quoted(text)} belongs to no known service", near)
    else:
        problems.add(pointer, f"{quoted(text)} matches no ARN format of {_formats(arn)}")
    return False


def _formats(arn: Arn) -> str:
    """The ARN formats of the service, the most similar ones first."""
    all_ = catalog().arn_formats(arn.service)
    # Long resources are slow to compare and similar to nothing in particular.
    resource = arn.resource if len(arn.resource) <= _LONGEST_COMPARED else ""
    anywhere = replace(arn, partition="*", region="*", account="*", resource=resource)
    word = _first_word(resource)
    by_word = {_first_word(template.split(":", 5)[5]): template for template in all_}
    near = closest_formats(anywhere, all_) or {by_word[word_] for word_ in nearest(word, by_word)}
    formats = [f"`{template}`" for template in sorted(near) or all_]
    more = f" and {len(formats) - _FORMATS} more" if formats[_FORMATS:] else ""
    return f"{arn.service}, which has {', '.join(formats[:_FORMATS]) or 'none'}{more}"


def _first_word(resource: str) -> str:
    return re.split(r"[/:]", resource, maxsplit=1)[0]
