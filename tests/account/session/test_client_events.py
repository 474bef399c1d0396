"""The events of our sessions call the same handlers in the same order as the SDK's, and a copy goes its own way."""

from __future__ import annotations

import copy
from typing import Any

import botocore.handlers
import pytest
from botocore.hooks import EventAliaser, HierarchicalEmitter
from botocore.utils import EVENT_ALIASES
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.guard.allowlist import ALLOWED
from aws_iam.account.session import client_events
from aws_iam.account.session.client_events import Events, current

PHASES = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "before-send",
    "needs-retry",
    "before-parse",
    "after-call",
    "after-call-error",
)


class Handler:
    """A handler that says who it is, or nothing."""

    def __init__(self, name: str, *, answers: bool = True) -> None:
        self.name = name
        self.answers = answers

    def __call__(self, *, event_name: str, **event: Any) -> Any:
        assert event == {"with": 1}
        return f"{self.name} {event_name}" if self.answers else None


def theirs() -> Any:
    return EventAliaser(HierarchicalEmitter())


def said(emitter: Any, name: str) -> Any:
    every = [(handler.name, answer) for handler, answer in emitter.emit(name, **{"with": 1})]
    first = emitter.emit_until_response(name, **{"with": 1})
    return every, first[0] and first[0].name, first[1]


# Older names of services, one of two parts, a wildcard, and a name that another one begins with.
PARTS = ("before-call", "logs", "cloudwatch-logs", "data", "iot", "*", "Op")
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(".".join)
HANDLERS = [Handler(str(number), answers=number % 3 != 0) for number in range(6)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("register", "register", "register_first", "register_last", "unregister", "copy")
        ),
        NAMES,
        st.sampled_from(HANDLERS),
        st.sampled_from((None, None, "a", "b")),
    ),
    max_size=20,
)


@given(STEPS, st.lists(NAMES, min_size=1, max_size=6))
def test_they_answer_as_the_sdks_do(steps: list[Any], asked: list[str]) -> None:
    pairs: list[tuple[Any, Any]] = [(Events(), theirs())]
    for step, name, handler, unique in steps:
        if step == "copy":
            pairs.append((copy.copy(pairs[-1][0]), copy.copy(pairs[-1][1])))
            continue
        if step == "unregister" and "*" in name:
            # The SDK falls over one that stands in the middle of longer names only.
            continue
        for emitter in pairs[-1]:
            if step != "unregister":
                getattr(emitter, step)(name, handler, unique_id=unique)
            elif any(each is handler for each, _ in emitter.emit(name, **{"with": 1})):
                emitter.unregister(name, handler)
        for ours, other in pairs:
            for each in (*asked, name):
                assert said(ours, each) == said(other, each)


@given(st.lists(st.booleans(), max_size=8))
def test_what_is_counted_is_called_until_it_is_taken_back_as_often(steps: list[bool]) -> None:
    pair = (Events(), theirs())
    for more in steps:
        for emitter in pair:
            change = emitter.register if more else emitter.unregister
            change("e.x", HANDLERS[1], unique_id="u", unique_id_uses_count=True)
        assert said(pair[0], "e.x") == said(pair[1], "e.x")


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("again", ["register", "unregister"])
def test_a_count_is_kept_by_all_or_by_none(again: str, *, counted: bool) -> None:
    for emitter in (Events(), theirs()):
        emitter.register("e", HANDLERS[1], unique_id="u", unique_id_uses_count=counted)
        with pytest.raises(ValueError, match="count"):
            getattr(emitter, again)(
                "e", HANDLERS[1], unique_id="u", unique_id_uses_count=not counted
            )


def test_every_name_is_translated_as_the_sdk_does_and_once_is_enough() -> None:
    for old in EVENT_ALIASES:
        for name in (f"before-call.{old}.Op", old, f"docs.page.{old}.section"):
            heard: list[str] = []
            emitter = theirs()
            emitter.register(name, lambda event_name, heard=heard, **_: heard.append(event_name))
            emitter.emit(name)
            assert [current(name)] == heard
            assert current(current(name)) == current(name)


def test_the_sdks_own_handlers_are_called_for_the_same_events() -> None:
    pair = (Events(), theirs())
    for number, (name, _, *section) in enumerate(botocore.handlers.BUILTIN_HANDLERS):
        ways = {"REGISTER_FIRST": "register_first", "REGISTER_LAST": "register_last"}
        way = next(
            (ways[each] for each in ways if section == [getattr(botocore.handlers, each)]),
            "register",
        )
        for emitter in pair:
            getattr(emitter, way)(name, Handler(str(number)))
    for operation in ALLOWED:
        service, _, name = operation.partition(":")
        for phase in PHASES:
            event = f"{phase}.{service}.{name}"
            assert said(pair[0], event) == said(pair[1], event)


def test_what_a_client_is_given_reaches_no_other_client() -> None:
    core = client_events.session()
    core.set_credentials("test", "test")
    first, second = (core.create_client("iam", region_name="us-east-1") for _ in range(2))
    first.meta.events.register("a-test.iam", Handler("only the first"))
    assert said(first.meta.events, "a-test.iam")[1] == "only the first"
    assert said(second.meta.events, "a-test.iam") == ([], None, None)


def test_what_a_session_is_given_reaches_the_clients_made_afterwards() -> None:
    core = client_events.session()
    core.set_credentials("test", "test")
    before = core.create_client("logs", region_name="us-east-1")
    core.register("a-test.logs", Handler("the session's"))
    after = core.create_client("logs", region_name="us-east-1")
    for name in ("a-test.logs.Op", "a-test.cloudwatch-logs.Op"):
        assert said(before.meta.events, name)[0] == []
        assert said(after.meta.events, name)[1] == "the session's"
