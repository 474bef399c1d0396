"""The facts of one service as values: actions, resource types, condition keys."""

from __future__ import annotations

import re
from dataclasses import field
from functools import cached_property
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog_file import LEVELS, Level, padded, padded_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")


@slotted
class Action:
    """One action. No resource types means that it is authorised on `*` only."""

    service: str
    # The name without the service: `GetObject`.
    name: str
    level: Level
    resource_types: tuple[str, ...] = ()
    # The resource types that take part in every authorization of the action.
    required: tuple[str, ...] = ()
    condition_keys: tuple[str, ...] = ()
    # Keys that the action supports on one of its resource types; those of the type itself are in `ResourceType`.
    type_condition_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Further actions that the caller needs; `Catalog.provenance["dependents"]` says where they come from.
    dependents: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """`service:Action`."""
        return f"{self.service}:{self.name}"


@slotted
class ResourceType:
    """One resource type of a service."""

    service: str
    name: str
    arn_formats: tuple[str, ...]
    condition_keys: tuple[str, ...] = ()


@slotted
class ConditionKey:
    """A condition key: its name as AWS writes it, a placeholder such as `${TagKey}` included."""

    name: str
    # The service whose table defines it; `aws` for a global key.
    service: str
    # As AWS writes it, `ArrayOfString` for several values; empty when no source gives one.
    type: str
    # Further types whose operators fit.
    also: tuple[str, ...] = ()
    # When the key is in a request; known for global keys only.
    presence: str = ""
    presence_rule: str = ""
    # AWS warns about wildcards and variables in its values.
    sensitive: bool = False
    # Whoever sends the request chooses the value.
    caller_controlled: bool = False
    source: str = ""

    @property
    def multivalued(self) -> bool:
        """Whether a request may carry several values, so that ForAnyValue or ForAllValues is needed."""
        return self.type.startswith("ArrayOf")

    @property
    def value_type(self) -> str:
        """The type of one value: String, ARN, Bool, Numeric, Date or IPAddress; empty if unknown."""
        return self.type.removeprefix("ArrayOf")


@slotted
class Support:
    """An action that supports a condition key: in its own right, on some of its resource types, or both."""

    action: str
    level: Level
    own: bool
    types: tuple[str, ...]


def template_pattern(template: str) -> str:
    """The names that a template such as `aws:ResourceTag/${TagKey}` stands for, as a wildcard pattern."""
    return _PLACEHOLDER.sub("?*", template)


T = TypeVar("T")


