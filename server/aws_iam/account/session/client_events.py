"""The events of a botocore session, kept so that a client costs next to nothing to give its own.

The SDK copies the handlers of the session, four hundred nodes of a tree, for each client, and each copy finds out again
what the older names of services are: half of what a client takes to make. Here a copy shares the tree, and who
registers a handler gets a tree of his own along the way to it.

    core = events.session(profile)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.hooks import BaseEventHooks
from botocore.utils import EVENT_ALIASES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Handler = Callable[..., Any]
    Responses = list[tuple[Handler, Any]]

_FIRST, _MIDDLE, _LAST = range(3)
_NAMES = 16_384
_ALIASES = tuple((old.split("."), new) for old, new in EVENT_ALIASES.items())


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of a name: the handlers of the name that ends here, in three sections, and the longer names."""

    sections: tuple[tuple[Handler, ...], ...] = ((), (), ())
    below: Mapping[str, _Node] = field(default_factory=dict)

    def changed(self, parts: Sequence[str], change: Callable[[_Node], _Node]) -> _Node:
        """Another tree, with one node changed; what does not lie on the way is shared."""
        if not parts:
            return change(self)
        child = self.below.get(parts[0], _EMPTY).changed(parts[1:], change)
        return replace(self, below={**self.below, parts[0]: child})

    def found(self, parts: Sequence[str]) -> tuple[Handler, ...]:
        """The handlers of a name and of what it begins with, the longest first."""
        found: tuple[Handler, ...] = ()
        waiting = [(self, 0)]
        while waiting:
            node, index = waiting.pop()
            first, middle, last = node.sections
            found = (*first, *middle, *last, *found)
            if index < len(parts):
                children = (node.below.get(part) for part in ("*", parts[index]))
                waiting += [(child, index + 1) for child in children if child is not None]
        return found


_EMPTY = _Node()


class Events(BaseEventHooks):
    """As the SDK's own emitter, older names of services included; a copy is made in no time."""

    def __init__(self) -> None:
        # One pair, so that no thread writes what it found in one tree down for another.
        self._known: tuple[_Node, dict[str, tuple[Handler, ...]]] = _EMPTY, {}
        self._unique: dict[str, tuple[Handler, int]] = {}
        """The handlers that are registered once, and how often they were asked for; 0: not counted."""

    def __copy__(self) -> Events:
        other = Events()
        other._known = self._known
        other._unique = dict(self._unique)
        return other

    def emit(self, event_name: str, **event: Any) -> Responses:
        """What every handler of the event says."""
        name, handlers = self._of(event_name)
        return [(handler, handler(**event, event_name=name)) for handler in handlers]

    def emit_until_response(self, event_name: str, **event: Any) -> tuple[Handler | None, Any]:
        """What the first handler says that says anything; without one the SDK expects a pair of None."""
        name, handlers = self._of(event_name)
        answer: tuple[Handler | None, Any] = (None, None)
        for handler in handlers:
            answer = (handler, handler(**event, event_name=name))
            if answer[1] is not None:
                break
        return answer

    def register(
        self,
        event_name: str,
        handler: Handler,
        unique_id: str | None = None,
        unique_id_uses_count: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> None:
        """Call the handler too."""
        self._register(_MIDDLE, event_name, handler, unique_id, unique_id_uses_count)

    def register_first(
        self,
        event_name: str,
        handler: Handler,
        unique_id: str | None = None,
        unique_id_uses_count: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Call the handler before those of `register`."""
        self._register(_FIRST, event_name, handler, unique_id, unique_id_uses_count)

    def register_last(
        self,
        event_name: str,
        handler: Handler,
        unique_id: str | None = None,
        unique_id_uses_count: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Call the handler after those of `register`."""
        self._register(_LAST, event_name, handler, unique_id, unique_id_uses_count)

    def unregister(
        self,
        event_name: str,
        handler: Handler | None = None,
        unique_id: str | None = None,
        unique_id_uses_count: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Call the handler no more; nothing happens when it is not there."""
        if unique_id is not None:
            if unique_id not in self._unique:
                return
            handler, count = self._unique.pop(unique_id)
            _demand_same(unique_id, counted=unique_id_uses_count, before=count)
            if count > 1:
                self._unique[unique_id] = handler, count - 1
                return
        self._change(event_name, lambda node: _without(node, handler))

    def _register(
        self, section: int, event_name: str, handler: Handler, unique_id: str | None, counted: Any
    ) -> None:
        if unique_id is not None:
            known = self._unique.get(unique_id)
            if known is not None:
                _demand_same(unique_id, counted=counted, before=known[1])
                self._unique[unique_id] = known[0], known[1] + bool(counted)
                return
            self._unique[unique_id] = handler, int(bool(counted))
        self._change(event_name, lambda node: _with(node, section, handler))

    def _change(self, event_name: str, change: Callable[[_Node], _Node]) -> None:
        tree, _ = self._known
        self._known = tree.changed(current(event_name).split("."), change), {}

    def _of(self, event_name: str) -> tuple[str, tuple[Handler, ...]]:
        name = current(event_name)
        tree, found = self._known
        handlers = found.get(name)
        if handlers is None:
            handlers = found[name] = tree.found(name.split("."))
        return name, handlers


def session(profile: str | None = None) -> Any:
    """A botocore session with events of this kind."""
    import botocore.session

    events = Events()
    core: Any = botocore.session.Session(profile=profile, event_hooks=events)
    # The session puts a translator of older names before them, which each client would copy; they need none.
    core.register_component("event_emitter", events)
    return core


@lru_cache(maxsize=_NAMES)
def current(event_name: str) -> str:
    """The name of an event, with the service named as the SDK names it today."""
    parts = event_name.split(".")
    for olds, new in _ALIASES:
        if olds[0] in parts:
            for at in range(len(parts) - len(olds) + 1):
                if parts[at : at + len(olds)] == olds:
                    return ".".join((*parts[:at], new, *parts[at + len(olds) :]))
    return event_name


def _with(node: _Node, section: int, handler: Handler) -> _Node:
    sections = list(node.sections)
    sections[section] = (*sections[section], handler)
    return replace(node, sections=tuple(sections))


def _without(node: _Node, handler: Handler | None) -> _Node:
    """The node without the handler where it stands first."""
    for section, handlers in enumerate(node.sections):
        if handler in handlers:
            at = handlers.index(handler)
            left = (*handlers[:at], *handlers[at + 1 :])
            sections = (*node.sections[:section], left, *node.sections[section + 1 :])
            return replace(node, sections=sections)
    return node


def _demand_same(unique_id: str, *, counted: Any, before: int) -> None:
    if bool(counted) != bool(before):
        raise ValueError(
            f"{unique_id} was first registered {'with' if before else 'without'} a count"
        )
