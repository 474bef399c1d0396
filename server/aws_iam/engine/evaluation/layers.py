"""The policies of one decision by layer: `{"identity": [...], "scp": [[...], [...]], ...}`."""

from __future__ import annotations

from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.algebra.text_sets import is_everything
from aws_iam.engine.evaluation.larger_documents import (
    certain_and_possible,
    doubt_about,
    doubt_of_all,
    parts_of,
)
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.parsing.json_text import Syntax, python_value
from aws_iam.engine.reference.named_policies import policy_named
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Source, Statement
    from aws_iam.engine.sources.gathered import Gathered

    # What documents tell beside the policies of their layer: boundaries that they set, and why a layer is not known.
    _Beside = list[tuple[str, "PlacedPolicy | str"]]

LAYERS: Final = ("rcp", "scp", "vpc_endpoint", "resource", "identity", "boundary", "session")
"""Every layer, in the order in which AWS names the first that does not allow."""

KIND_OF_LAYER: Mapping[str, Kind | None] = {
    "rcp": Kind.RCP,
    "scp": Kind.SCP,
    "vpc_endpoint": Kind.RESOURCE,
    "resource": None,
    "identity": Kind.IDENTITY,
    "boundary": Kind.BOUNDARY,
    "session": Kind.SESSION,
}
LEVELLED = frozenset({"scp", "rcp"})
_VARIABLES = "2012-10-17"
# Of fewer patterns the forms are not worth a look; those of more are not kept.
_FEW = 4
_MANY = 1_000


@positional
class IndexedStatement:
    """A statement with its action element indexed: names and patterns in lower case."""

    statement: Statement
    names: frozenset[str]
    patterns: tuple[str, ...]
    negated: bool
    # The patterns that can match actions of each service; and those with a wildcard in the service.
    by_service: Mapping[str, tuple[str, ...]] = field(compare=False, repr=False)
    anywhere: tuple[str, ...] = field(compare=False, repr=False)

    @classmethod
    def of(cls, statement: Statement) -> IndexedStatement:
        """The statement with its index, which is built once."""
        known = statement.derived.get(cls)
        if known is not None:
            return cls(statement, *known)
        made = cls._made(statement)
        # The kept parts must not refer to the statement: such a cycle would only be freed by the garbage collector.
        statement.derived[cls] = made.parts
        return made

    @property
    def parts(self) -> tuple[Any, ...]:
        """The index without the statement."""
        return self.names, self.patterns, self.negated, self.by_service, self.anywhere

    @classmethod
    def _made(cls, statement: Statement) -> IndexedStatement:
        named, unnamed = statement.action_words, statement.not_action_words
        # Stars alone are every action, as everywhere; any other word without a service names none.
        texts = [word.lower() for word in unnamed or named if ":" in word or is_everything(word)]
        negated = not named or bool(unnamed)
        return cls.with_entries(statement, texts, negated=negated and statement.has("NotAction"))

    @classmethod
    def with_entries(
        cls, statement: Statement, texts: Sequence[str], *, negated: bool = False
    ) -> IndexedStatement:
        """The statement as if its action element had these entries, given in lower case."""
        # Most statements have no pattern, which one look at all entries together shows.
        if is_literal("".join(texts)):
            return cls(statement, frozenset(texts), (), negated, {}, ())
        patterns = [text for text in texts if "*" in text or "?" in text]
        names = frozenset(texts).difference(patterns)
        found: dict[str, list[str]] = {}
        anywhere: list[str] = []
        for pattern in patterns:
            service = pattern.partition(":")[0]
            (found.setdefault(service, []) if is_literal(service) else anywhere).append(pattern)
        by_service = {service: (*anywhere, *own) for service, own in found.items()}
        return cls(statement, names, tuple(patterns), negated, by_service, tuple(anywhere))

    def near(self, entry: str) -> tuple[str, ...]:
        """The patterns that can overlap an entry whose service has no wildcard."""
        return self.by_service.get(entry.partition(":")[0], self.anywhere)

    def takes(self, action: str) -> bool:
        """Whether the statement applies to the action, given in lower case."""
        if action in self.names:
            return not self.negated
        if self.patterns:
            near = self.by_service.get(action.partition(":")[0], self.anywhere)
            if _FEW < len(near) < _MANY:
                prefixes, near = _by_form(near)
                if action.startswith(prefixes):
                    return not self.negated
            for pattern in near:
                if matches(pattern, action):
                    return not self.negated
        return self.negated


