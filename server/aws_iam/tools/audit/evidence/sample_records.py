"""The records that a filter must match: what a control says of one, and around it what CloudTrail writes.

Only what every such record says is filled in. A name, an address or a Region that differs from record to record is left
out, and then a filter that asks for it is not judged.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_iam.tools.audit.evidence.filter_pattern import ABSENT

if TYPE_CHECKING:
    from aws_iam.account.reading.snapshot import Account

    Record = Mapping[str, Any]

_SIGN_IN = "ConsoleLogin"
# Whoever the record does not name: a filter for one kind of caller misses the others.
_ANYBODY = ("AssumedRole", "IAMUser")
_READS = ("Describe", "Get", "Head", "List", "Lookup")
_DATA_EVENTS = frozenset({"GetObject"})
# Their calls are recorded in one Region, wherever the caller is.
_GLOBAL = frozenset({"iam.amazonaws.com", "organizations.amazonaws.com"})


def completed(witness: Record, account: Account) -> tuple[Record, ...]:
    """The whole records, one for each kind of caller that it may have: a filter must match them all."""
    said = witness.get("userIdentity", {}).get("type")
    name = witness["eventName"]
    around = _sign_in(witness) if name == _SIGN_IN else _call(witness, account)
    return tuple(
        _merged(
            {
                "eventVersion": "1.11",
                "sourceIPAddress": "203.0.113.7",
                "recipientAccountId": account.id,
                "userIdentity": _identity(kind, account),
                **around,
            },
            witness,
        )
        for kind in ((said,) if said else _ANYBODY)
    )


def _call(witness: Record, account: Account) -> dict[str, Any]:
    name = witness["eventName"]
    reads = name.startswith(_READS)
    data = name in _DATA_EVENTS
    found: dict[str, Any] = {
        "eventType": "AwsApiCall",
        "readOnly": reads,
        "managementEvent": not data,
        "eventCategory": "Data" if data else "Management",
    }
    if "errorCode" not in witness:
        found |= {"errorCode": ABSENT, "errorMessage": ABSENT}
    if reads or "errorCode" in witness:
        found["responseElements"] = None
    if witness.get("eventSource") in _GLOBAL and account.partition == "aws":
        found["awsRegion"] = "us-east-1"
    return found


# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
def _sign_in(witness: Record) -> dict[str, Any]:
    failed = "errorMessage" in witness
    return {
        "eventSource": "signin.amazonaws.com",
        "eventType": "AwsConsoleSignIn",
        "readOnly": False,
        "managementEvent": True,
        "eventCategory": "Management",
        "errorCode": ABSENT,
        "errorMessage": ABSENT,
        "requestParameters": None,
        "responseElements": {_SIGN_IN: "Failure" if failed else "Success"},
        # Those who come from an identity provider are no IAM users and not the root user.
        "additionalEventData": {"SamlProviderArn": ABSENT},
    }


# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
def _identity(kind: str, account: Account) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "accountId": account.id, "invokedBy": ABSENT}
    if kind == "Root":
        return found | {"arn": account.root_arn, "principalId": account.id}
    if kind == "AssumedRole":
        issuer = {"type": "Role", "accountId": account.id}
        return found | {
            "userName": ABSENT,
            "sessionContext": {"sessionIssuer": issuer, "attributes": {}},
        }
    return found


def _merged(base: Record, over: Record) -> dict[str, Any]:
    """The record with what the witness says of itself, which wins."""
    found = dict(base)
    for name, value in over.items():
        inner = base.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(inner, value)
        else:
            found[name] = value
    return found
