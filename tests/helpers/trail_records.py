"""CloudTrail records for tests, in short: what is not said is a successful call of the role `app`."""

from __future__ import annotations

from typing import Any

ACCOUNT = "111122223333"
CALLER = f"arn:aws:iam::{ACCOUNT}:role/app"


def role(name: str, path: str = "/") -> dict[str, Any]:
    """The identity of a session of a role."""
    return {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:i-1",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/i-1",
        "accountId": ACCOUNT,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "arn": f"arn:aws:iam::{ACCOUNT}:role{path}{name}",
                "accountId": ACCOUNT,
            }
        },
    }


def record(**said: Any) -> dict[str, Any]:
    """A whole record; `invokedBy` goes into the identity."""
    invoked_by = said.pop("invokedBy", None)
    whole = {
        "eventVersion": "1.11",
        "userIdentity": role("app"),
        "eventTime": "2026-11-02T09:00:00Z",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.31",
        "requestParameters": None,
        "responseElements": None,
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        **said,
    }
    if invoked_by:
        whole["userIdentity"] = {**whole["userIdentity"], "invokedBy": invoked_by}
    return whole


def call(source: str, name: str, parameters: Any = None, **said: Any) -> dict[str, Any]:
    """A record of a call, by the first part of its event source."""
    return record(
        eventSource=f"{source}.amazonaws.com", eventName=name, requestParameters=parameters, **said
    )