# One search asks for thousands of actions with the same statements, and repairing makes hundreds of searches.
@lru_cache(maxsize=256)
def _by_form(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The prefixes of patterns with a star at their end alone, which one call compares, and the other patterns."""
    prefixed = {own: None for own in patterns if own.endswith("*") and is_literal(own[:-1])}
    others = tuple([own for own in patterns if own not in prefixed])
    return tuple([own[:-1] for own in prefixed]), others


@slotted
class PlacedPolicy:
    """A policy with its layer and its pointer in the input, such as `/scp/0/1`."""

    layer: str
    pointer: str
    statements: tuple[IndexedStatement, ...]
    # Whether `${…}` is a variable: only in policies of version 2012-10-17.
    has_variables: bool
    # The name of the document that holds it, such as the ARN of an AWS managed policy.
    name: str = ""
    # Why none of its statements certainly applies.
    doubt: str = ""


@slotted
class Layers:
    """The layers that exist. Each is a list of levels; only scp and rcp have more than one level.

    `unreadable` are layers given as null, and those with a policy that is not at hand, which `unknown` names: they exist, but
    not all of their content is known.
    """

    levels: Mapping[str, tuple[tuple[PlacedPolicy, ...], ...]]
    unreadable: frozenset[str] = frozenset()
    unknown: tuple[tuple[str, str], ...] = ()

    def __contains__(self, layer: str) -> bool:
        return layer in self.levels

    def all(self) -> Iterator[PlacedPolicy]:
        """Every policy, layer by layer."""
        for layer in LAYERS:
            for level in self.levels.get(layer, ()):
                yield from level


def layers_of(given: object) -> Layers:
    """The layers in a JSON value or text; InputError says which policy cannot be used, and why."""
    if isinstance(given, str):
        try:
            given = python_value(given)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the policies are not valid JSON: {str(error).lower()}") from None
    if not isinstance(given, dict):
        known = ", ".join(f"`{layer_name}`" for layer_name in LAYERS)
        raise InputError(
            "the policies must be an object with one field per layer",
            hint=f"the layers are {known}",
        )
    levels: dict[str, tuple[tuple[PlacedPolicy, ...], ...]] = {}
    beside: _Beside = []
    unreadable = set()
    for layer, value in given.items():
        _refuse_unknown_layer(layer)
        if value is None:
            unreadable.add(layer)
            levels[layer] = ()
        else:
            levels[layer] = _levels_of(layer, value, beside)
    unknown: dict[str, str] = {}
    if beside:
        unknown = _with_boundary(levels, beside)
        unreadable.update(unknown)
    return Layers(levels=levels, unreadable=frozenset(unreadable), unknown=tuple(unknown.items()))


def _with_boundary(
    levels: dict[str, tuple[tuple[PlacedPolicy, ...], ...]], beside: _Beside
) -> dict[str, str]:
    """Why layers are not known; the boundary that documents set is added, where none is given as a layer."""
    unknown: dict[str, str] = {}
    for layer, own in beside:
        if isinstance(own, str) and (layer != "boundary" or "boundary" not in levels):
            unknown.setdefault(layer, own)
    limits = tuple(own for _, own in beside if isinstance(own, PlacedPolicy))
    if limits or "boundary" in unknown:
        levels.setdefault("boundary", (limits,))
    return unknown


def _refuse_unknown_layer(layer: str) -> None:
    if layer not in LAYERS:
        near = closest(layer, LAYERS) or {"scps": "scp", "rcps": "rcp"}.get(layer)
        known = ", ".join(f"`{name}`" for name in LAYERS)
        raise InputError(
            f"{quoted(str(layer))} is not a layer",
            hint=f"did you mean `{near}`?" if near else f"the layers are {known}",
        )


def _levels_of(layer: str, value: Any, beside: _Beside) -> tuple[tuple[PlacedPolicy, ...], ...]:
    """The levels of one layer; InputError says which policy cannot be used, and why."""
    if layer not in LEVELLED:
        return (tuple(_placed_policies(layer, f"/{layer}", value, beside)),)
    if not isinstance(value, (list, tuple)):
        value = [value]
    return tuple(
        tuple(_placed_policies(layer, f"/{layer}/{number}", level, beside))
        for number, level in enumerate(value)
    )


def _placed_policies(
    layer: str, pointer: str, value: Any, beside: _Beside
) -> Iterator[PlacedPolicy]:
    if not isinstance(value, (list, tuple)):
        yield from _policies(layer, pointer, value, beside)
        return
    for number, document in enumerate(value):
        yield from _policies(layer, f"{pointer}/{number}", document, beside)


def _policies(layer: str, pointer: str, value: Any, beside: _Beside) -> Iterator[PlacedPolicy]:
    if isinstance(value, str):
        value = policy_named(value) or value
    found = gathered(value, KIND_OF_LAYER[layer])
    if found.formats:
        yield from _of_larger(layer, pointer, value, found, beside)
        return
    for source in found.sources:
        yield _of_source(source, layer, pointer)


def _of_larger(
    layer: str, pointer: str, value: Any, found: Gathered, beside: _Beside
) -> Iterator[PlacedPolicy]:
    parts = parts_of(layer, pointer, value, found)
    if parts.unknown:
        beside.append((layer, parts.unknown))
    for source in parts.sources:
        absent = doubt_of_all(source, parts)
        yield from _as_far_as_known(source, layer, pointer, beside, absent)
    for arn in parts.attached:
        yield from _policies(layer, pointer, arn, beside)
    for boundary in parts.boundaries:
        limits = _policies("boundary", pointer, boundary, beside)
        beside += [("boundary", own) for own in limits]
    if parts.unknown_boundaries:
        beside.append(("boundary", parts.unknown_boundaries))


def _as_far_as_known(
    source: Source, layer: str, pointer: str, beside: _Beside, absent: str
) -> Iterator[PlacedPolicy]:
    """The policy; where values are known only at deployment, what holds with any, and with a doubt what holds with some.

    `absent` says why the whole of it may not be there.
    """
    both = certain_and_possible(source) if source.unresolved else None
    if absent and (both or not source.unresolved):
        whole = _of_source(source, layer, pointer)
        parts = (*both[0], *both[1]) if both else ()
        indexed = tuple(map(IndexedStatement.of, parts)) if both else whole.statements
        yield replace(whole, statements=indexed, doubt=absent)
    elif both and isinstance(source.content, Policy):
        own = placed(source.content, layer, pointer, source.name)
        for statements, doubt in zip(both, ("", doubt_about(source)), strict=True):
            indexed = tuple(map(IndexedStatement.of, statements))
            yield replace(own, statements=indexed, doubt=doubt)
    elif source.unresolved:
        why = f"a whole statement of {quoted(source.name)} is known only at deployment"
        beside.append((layer, why))
    else:
        yield _of_source(source, layer, pointer)


def _of_source(source: Source, layer: str, pointer: str) -> PlacedPolicy:
    content = source.content
    if isinstance(content, Syntax):
        where = f"line {content.where.line}:{content.where.column}"
        raise InputError(
            f"the policy at `{pointer}` is not valid JSON: {where}: {content.message}"
        )
    refuse_unusable(content, pointer, KIND_OF_LAYER[layer])
    return placed(content, layer, pointer, source.name)


def placed(policy: Policy, layer: str, pointer: str, name: str = "") -> PlacedPolicy:
    """A parsed policy, placed in its layer."""
    return PlacedPolicy(
        layer=layer,
        pointer=pointer,
        statements=tuple(map(IndexedStatement.of, policy.statements)),
        has_variables=policy.version is not None and policy.version.value == _VARIABLES,
        name=name,
    )
