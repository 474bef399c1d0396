"""The resources of a statement against the resource types of actions, by the ARN formats of the reference.

    reach = reach_of(statement)
    reach.limited              it is for ARNs only: `*` is in none of its resources
    reach.arns                 its resources as ARNs, variables as wildcards; none when one is something else
    reach.meets(action)        some of them can be of the action's types
    reach.foreign("sqs")       all of them belong to other services than the service works with
    reach.whole_type("sqs")    one is every resource of the service, or of one of its types
    takers_of(policy)          the statements in which an action can work

Region and account play no part: what is wrong with those has codes of its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.memo import by_text, once
from aws_iam.engine.language.pattern import covers, intersects, is_literal, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy, Statement, Text
    from aws_iam.engine.reference.facts import Action

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
_LONGEST = 300
_MOST_RESOURCES = 100
_MOST_STATEMENTS = 50
_MOST_PATTERNS = 50
_MOST_ACTIONS = 500


@slotted
class Form:
    """Of an ARN format what tells one type from another: the service and the resource part, as patterns."""

    service: str
    resource: str

    @classmethod
    def of(cls, template: str) -> Form | None:
        """The form of a format such as `arn:${Partition}:s3:::${BucketName}`."""
        arn = Arn.of(template)
        if arn is None:
            return None
        return cls(
            service=_PLACEHOLDER.sub("?*", arn.service),
            resource=_PLACEHOLDER.sub("?*", arn.resource),
        )

    def meets(self, arn: Arn) -> bool:
        """Whether an ARN, or one of a pattern of ARNs, can be of this form."""
        return _meet(arn.service, self.service) and _meet(arn.resource, self.resource)


# Actions of a service, and those of other policies, ask the same of the same resources.
_meet = lru_cache(maxsize=16_384)(intersects)


@lru_cache(maxsize=4096)
def forms(service: str, types: tuple[str, ...] = ()) -> tuple[Form, ...] | None:
    """The forms of some resource types of a service, of all without names; None when one is not described."""
    row = catalog().service(service)
    known = row.resource_types if row else {}
    chosen = [known.get(name.lower()) for name in types] if types else list(known.values())
    templates = {text for row_type in chosen if row_type for text in row_type.arn_formats}
    # Some cells of the reference hold several formats.
    read = tuple(map(Form.of, sorted(part for t in templates for part in t.split(", "))))
    found = tuple(shape for shape in read if shape)
    return found if all(chosen) and len(found) == len(read) else None


class Reach:
    """What the resources of one statement are; the answers are kept, as many actions ask the same."""

    def __init__(self, statement: Statement) -> None:
        entries = tuple(statement.resource_words)
        wild = [entry for entry in entries if entry[:1] in "*?"]
        self.limited: bool = bool(entries) and not any(matches(text, "*") for text in wild)
        self.arns: tuple[Arn, ...] = _arns(entries) if self.limited else ()
        self._texts = entries if self.arns else ()
        self._open: bool = not self.limited and bool(entries or statement.not_resource_words)
        self._meets: dict[tuple[str, tuple[str, ...]], bool] = {}
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
            self._meets[key] = any(_can_be(text, service, types) for text in self._texts)
        return self._meets[key]

    def beside(self, action: Action) -> Arn | None:
        """One of the ARNs of the services that an action works on, when all of them are of known types."""
        key = (action.service, action.resource_types)
        if key not in self._beside:
            # An action that works on what other services own may work on what its own service owns, too.
            services = {form.service for form in forms(*key) or ()}
            every = forms(action.service) or ()
            own = [a for a in self.arns if any(_meet(a.service, service) for service in services)]
            # What is no ARN of a known type is reported as such.
            known = all(any(form.meets(arn) for form in every) for arn in own)
            self._beside[key] = own[0] if own and known else None
        return self._beside[key]

    def foreign(self, service: str) -> bool:
        """Whether no ARN is of the service itself or of one whose resources it works on."""
        if service not in self._foreign:
            self._foreign[service] = bool(self.arns) and all(
                _is_foreign(arn.service, service) for arn in self.arns
            )
        return self._foreign[service]

    def whole_type(self, service: str) -> bool:
        """Whether one is every resource of the service, or of one of its types."""
        if service not in self._whole:
            known = forms(service) or ()
            self._whole[service] = any(
                not arn.resource.strip("*")
                or any(covers(arn.resource, form.resource) for form in known)
                for arn in self.arns
                if matches(arn.service, service)
            )
        return self._whole[service]


def _arns(entries: tuple[str, ...]) -> tuple[Arn, ...]:
    found = tuple(map(_arn, entries[: _MOST_RESOURCES + 1]))
    arns = tuple([arn for arn in found if arn])
    return arns if len(arns) == len(found) <= _MOST_RESOURCES else ()


@by_text
def _arn(entry: str) -> Arn | None:
    arn = Arn.of(without_variables(entry, "*"))
    return arn if arn and len(arn.resource) <= _LONGEST else None


# Most actions of a service have the same types, and are asked of the same resources.
@by_text
def _can_be(entry: str, service: str, types: tuple[str, ...]) -> bool:
    """Whether a resource, which is an ARN, can be of one of the types."""
    arn = _arn(entry)
    known = forms(service, types) or () if types else ()
    return arn is not None and any(form.meets(arn) for form in known)


@by_text
def _is_foreign(owner: str, service: str) -> bool:
    """Whether ARNs of the one service are never of the other, nor of one whose resources it works on."""
    services = {service, *(form.service for form in forms(service) or ())}
    return is_literal(owner) and not any(matches(name, owner) for name in services)


@once
def named_actions(statement: Statement) -> tuple[Action, ...]:
    """The known actions that a statement names without wildcard, the first few hundred."""
    known = catalog().action
    literal = [word for word in statement.action_words[:_MOST_ACTIONS] if is_literal(word)]
    return tuple([action for name in literal if (action := known(name))])


@once
def written_out(statement: Statement) -> tuple[tuple[Text, Action], ...]:
    """The same with their entries."""
    known = catalog().action
    literal = [text for text in statement.actions[:_MOST_ACTIONS] if is_literal(text.value)]
    return tuple([(entry, action) for entry in literal if (action := known(entry.value))])


class ActionStatements:
    """The statements of a policy, asked for one in which an action can work."""

    def __init__(self, policy: Policy) -> None:
        self._rows = [
            (
                statement,
                frozenset(word.lower() for word in statement.action_words if is_literal(word)),
                tuple(word for word in statement.action_words if not is_literal(word))[
                    :_MOST_PATTERNS
                ],
            )
            for statement in policy.statements[:_MOST_STATEMENTS]
        ]

    def beside(self, statement: Statement, action: Action) -> bool:
        """Whether another statement of the same effect takes the action where it can work."""
        name = action.full_name
        return any(
            other.allows is statement.allows
            and (name.lower() in names or any(matches(w, name, ignore_case=True) for w in wild))
            and reach_of(other).meets(action)
            for other, names, wild in self._rows
            if other is not statement
        )


@once
def reach_of(statement: Statement) -> Reach:
    """The reach of a statement, with the answers that it keeps."""
    return Reach(statement)


@once
def takers_of(policy: Policy) -> ActionStatements:
    """The takers of a policy."""
    return ActionStatements(policy)
