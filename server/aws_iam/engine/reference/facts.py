"""One service of the catalogue: actions, resource types, condition keys."""

from __future__ import annotations

import re
from dataclasses import field
from functools import cached_property
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog_file import LEVELS, Level, padded, padded_type
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")


@slotted
class Action:
    """One action. Without resource types it is authorised on `*` only."""

    service: str
    # Without the service: `GetObject`.
    name: str
    level: Level
    resource_types: tuple[str, ...] = ()
    # The resource types that take part in every authorization of the action.
    required: tuple[str, ...] = ()
    condition_keys: tuple[str, ...] = ()
    # Keys that the action supports on one of its resource types; `ResourceType` has the keys of the type itself.
    type_condition_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Further actions that the caller needs; `Catalog.provenance["dependents"]` names their source.
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
    """A condition key, named as AWS writes it, with placeholders such as `${TagKey}`."""

    name: str
    # The service that defines it; `aws` for a global key.
    service: str
    # As AWS writes it, such as `ArrayOfString`; empty when no source has one.
    type: str
    # Further types whose operators can be used.
    also: tuple[str, ...] = ()
    # When requests contain the key; known for global keys only.
    presence: str = ""
    presence_rule: str = ""
    # AWS warns against wildcards and variables in its values.
    sensitive: bool = False
    # The sender of the request chooses the value.
    caller_controlled: bool = False
    source: str = ""

    @property
    def multivalued(self) -> bool:
        """Whether a request may have several values, which require ForAnyValue or ForAllValues."""
        return self.type.startswith("ArrayOf")

    @property
    def value_type(self) -> str:
        """The type of one value: String, ARN, Bool, Numeric, Date or IPAddress; empty if unknown."""
        return self.type.removeprefix("ArrayOf")


@slotted
class Support:
    """An action that supports a condition key: for every resource (`own`), on some resource types, or both."""

    action: str
    level: Level
    own: bool
    types: tuple[str, ...]


def template_pattern(template: str) -> str:
    """The wildcard pattern for a template such as `aws:ResourceTag/${TagKey}`."""
    return _PLACEHOLDER.sub("?*", template)


T = TypeVar("T")


