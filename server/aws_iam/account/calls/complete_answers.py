"""Refuses successful answers that are cut or not from AWS: the SDK reads what it does not find as nothing.

A proxy's web page, or a listing cut on its way, would look like an account with nothing in it. This is for correctness:
the SDK has no such check. It reads response shapes by the SDK's models; tests/account/calls/test_odd_answers.py fails
when botocore names them otherwise.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from aws_iam.account.calls.unreadable_answers import UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_ERROR = 301
"""The lowest status that the SDK treats as an error."""
_TEXTS = ("string", "blob")


def refuse_incomplete_answers(session: Any) -> None:
    """Make a botocore session, and every client it makes from now on, refuse successful answers that cannot be read."""
    session.register("after-call", _refuse_unreadable)


def _refuse_unreadable(*, http_response: Any, model: Any, **_event: Any) -> None:
    if http_response.status_code >= _FIRST_ERROR or model.has_streaming_output:
        return
    defect = _defect(http_response, model)
    if defect:
        size = len(http_response.content)
        raise UnreadableAnswerError(f"the answer of {model.name} {defect}: {size} bytes")


def _defect(response: Any, model: Any) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if not response.content:
        return "is empty" if _body_members(model) else ""
    # A service may have several protocols; this is the one that the SDK uses.
    check = _CHECKS.get(model.service_model.resolved_protocol)
    return check(response, model) if check else ""


def _body_members(model: Any) -> frozenset[str]:
    """The names of the members that an answer has in its body; others are in its headers."""
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    if payload is not None:
        shape = shape.members[payload]
        if shape.type_name in _TEXTS:
            return frozenset((payload,))
    members = shape.members.items() if shape else ()
    return frozenset(
        member.serialization.get("name", name)
        for name, member in members
        if member.serialization.get("location") is None
    )


def _json_defect(response: Any, model: Any) -> str:
    if _is_text(model):
        return ""
    try:
        answer = json.loads(response.content)
    except ValueError:
        return "is not JSON, or was cut"
    if not isinstance(answer, dict):
        return "is not a JSON object"
    known = _body_members(model)
    return (
        "has none of the fields that were requested"
        if answer and known and not known & answer.keys()
        else ""
    )


def _page_defect(response: Any, _model: Any) -> str:
    # XML that is cut does not parse.
    is_page = "text/html" in response.headers.get("content-type", "").lower()
    return "is a web page" if is_page or _root(response.content).lower() == "html" else ""


def _root_defect(response: Any, model: Any) -> str:
    # The SDK itself refuses an answer without the wrapper that most have inside.
    root, wanted = _root(response.content), f"{model.name}Response"
    # A name has only letters; anything else is not shown, for it may be any part of the answer.
    shown = root[:60] if root.isalpha() else "something else"
    return "" if root == wanted else f"begins with {shown}, not with {wanted}"


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
    "json": _json_defect,
    "rest-json": _json_defect,
    "rest-xml": _page_defect,
    "query": _root_defect,
    "ec2": _root_defect,
}
