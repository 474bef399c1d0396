"""Answers that are not whole: the SDK reads a JSON body that it cannot parse as an empty answer, which is none.

A proxy's page, or a listing that was cut on its way, would look like an account with nothing in it.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.parsers import ResponseParserError

_SUCCESS = range(200, 300)


def demand_whole(session: Any) -> None:
    """Make a botocore session, and every client it makes from now on, refuse successes that cannot be read."""
    session.register("after-call", _refuse_unreadable)


def _refuse_unreadable(*, http_response: Any, model: Any, **_event: Any) -> None:
    if http_response.status_code not in _SUCCESS or not _speaks_json(model):
        return
    body = http_response.content
    try:
        json.loads(body or b"{}")
    except ValueError:
        message = f"the answer of {model.name} is no JSON, or was cut: {len(body)} bytes"
        raise ResponseParserError(message) from None


def _speaks_json(model: Any) -> bool:
    """Whether the whole body of an answer is JSON; XML that is cut does not parse, and a blob is whatever it is."""
    if "json" not in model.service_model.protocol or model.has_streaming_output:
        return False
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    return payload is None or shape.members[payload].type_name == "structure"