class Templates(Generic[T]):
    """Values by name or by template such as `aws:ResourceTag/${TagKey}`, regardless of case.

    An unknown name costs a few lookups, however many templates there are: a hostile policy may contain very many.
    """

    def __init__(self, rows: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        # By the text before the first placeholder.
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
        """The value of the name itself, then those of the templates that match it, in their order."""
        text = name.lower()
        if text in self._exact:
            yield self._exact[text]
        near = [row for n in self._lengths for row in self._open.get(text[:n], ())]
        for _, pattern, value in sorted(near, key=itemgetter(0)):
            if matches(pattern, text):
                yield value


class Service:
    """One service; its indexes are built on first use."""

    def __init__(self, *, prefix: str, data: Mapping[str, Any]) -> None:
        self.prefix = prefix
        self.title: str = data.get("n", prefix)
        self.pages: tuple[str, ...] = tuple(data.get("p", "").split())
        # Former actions, each with the last day on which a source listed it; empty when no dated source did.
        self.retired: Mapping[str, str] = data.get("t", {})
        self.undocumented: tuple[str, ...] = tuple(data.get("u", ()))
        self._former_keys: Mapping[str, str] = data.get("f", {})
        self._rows: Mapping[str, Any] = data.get("a", {})
        self._types: Mapping[str, Any] = data.get("r", {})
        self._keys: Mapping[str, str] = data.get("c", {})
        self._sets: tuple[tuple[str, ...], ...] = tuple(map(tuple, data.get("k", [[]])))
        self._parsed: dict[str, Action] = {}

    @property
    def action_names(self) -> tuple[str, ...]:
        """The names of all current actions, in the order of the file."""
        return tuple(self._rows)

    def has_action(self, name: str) -> bool:
        """Whether a current action has this name."""
        return name.lower() in self.by_folded_name

    def action(self, name: str) -> Action | None:
        """A current action by its name."""
        spelled = self.by_folded_name.get(name.lower())
        return self._action(spelled) if spelled else None

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """All current actions by lower-case name."""
        return MappingProxyType(
            {key: self._action(name) for key, name in self.by_folded_name.items()}
        )

    def level(self, name: str) -> Level:
        """The access level of a current action, spelled as in `action_names`."""
        return LEVELS[self._rows[name][0]]

    def without_types(self) -> tuple[str, ...]:
        """The actions that are authorised on `*` only."""
        return tuple(name for name, row in self._rows.items() if not padded(row)[1])

    def supporting(self, key: str) -> Iterator[Support]:
        """The actions that support a condition key (in AWS's spelling).

        This reads the raw rows, because a key of many services concerns thousands of actions.
        """
        sets = {number for number, keys in enumerate(self._sets) if key in keys}
        if not sets:
            return
        typed = {name for name, row in self._types.items() if padded_type(row)[1] in sets}
        for name, row in self._rows.items():
            letter, types, own, type_keys, _ = padded(row)
            names = (text.rstrip("*") for text in types)
            on = tuple(n for n in names if n in typed or type_keys.get(n) in sets)
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
                    # The reference may write two forms of ARN into one text.
                    arn_formats=tuple(part for text in formats for part in text.split(", ")),
                    condition_keys=self._sets[keys],
                )
                for name, (formats, keys) in (
                    (type_, padded_type(row)) for type_, row in self._types.items()
                )
            }
        )

    @cached_property
    def condition_keys(self) -> Mapping[str, ConditionKey]:
        """All keys that the service's table lists, including global ones, by lower-case name."""
        return MappingProxyType(
            {
                name.lower(): ConditionKey(name=name, service=self.prefix, type=type_)
                for name, type_ in self._keys.items()
            }
        )

    def condition_key(self, name: str) -> ConditionKey | None:
        """The key of this service that a name in a policy means."""
        return next(self._named_keys.find(name), None)

    @cached_property
    def _named_keys(self) -> Templates[ConditionKey]:
        return Templates((key.name, key) for key in self.condition_keys.values())

    def key_last_listed(self, name: str) -> str:
        """The last day on which a source listed a former condition key; empty for other names."""
        return next(Templates(self._former_keys.items()).find(name), "")

    def former(self, name: str) -> Literal["retired", "undocumented"] | None:
        """Whether a name that is no current action is retired or undocumented."""
        if name.lower() in self._former[0]:
            return "retired"
        return "undocumented" if name.lower() in self._former[1] else None

    def last_listed(self, name: str) -> str:
        """The last day on which a source listed a retired action; empty when none is known."""
        return self._former[0].get(name.lower(), "")

    @cached_property
    def _former(self) -> tuple[Mapping[str, str], frozenset[str]]:
        return (
            {name.lower(): day for name, day in self.retired.items()},
            frozenset(map(str.lower, self.undocumented)),
        )

    @cached_property
    def by_folded_name(self) -> Mapping[str, str]:
        """The names of all current actions by lower-case name, in the order of the file."""
        return {name.lower(): name for name in self._rows}

    def _action(self, name: str) -> Action:
        # Rules ask for the same actions many times.
        if name not in self._parsed:
            self._parsed[name] = self._parse(name)
        return self._parsed[name]

    def _parse(self, name: str) -> Action:
        letter, types, own, type_keys, dependents = padded(self._rows[name])
        return Action(
            service=self.prefix,
            name=name,
            level=LEVELS[letter],
            resource_types=tuple(text.rstrip("*") for text in types),
            required=tuple(text.rstrip("*") for text in types if text.endswith("*")),
            condition_keys=self._sets[own],
            type_condition_keys={type_: self._sets[at] for type_, at in type_keys.items()},
            dependents=tuple(dependents),
        )
