"""Which resources of an action a statement covers: any at all, all of a Region, all of an account, or all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.memo import ByWord, memo_by_text
from aws_iam.engine.language.pattern import covers, intersects, is_literal, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.corrections import is_authorised_on
from aws_iam.engine.reference.facts import template_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aws_iam.engine.effective.action_expansion import Expansion
    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.reference.catalog import Action, Catalog, ResourceType

Extent = Literal["one Region", "one account", "every account"]
"""What counts as all: every resource of one Region of an account, of one account, or of every account."""

_STEPS_OF_A_TYPE = 20
"""Matching one ARN with one resource type costs about as much as this many short comparisons."""


_COMMAND = "ssm:SendCommand"
_TARGETS = {
    "ssm:StartSession": ("instance", "managed-instance", "task"),
    _COMMAND: ("instance", "managed-instance"),
}
"""The targets of actions for which the reference also lists the documents to run."""
# https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
_ANY_COMMAND = (
    "AWS-RunShellScript",
    "AWS-RunPowerShellScript",
    "AWS-RunRemoteScript",
    "AWS-RunDocument",
)
"""The documents of AWS that run whatever the caller writes: with one of them the other documents add nothing."""


@dataclass(slots=True, kw_only=True)
class Targets:
    """Matches the resources of statements with actions; each resource is parsed once."""

    facts: Catalog
    spend: Callable[[int], None]
    unknown: frozenset[str] = frozenset()
    """Placeholders for resources that are unknown until deployment."""
    _read: set[str] = field(default_factory=set)
    """The ARNs of which the types were looked up."""
    _whole: dict[tuple[str, str, str, Extent], bool] = field(default_factory=dict)
    _met: dict[tuple[int, str], frozenset[str] | None] = field(default_factory=dict)
    _kept: list[Statement] = field(default_factory=list)

    @classmethod
    def of(cls, expansion: Expansion, unknown: frozenset[str] = frozenset()) -> Targets:
        """A new one that shares the reference and the bound of an expansion."""
        return cls(facts=expansion.facts, spend=expansion.spend, unknown=unknown)

    def meets(self, statement: Statement, action: Action) -> bool:
        """Whether some request for the action can have a resource of the statement."""
        if statement.not_resource is not None:
            return not self._is_excluded(statement, action)
        if statement.resource is None:
            return True
        if not action.resource_types:
            return any(_is_untyped(text, action) for text in statement.resource_words)
        types = self._types_met(statement, action.service)
        return types is None or not types.isdisjoint(map(str.lower, action.resource_types))

    def accepts(self, resource: str, action: Action) -> bool:
        """Whether some request for the action can have a resource that matches this pattern."""
        if not action.resource_types:
            return _is_untyped(resource, action)
        types = self._types_of(resource, action.service)
        return types is None or not types.isdisjoint(map(str.lower, action.resource_types))

    def missed(self, statement: Statement, named: Iterable[Action]) -> int:
        """How many of the statement's actions work on none of its resources."""
        judged: dict[tuple[str, tuple[str, ...]], bool] = {}
        missed = 0
        for action in named:
            key = (action.service, action.resource_types)
            if key not in judged:
                judged[key] = self.meets(statement, action)
            missed += not judged[key]
        return missed

    def is_everywhere(
        self, statement: Statement, action: Action, beside: Sequence[Statement] = ()
    ) -> bool:
        """Whether the statement covers every resource of the action in some account.

        One account is enough: `arn:aws:iam::111122223333:role/*` is every role that can be used there. The documents that
        a command may run can stand in the statements `beside`: AWS asks for each resource by itself.
        """
        return self._is_whole(statement, action, "one account", beside)

    def is_regional(
        self, statement: Statement, action: Action, beside: Sequence[Statement] = ()
    ) -> bool:
        """Whether the statement, with an ARN pattern of one Region, covers every resource of the action there in some account.

        `arn:aws:sqs:eu-west-1:111122223333:*` is every queue of one Region, in many accounts the only one in use.
        """
        return self._is_whole(statement, action, "one Region", beside)

    def is_everything(self, statement: Statement, action: Action) -> bool:
        """Whether the statement covers every resource of the action in every account."""
        return self._is_whole(statement, action, "every account")

    def leaves_named(self, deny: Statement, action: Action) -> bool:
        """Whether the NotResource of a Deny leaves less than every resource of the action in some Region."""
        if not deny.has("NotResource") or not action.resource_types:
            return False
        names = action.required or action.resource_types
        return not self._some_has_type(
            deny.not_resource_words, action.service, names, "one Region"
        )

    def includes(self, wide: Statement, narrow: Statement) -> bool:
        """Whether `wide` covers every resource of `narrow`; False when that is not certain."""
        if not wide.has("Resource") and not wide.has("NotResource"):
            return True
        if any(map(_is_all, wide.resource_words)):
            return True
        if not narrow.resource_words:
            return False
        return all(self._is_included(text, wide) for text in narrow.resource_words)

    def _is_included(self, resource: str, wide: Statement) -> bool:
        text = without_variables(resource, "*")
        if wide.has("NotResource"):
            excluded = [without_variables(entry, "*") for entry in wide.not_resource_words]
            self._spend_on_pairs(text, excluded)
            return not any(intersects(entry, text) for entry in excluded)
        written = wide.resource_words
        if resource in written:
            # A variable has one value in a request, so the same text is the same resource.
            return True
        fixed = [entry for entry in written if "${" not in entry]
        self._spend_on_pairs(text, fixed)
        return any(covers(entry, text) for entry in fixed)

    def _spend_on_pairs(self, text: str, others: list[str]) -> None:
        pairs = len(text) * sum(map(len, others))
        self.spend(len(others) * (20 + len(text)) + pairs // 10)

    def _is_whole(
        self,
        statement: Statement,
        action: Action,
        extent: Extent,
        beside: Sequence[Statement] = (),
    ) -> bool:
        if statement.not_resource is not None:
            # All but some counts as all when looking for risk, but not when looking for what is denied.
            if extent != "every account":
                return not self._is_excluded(statement, action)
            return not any(self.accepts(text, action) for text in statement.not_resource_words)
        if is_on_all(statement):
            return True
        required, service, own = action.required, action.service, statement.resource_words
        works_on = _TARGETS.get(action.full_name, () if required else action.resource_types)
        if not (required or works_on):
            return False
        if extent == "every account":
            return self._all_have_type(own, service, (*required, *works_on), extent)
        words = own
        if action.full_name == _COMMAND:
            # What has conditions may not hold in the same requests.
            others = (other for other in beside if not other.conditions)
            words = (*own, *(word for other in others for word in other.resource_words))
            required = () if any(map(_runs_any_command, words)) else required
        return self._all_have_type(words, service, required, extent) and (
            not works_on or self._some_has_type(own, service, works_on, extent)
        )

    def _is_excluded(self, statement: Statement, action: Action) -> bool:
        """Whether NotResource excludes every resource of the action."""
        excluded = statement.not_resource_words
        if any(map(_is_all, excluded)):
            return True
        if not action.resource_types:
            return any(matches(text, "*") for text in excluded)
        return self._all_have_type(
            excluded, action.service, action.resource_types, "every account"
        )

    def _some_has_type(
        self, resources: Sequence[str], service: str, names: Sequence[str], extent: Extent
    ) -> bool:
        """Whether one of the types is covered by one of the resources."""
        for name in names:
            for text in resources:
                if self._covers_type(text, service, name, extent):
                    return True
        return False

    def _all_have_type(
        self, resources: Sequence[str], service: str, names: Sequence[str], extent: Extent
    ) -> bool:
        """Whether each of the types is covered by one of the resources."""
        return all(self._some_has_type(resources, service, (name,), extent) for name in names)

    def _covers_type(self, resource: str, service: str, name: str, extent: Extent) -> bool:
        key = (resource, service, name, extent)
        known = self._whole.get(key)
        if known is None:
            known, steps = _covers_formats(*key)
            self.spend(steps)
            self._whole[key] = known
        return known

    def _types_met(self, statement: Statement, service: str) -> frozenset[str] | None:
        """The service's resource types, in lower case, that the statement's resources can have; None for any type."""
        key = (id(statement), service)
        if key not in self._met:
            # Keeps the statement alive, so that no other one gets its id.
            self._kept.append(statement)
            self._met[key] = self._types_of_any(statement, service)
        return self._met[key]

    def _types_of_any(self, statement: Statement, service: str) -> frozenset[str] | None:
        found: frozenset[str] = frozenset()
        for resource in statement.resource_words:
            types = self._types_of(resource, service)
            if types is None:
                return None
            found = found | types if found else types
        return found

    def _types_of(self, resource: str, service: str) -> frozenset[str] | None:
        if resource in self.unknown:
            arn = _arn_of(resource)
            if not (arn and self.facts.service(arn.service)):
                self.spend(1)
                return None
        types, steps = _types_of_service(resource, service)
        self.spend(1)
        if resource not in self._read:
            self._read.add(resource)
            self.spend(steps)
        return types

    def types(self, arn: Arn) -> tuple[ResourceType, ...]:
        """The resource types, of any service, of an ARN without variables."""
        text = str(arn)
        if text not in self._read:
            self._read.add(text)
            self.spend(_steps_on_types(arn, text))
        return self.facts.types_of_arn(arn)


_NO_TYPES: frozenset[str] = frozenset()


@memo_by_text
def _arn_of(resource: str) -> Arn | None:
    """The resource as an ARN without variables."""
    return Arn.of(without_variables(resource, "*"))


@memo_by_text
def _types_of_service(resource: str, service: str) -> tuple[frozenset[str] | None, int]:
    """Which of the service's resource types, in lower case, a resource can be of, None for any type; and the steps it takes."""
    if _is_all(resource):
        return None, 0
    arn = _arn_of(resource)
    if arn is None:
        return _NO_TYPES, 0
    if not is_literal(arn.service):
        return None, 0
    steps = _steps_on_types(arn, resource)
    known = catalog().types_of_arn(arn)
    if not known and arn.service.lower() == service:
        # The reference may lack a format, so any type is possible.
        return None, steps
    return frozenset(type_.name.lower() for type_ in known if type_.service == service), steps


def _steps_on_types(arn: Arn, text: str) -> int:
    row = catalog().service(arn.service)
    number = len(row.resource_types) + 1 if row else 1
    return number * (_STEPS_OF_A_TYPE + len(text) // 2)


def _is_untyped(resource: str, action: Action) -> bool:
    """Whether a request for the action, which has no resource types, can have the resource."""
    if matches(resource, "*"):
        return True
    arn = Arn.of(without_variables(resource, "*"))
    return arn is not None and is_authorised_on(action.full_name, arn)


_FIELDS = 6
# The name of every secret ends in a hyphen and six characters.
_ANY_NAME = re.compile(r"\?*\*[*?]*(?:-\?{6}$)?")


@memo_by_text
def _covers_formats(resource: str, service: str, name: str, extent: Extent) -> tuple[bool, int]:
    """Whether the resource covers every ARN of the type, and the steps that it takes to know."""
    row = catalog().service(service)
    found = row.resource_types.get(name.lower()) if row else None
    formats = found.arn_formats if found else ()
    steps = 2 + len(formats) * (60 + len(resource))
    own = Arn.of(resource)
    if not formats or (own and not all(_may_be_of(own.service, form) for form in formats)):
        return False, steps
    if extent != "every account":
        # A name has at least one character: `?*` is every name, and `???*` nearly every.
        resource = _ANY_NAME.sub("*", resource)
    return all(covers(resource, _pattern(form, resource, extent)) for form in formats), steps


def _may_be_of(service: str, template: str) -> bool:
    written = template.split(":", 3)[2]
    return written == service or not is_literal(service) or "$" in written


def is_on_all(statement: Statement) -> bool:
    """Whether the statement applies to every resource of any action."""
    if statement.not_resource is not None:
        return False
    return statement.resource is None or any(map(_ALL.__getitem__, statement.resource_words))


def regions_of(statement: Statement) -> list[str]:
    """The Regions of its ARN patterns; a pattern without one covers every Region or none."""
    return list(filter(None, map(_REGIONS.__getitem__, statement.resource_words)))


def _region_of(resource: str) -> str:
    fields = resource.split(":", 5)
    is_pattern = len(fields) == _FIELDS and "*" in fields[-1]
    return fields[3] if is_pattern and fields[3] != "*" else ""


_REGIONS = ByWord(_region_of)


def _runs_any_command(resource: str) -> bool:
    return resource.rpartition(":document/")[2] in _ANY_COMMAND


def _is_all(resource: str) -> bool:
    return bool(resource) and not resource.strip("*")


_ALL = ByWord(_is_all, of_reference=False)


def _pattern(template: str, resource: str, extent: Extent) -> str:
    """A format as a pattern, in the partition of the resource; also in its account where one account is enough."""
    form, own = Arn.of(template), Arn.of(resource)
    if form is None or own is None:
        return template_pattern(template)
    return str(
        Arn(
            partition=own.partition or "aws",
            service=template_pattern(form.service),
            region=own.region
            if extent == "one Region" and "${" in form.region and own.region
            else template_pattern(form.region),
            account=_account(form.account, own.account, extent),
            resource=template_pattern(form.resource),
        )
    )


def _account(form: str, own: str, extent: Extent) -> str:
    is_number = own.isdecimal() or (bool(own) and not is_literal(own))
    if extent != "every account" and "${" in form and is_number:
        return own
    return template_pattern(form)