class Templates(Generic[T]):
    """What stands under names and under templates such as `aws:ResourceTag/${TagKey}`; case does not count.

    A name that stands under none costs a few look-ups, however many templates there are: a policy of a stranger may
    hold very many of them.
    """

    def __init__(self, rows: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        # By what stands before the first placeholder.
        self._open: dict[str, list[tuple[int, str, T]]] = {}
        for number, (template, value) in enumerate(rows):
            text = template.lower()
            pattern = template_pattern(text)
            if pattern == text:
                self._exact[text] = value
            else:
                head = pattern.partition("?")[0]
                self._open.setdefault(head, []).append((number, pattern, value))
        self._lengths = sorted(set(map(len, self._open)))

    def find(self, name: str) -> Iterator[T]:
        """The value of the name itself, then those of the templates that stand for it, in their order."""
        text = name.lower()
        if text in self._exact:
            yield self._exact[text]
        near = [row for n in self._lengths for row in self._open.get(text[:n], ())]
        for _, pattern, value in sorted(near, key=itemgetter(0)):
            if matches(pattern, text):
                yield value


class Service:
    """One service: names at once, values when asked for."""

    def __init__(self, *, prefix: str, data: Mapping[str, Any]) -> None:
        self.prefix = prefix
        self.title: str = data.get("n", prefix)
        self.page: str = data.get("p", "")
        self.retired: tuple[str, ...] = tuple(data.get("t", ()))
        self.undocumented: tuple[str, ...] = tuple(data.get("u", ()))
        self._rows: Mapping[str, Any] = data.get("a", {})
        self._types: Mapping[str, Any] = data.get("r", {})
        self._keys: Mapping[str, str] = data.get("c", {})
        self._sets: tuple[tuple[str, ...], ...] = tuple(map(tuple, data.get("k", [[]])))
        self._made: dict[str, Action] = {}

    @property
    def action_names(self) -> tuple[str, ...]:
        """The names of all current actions, in order."""
        return tuple(self._rows)

    def has_action(self, name: str) -> bool:
        """Whether a current action has this name."""
        return name.lower() in self._spelled

    def action(self, name: str) -> Action | None:
        """A current action by its name."""
        spelled = self._spelled.get(name.lower())
        return self._action(spelled) if spelled else None

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """All current actions by lower-case name."""
        return MappingProxyType({key: self._action(name) for key, name in self._spelled.items()})

    def level(self, name: str) -> Level:
        """The level of a current action, its name written as in `action_names`."""
        return LEVELS[self._rows[name][0]]

    def without_types(self) -> tuple[str, ...]:
        """The actions that are authorised on `*` only, in order."""
        return tuple(name for name, row in self._rows.items() if not padded(row)[1])

    def supporting(self, key: str) -> Iterator[Support]:
        """The actions that support a condition key, given as AWS writes it.

        It works on the rows as they stand: a key of many services is asked of thousands of actions.
        """
        sets = {number for number, keys in enumerate(self._sets) if key in keys}
        if not sets:
            return
        typed = {name for name, row in self._types.items() if padded_type(row)[1] in sets}
        for name, row in self._rows.items():
            letter, types, own, type_keys, _ = padded(row)
            names = (each.rstrip("*") for each in types)
            on = tuple(each for each in names if each in typed or type_keys.get(each) in sets)
            if on or own in sets:
                yield Support(
                    action=f"{self.prefix}:{name}", level=LEVELS[letter], own=own in sets, types=on
                )

    @cached_property
    def resource_types(self) -> Mapping[str, ResourceType]:
        """All resource types by lower-case name."""
        return MappingProxyType(
            {
                name.lower(): ResourceType(
                    service=self.prefix,
                    name=name,
                    # Where a type has two forms of ARN, the reference may write both into one text.
                    arn_formats=tuple(part for each in formats for part in each.split(", ")),
                    condition_keys=self._sets[keys],
                )
                for name, (formats, keys) in (
                    (each, padded_type(row)) for each, row in self._types.items()
                )
            }
        )

    @cached_property
    def condition_keys(self) -> Mapping[str, ConditionKey]:
        """All keys of the service's table, global ones that it lists included, by lower-case name."""
        return MappingProxyType(
            {
                name.lower(): ConditionKey(name=name, service=self.prefix, type=type_)
                for name, type_ in self._keys.items()
            }
        )

    def condition_key(self, name: str) -> ConditionKey | None:
        """The key of this service's table that a name in a policy means."""
        return next(self._named_keys.find(name), None)

    @cached_property
    def _named_keys(self) -> Templates[ConditionKey]:
        return Templates((key.name, key) for key in self.condition_keys.values())

    def former(self, name: str) -> Literal["retired", "undocumented"] | None:
        """What an action's name is that is no current one."""
        if name.lower() in self._former[0]:
            return "retired"
        return "undocumented" if name.lower() in self._former[1] else None

    @cached_property
    def _former(self) -> tuple[frozenset[str], frozenset[str]]:
        return (
            frozenset(map(str.lower, self.retired)),
            frozenset(map(str.lower, self.undocumented)),
        )

    @cached_property
    def _spelled(self) -> Mapping[str, str]:
        return {name.lower(): name for name in self._rows}

    def _action(self, name: str) -> Action:
        # Many rules ask for the actions of a policy.
        if name not in self._made:
            self._made[name] = self._read(name)
        return self._made[name]

    def _read(self, name: str) -> Action:
        letter, types, own, type_keys, dependents = padded(self._rows[name])
        return Action(
            service=self.prefix,
            name=name,
            level=LEVELS[letter],
            resource_types=tuple(each.rstrip("*") for each in types),
            required=tuple(each.rstrip("*") for each in types if each.endswith("*")),
            condition_keys=self._sets[own],
            type_condition_keys={each: self._sets[at] for each, at in type_keys.items()},
            dependents=tuple(dependents),
        )
