"""Answers that are not whole, or somebody else's: what the SDK cannot find in a success it reads as nothing.

A proxy's page, or a listing that was cut on its way, would look like an account with nothing in it.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from aws_iam.account.calls.unreadable_answers import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_ERROR = 301
"""The status from which on the SDK takes an answer for an error."""
_TEXTS = ("string", "blob")


def demand_whole(session: Any) -> None:
    """Make a botocore session, and every client it makes from now on, refuse successes that cannot be read."""
    session.register("after-call", _refuse_unreadable)


def _refuse_unreadable(*, http_response: Any, model: Any, **_event: Any) -> None:
    if http_response.status_code >= _FIRST_ERROR or model.has_streaming_output:
        return
    flaw = _flaw(http_response, model)
    if flaw:
        size = len(http_response.content)
        raise UnreadableError(f"the answer of {model.name} {flaw}: {size} bytes")


def _flaw(response: Any, model: Any) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if not response.content:
        return "is empty" if _told_in_body(model) else ""
    # A service may have several protocols; this is the one that the SDK speaks with it.
    check = _CHECKS.get(model.service_model.resolved_protocol)
    return check(response, model) if check else ""


def _told_in_body(model: Any) -> frozenset[str]:
    """What an answer's body may hold, by its names there; the rest is in its headers."""
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    if payload is not None:
        shape = shape.members[payload]
        if shape.type_name in _TEXTS:
            return frozenset((payload,))
    members = shape.members.items() if shape else ()
    return frozenset(
        each.serialization.get("name", name)
        for name, each in members
        if each.serialization.get("location") is None
    )


def _json_flaw(response: Any, model: Any) -> str:
    if _is_text(model):
        return ""
    try:
        told = json.loads(response.content)
    except ValueError:
        return "is no JSON, or was cut"
    if not isinstance(told, dict):
        return "is no JSON object"
    known = _told_in_body(model)
    return "has nothing of what was asked" if told and known and not known & told.keys() else ""


def _page_flaw(response: Any, _model: Any) -> str:
    # XML that is cut does not parse.
    is_page = "text/html" in response.headers.get("content-type", "").lower()
    return "is a web page" if is_page or _root(response.content).lower() == "html" else ""


def _root_flaw(response: Any, model: Any) -> str:
    # Without the wrapper that most have inside, the SDK itself does not read an answer.
    root, wanted = _root(response.content), f"{model.name}Response"
    # A name has letters alone; anything else is not told, for it may be any part of the answer.
    found = root[:60] if root.isalpha() else "something else"
    return "" if root == wanted else f"begins with {found}, not with {wanted}"


def _is_text(model: Any) -> bool:
    """Whether the whole body is a text of any kind."""
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    return payload is not None and shape.members[payload].type_name in _TEXTS


def _root(body: bytes) -> str:
    """The name of the outermost element, without its namespace; empty where there is none."""
    try:
        # The SDK has parsed it before.
        _, element = next(iter(ET.iterparse(BytesIO(body), ("start",))))  # noqa: S314
    except (ET.ParseError, StopIteration):
        return ""
    return str(element.tag).rpartition("}")[2]


_CHECKS: dict[str, Callable[[Any, Any], str]] = {
    "json": _json_flaw,
    "rest-json": _json_flaw,
    "rest-xml": _page_flaw,
    "query": _root_flaw,
    "ec2": _root_flaw,
}
