# ruff: noqa: SLF001 - what is made anew each time is inside of the libraries
"""What botocore and moto work out anew for each session, client and call, once in a process of the tests.

A live command makes a session and a dozen clients, and the tests run hundreds of them. Nothing here changes an answer:
each result depends on the SDK's models or on code alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

# The AWS CLI brings a copy of botocore that takes its name when it is imported first.
import botocore.client
import botocore.hooks
import botocore.session
import moto.core.responses
import moto.core.utils
from botocore.hooks import NodeList

if TYPE_CHECKING:
    from collections.abc import Callable


def make_once() -> None:
    """Call it before the first session is made."""
    # The models, which botocore and moto read from the same files.
    botocore.session.create_loader = cache(botocore.session.create_loader)
    moto.core.utils.create_loader = botocore.session.create_loader
    botocore.client.ClientCreator._create_methods = _methods_made_once()
    botocore.hooks._PrefixTrie._recursive_copy = _copied
    # Whether a handler takes any argument, which is asked of each of a session's 130 handlers.
    botocore.hooks.accepts_kwargs = _asked_of_code(botocore.hooks.accepts_kwargs)
    botocore.hooks.EventAliaser._alias_event_name = _aliased_once()
    # The names of a service's operations, which moto looks up for each call.
    moto.core.responses.method_names_from_class = cache(
        moto.core.responses.method_names_from_class
    )


def _methods_made_once() -> Callable[[Any, Any], dict[str, Any]]:
    """The methods of a client, hundreds for some services. They are functions that take the client."""
    make = botocore.client.ClientCreator._create_methods
    made: dict[tuple[str, ...], dict[str, Any]] = {}

    def methods(creator: Any, model: Any) -> dict[str, Any]:
        # The clients of the product have models with the operations that may be sent, those of the tests the SDK's own.
        key = (model.service_name, *model.operation_names)
        if key not in made:
            made[key] = make(creator, model)
        return dict(made[key])

    return methods


def _aliased_once() -> Callable[[Any, str], str]:
    """The present name of an event, by a list of old ones that is the SDK's own in every session."""
    alias = botocore.hooks.EventAliaser._alias_event_name
    known: dict[str, str] = {}

    def aliased(aliaser: Any, event: str) -> str:
        if event not in known:
            known[event] = alias(aliaser, event)
        return known[event]

    return aliased


def _copied(trie: Any, node: dict[str, Any]) -> dict[str, Any]:
    """The handlers of a session for a client, as botocore copies them, without asking `copy` for each of a thousand lists."""
    return {
        key: _copied(trie, value)
        if value.__class__ is dict
        else NodeList(value.first[:], value.middle[:], value.last[:])
        if value.__class__ is NodeList
        else value
        for key, value in node.items()
    }


def _asked_of_code(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    known: dict[Any, Any] = {}

    def answer(function: Any) -> Any:
        # A method keeps its client alive, its code does not.
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is None:
            return ask(function)
        if code not in known:
            known[code] = ask(function)
        return known[code]

    return answer
