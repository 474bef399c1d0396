"""Which actions can work on the resources of a statement, by the ARN formats of AWS's reference.

    reach = reach_of(statement)
    reach.limited              no resource of it is `*`
    reach.arns                 its resources as ARNs, variables as wildcards; empty when one is not an ARN
    reach.meets(action)        whether one of them can be of the action's resource types
    reach.foreign("sqs")       whether all belong to services that this one does not work with
    reach.whole_type("sqs")    whether one covers all resources of the service, or of one of its types
    takers_of(policy)          the statements of a policy, to find those in which an action can work

Region and account are ignored: other checks report what is wrong with those.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from aws_iam.engine.algebra.text_sets import Effort
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.memo import ByWord, memo_by_text, memo_of_reference, memo_on_subject
from aws_iam.engine.language.pattern import covers, intersects, is_literal, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.language.document import Policy, Statement, Text
    from aws_iam.engine.reference.facts import Action

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
_LONGEST = 300
_MOST_RESOURCES = 1_000
"""More than fit in a policy that AWS accepts: longer lists are not compared, and `too_long` says so."""
_EFFORT = 200_000
# Up to so many resources it pays to remember what each can be.
_FEW = 50


@slotted
class ArnShape:
    """The parts of an ARN format that identify a resource type: service and resource, as patterns."""

    service: str
    resource: str

    @classmethod
    def of(cls, template: str) -> ArnShape | None:
        """The patterns of a format such as `arn:${Partition}:s3:::${BucketName}`."""
        arn = Arn.of(template)
        if arn is None:
            return None
        return cls(
            service=_PLACEHOLDER.sub("?*", arn.service),
            resource=_PLACEHOLDER.sub("?*", arn.resource),
        )

    def meets(self, arn: Arn) -> bool:
        """Whether the ARN, or some ARN of the pattern, can have this format."""
        return intersects(arn.service, self.service) and intersects(arn.resource, self.resource)


# Without the memo a megabyte of wildcard actions takes three times as long.
@memo_of_reference(4096)
def arn_shapes(service: str, types: tuple[str, ...] = ()) -> tuple[ArnShape, ...] | None:
    """The formats of some resource types of a service, or of all; None when the reference lacks one."""
    row = catalog().service(service)
    known = row.resource_types if row else {}
    chosen = [known.get(name.lower()) for name in types] if types else list(known.values())
    templates = {text for row_type in chosen if row_type for text in row_type.arn_formats}
    # Some table cells of the reference contain several formats.
    read = tuple(map(ArnShape.of, sorted(part for t in templates for part in t.split(", "))))
    found = tuple(shape for shape in read if shape)
    return found if all(chosen) and len(found) == len(read) else None


class ResourceReach:
    """The resources of one statement; answers are kept, because many actions have the same types."""

    def __init__(self, statement: Statement) -> None:
        entries = tuple(statement.resource_words)
        wild = [entry for entry in entries if entry[:1] in "*?"]
        self.limited: bool = bool(entries) and not any(matches(text, "*") for text in wild)
        self.too_long: bool = self.limited and len(entries) > _MOST_RESOURCES
        self.arns: tuple[Arn, ...] = _arns(entries) if self.limited and not self.too_long else ()
        self._texts = entries if self.arns else ()
        self._open: bool = not self.limited and bool(entries or statement.not_resource_words)
        self._meets: dict[tuple[str, tuple[str, ...]], bool] = {}
        self._forms: dict[ArnShape, bool] = {}
        self._beside: dict[tuple[str, tuple[str, ...]], Arn | None] = {}
        self._foreign: dict[str, bool] = {}
        self._whole: dict[str, bool] = {}

    def meets(self, action: Action) -> bool:
        """Whether the action can work on one of the resources."""
        return self.meets_types(action.service, action.resource_types)

    def meets_types(self, service: str, types: tuple[str, ...]) -> bool:
        """Whether one of the resources can be of one of the types."""
        if not self.limited:
            return self._open
        key = (service, types)
        if key not in self._meets:
            if len(self.arns) <= _FEW:
                self._meets[key] = any(_can_be(text, service, types) for text in self._texts)
            else:
                self._meets[key] = any(map(self._has, _shapes_of(service, types)))
        return self._meets[key]

    def _has(self, form: ArnShape) -> bool:
        """Whether one of the ARNs can have this format."""
        if form not in self._forms:
            begin = form.resource[:1]
            # Most resources of a long list begin with another letter.
            self._forms[form] = any(
                (begin in "*?" or resource[:1] in (begin, "*", "?"))
                and intersects(resource, form.resource)
                for service, resources in self._by_service.items()
                if intersects(service, form.service)
                for resource in resources
            )
        return self._forms[form]

    @cached_property
    def _by_service(self) -> Mapping[str, set[str]]:
        """The resource parts of the ARNs, by service."""
        parts: dict[str, set[str]] = {}
        for arn in self.arns:
            parts.setdefault(arn.service, set()).add(arn.resource)
        return parts

    def beside(self, action: Action) -> Arn | None:
        """An ARN of a service that the action works on, if all its ARNs of these services are of known types."""
        key = (action.service, action.resource_types)
        if key not in self._beside:
            # An action on resources of other services may work on those of its own service, too.
            services = {form.service for form in arn_shapes(*key) or ()}
            every = arn_shapes(action.service) or ()
            own = [
                a for a in self.arns if any(intersects(a.service, service) for service in services)
            ]
            # Another check reports an ARN of an unknown type.
            known = all(any(form.meets(arn) for form in every) for arn in own)
            self._beside[key] = own[0] if own and known else None
        return self._beside[key]

    def foreign(self, service: str) -> bool:
        """Whether all ARNs belong to services whose resources the given service does not work on."""
        if service not in self._foreign:
            self._foreign[service] = bool(self.arns) and all(
                _is_foreign(arn.service, service) for arn in self.arns
            )
        return self._foreign[service]

    def whole_type(self, service: str) -> bool:
        """Whether one ARN covers all resources of the service, or of one of its types."""
        if service not in self._whole:
            known = arn_shapes(service) or ()
            self._whole[service] = any(
                not arn.resource.strip("*")
                or any(covers(arn.resource, form.resource) for form in known)
                for arn in self.arns
                if matches(arn.service, service)
            )
        return self._whole[service]


def _arns(entries: tuple[str, ...]) -> tuple[Arn, ...]:
    arns = tuple([arn for entry in entries if (arn := _arn(entry))])
    return arns if len(arns) == len(entries) else ()


@memo_by_text
def _arn(entry: str) -> Arn | None:
    arn = Arn.of(without_variables(entry, "*"))
    return arn if arn and len(arn.resource) <= _LONGEST else None


# Most actions of a service have the same types, and most lists are short. Without the memo validation takes 1.15 times as long.
@memo_by_text
def _can_be(entry: str, service: str, types: tuple[str, ...] | None) -> bool:
    """Whether an ARN can be of one of the types, or whether it is of the service itself."""
    arn = _arn(entry)
    if arn is None or types is None:
        return arn is not None and arn.service == service
    return any(form.meets(arn) for form in _shapes_of(service, types))


def _shapes_of(service: str, types: tuple[str, ...]) -> tuple[ArnShape, ...]:
    return (arn_shapes(service, types) or ()) if types else ()


def _is_foreign(owner: str, service: str) -> bool:
    """Whether the service does not work on resources of the owner."""
    services = {service, *(form.service for form in arn_shapes(service) or ())}
    return is_literal(owner) and not any(matches(name, owner) for name in services)


# Without this memo, that of `reach_of` and that of `action_names` validation takes 1.1 times as long.
@memo_on_subject
def named_actions(statement: Statement) -> tuple[Action, ...]:
    """The known actions that a statement names without a wildcard."""
    return tuple(filter(None, map(_ACTIONS.__getitem__, statement.action_words)))


_ACTIONS = ByWord(lambda word: catalog().action(word) if is_literal(word) else None)


def all_meet(actions: Sequence[str], resources: Sequence[str]) -> bool:
    """Whether each of the actions certainly works on one of the resources, and each wildcard on the service of one.

    That is soon known, because policies consist of the same words.
    """
    if len(resources) > _FEW:
        return False
    for kind in set(map(_KINDS.__getitem__, actions)):
        if kind and not any(_can_be(resource, *kind) for resource in resources):
            return False
    return True


def _kind(word: str) -> tuple[str, tuple[str, ...] | None] | None:
    """The service and the resource types of an action, the service alone of a wildcard; nothing for what is unknown."""
    if is_literal(word):
        action = catalog().action(word)
        return (action.service, action.resource_types) if action else None
    service = word.partition(":")[0].lower()
    return (service, None) if is_literal(service) and catalog().service(service) else None


_KINDS = ByWord(_kind)


def named_entries(statement: Statement) -> tuple[tuple[Text, Action], ...]:
    """The same actions with their entries in the statement."""
    known = catalog().action
    literal = [text for text in statement.actions if is_literal(text.value)]
    return tuple([(entry, action) for entry in literal if (action := known(entry.value))])


class ActionStatements:
    """The statements of a policy, to find one in which an action can work."""

    def __init__(self, policy: Policy) -> None:
        # Not the policy, which keeps this: only the garbage collector would free such a cycle.
        self._statements = policy.statements
        self.effort = Effort(_EFFORT)

    @cached_property
    def _rows(self) -> list[tuple[Statement, frozenset[str], tuple[str, ...]]]:
        return [
            (
                statement,
                frozenset(word.lower() for word in statement.action_words if is_literal(word)),
                tuple(word for word in statement.action_words if not is_literal(word)),
            )
            for statement in self._statements
        ]

    def beside(self, statement: Statement, action: Action) -> bool:
        """Whether another statement with the same effect names the action with resources on which it can work.

        Also yes when the effort is used up.
        """
        name = action.full_name
        return any(
            not self.effort.spend(1 + len(wild))
            or (
                other.allows is statement.allows
                and (
                    name.lower() in names or any(matches(w, name, ignore_case=True) for w in wild)
                )
                and reach_of(other).meets(action)
            )
            for other, names, wild in self._rows
            if other is not statement
        )


@memo_on_subject
def reach_of(statement: Statement) -> ResourceReach:
    """The reach of a statement."""
    return ResourceReach(statement)


def is_too_long(statement: Statement) -> bool:
    """Whether its reach is: the statement is limited to more resources than are compared."""
    return len(statement.resource_words) > _MOST_RESOURCES and reach_of(statement).too_long


# Without the memo the work grows with the square of the number of statements.
@memo_on_subject
def statements_by_action(policy: Policy) -> ActionStatements:
    """The statements of a policy, by action."""
    return ActionStatements(policy)
