"""CloudTrail records that Amazon Security Lake has turned into OCSF events, back in CloudTrail's own form.

Source: https://github.com/ocsf/examples, mappings/markdown/AWS, CloudTrail (versions 1.0.0-rc.2 to 1.5.0). Versions
before 1.1.0 have no request parameters.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_ocsf(value: Mapping[str, Any]) -> bool:
    """Whether it is an OCSF event that comes from CloudTrail."""
    return (
        isinstance(value.get("api"), dict)
        and _at(value, "metadata", "product", "name") == "CloudTrail"
    )


def record_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The CloudTrail record behind the event."""
    arn = _first_arn(_at(event, "actor", "user", "uid"), _at(event, "actor", "user", "uuid"))
    account = _at(event, "actor", "user", "account", "uid") or _at(
        event, "actor", "user", "account_uid"
    )
    return {
        "eventSource": _at(event, "api", "service", "name"),
        "eventName": _at(event, "api", "operation"),
        "awsRegion": _at(event, "cloud", "region"),
        "recipientAccountId": _at(event, "cloud", "account", "uid")
        or _at(event, "unmapped", "recipientAccountId"),
        "eventID": _at(event, "metadata", "uid"),
        "eventType": _at(event, "metadata", "event_code") or _at(event, "unmapped", "eventType"),
        "errorCode": _at(event, "api", "response", "error") or _failure(event),
        "errorMessage": _at(event, "api", "response", "message"),
        "requestParameters": _document(event, "request", "requestParameters"),
        "responseElements": _document(event, "response", "responseElements"),
        "additionalEventData": _unflattened(event, "additionalEventData"),
        "resources": [{"ARN": _at(row, "uid")} for row in _rows(event)],
        "userIdentity": {
            "type": _at(event, "actor", "user", "type"),
            "arn": arn,
            "accountId": account,
            "invokedBy": _at(event, "actor", "invoked_by"),
            "sessionContext": {"sessionIssuer": {"arn": _at(event, "actor", "session", "issuer")}},
        },
    }


def has_parameters(event: Mapping[str, Any]) -> bool:
    """Whether the event's version carries the parameters of the request."""
    return bool(_at(event, "api", "request", "data") or _unflattened(event, "requestParameters"))


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _failure(event: Mapping[str, Any]) -> str:
    return "Failure" if event.get("status") == "Failure" else ""


def _rows(event: Mapping[str, Any]) -> list[Any]:
    listed = event.get("resources")
    return listed if isinstance(listed, list) else []


def _first_arn(*texts: Any) -> str:
    return next((text for text in texts if isinstance(text, str) and text.startswith("arn:")), "")


def _document(event: Mapping[str, Any], part: str, name: str) -> Any:
    data = _at(event, "api", part, "data")
    if isinstance(data, str) and data:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None
    return data or _unflattened(event, name)


def _unflattened(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object whose members stand in `unmapped` by their path: `requestParameters.bucketName`."""
    unmapped = event.get("unmapped")
    found: dict[str, Any] = {}
    for path, value in unmapped.items() if isinstance(unmapped, dict) else ():
        first, *rest = path.split(".") if isinstance(path, str) else ("",)
        if first != name or not rest:
            continue
        place = found
        for word in rest[:-1]:
            inner = place.setdefault(word, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[rest[-1]] = value
    return found
