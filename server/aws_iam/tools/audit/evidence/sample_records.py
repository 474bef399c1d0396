"""The CloudTrail records that a metric filter must match: a control's witness, completed as CloudTrail writes it.

Only what every such record has is filled in. Names, addresses and Regions differ from record to record and are left out; a
filter that tests one of them is not judged.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_iam.frozen import slotted
from aws_iam.tools.audit.evidence.filter_pattern import ABSENT

if TYPE_CHECKING:
    from aws_iam.account.reading.snapshot import Account

    Record = Mapping[str, Any]

_SIGN_IN = "ConsoleLogin"
# The callers to try if the witness names none: a filter for one kind misses the other.
_ANY_CALLER = ("AssumedRole", "IAMUser")
_READ_PREFIXES = ("Describe", "Get", "Head", "List", "Lookup")
_DATA_EVENTS = frozenset({"GetObject"})
# Services whose calls are recorded in one Region, wherever the caller is.
_GLOBAL_SERVICES = frozenset({"iam.amazonaws.com", "organizations.amazonaws.com"})


@slotted
class SampleEvent:
    """An event by its witness, and the records of it in an account, one for each kind of caller."""

    witness: Record
    records: tuple[Record, ...]


def sample_event(witness: Record, account: Account) -> SampleEvent:
    """The event with the complete records; a filter must match all of them."""
    return SampleEvent(witness=witness, records=complete_records(witness, account))


def complete_records(witness: Record, account: Account) -> tuple[Record, ...]:
    """The complete records, one for each kind of caller."""
    caller = witness.get("userIdentity", {}).get("type")
    is_sign_in = witness["eventName"] == _SIGN_IN
    event = _sign_in(witness) if is_sign_in else _call(witness, account)
    return tuple(
        _merged(
            {
                "eventVersion": "1.11",
                "sourceIPAddress": "203.0.113.7",
                "recipientAccountId": account.id,
                "userIdentity": _identity(kind, account),
                **event,
            },
            witness,
        )
        for kind in ((caller,) if caller else _ANY_CALLER)
    )


def _call(witness: Record, account: Account) -> dict[str, Any]:
    name = witness["eventName"]
    is_read = name.startswith(_READ_PREFIXES)
    is_data = name in _DATA_EVENTS
    fields: dict[str, Any] = {
        "eventType": "AwsApiCall",
        "readOnly": is_read,
        "managementEvent": not is_data,
        "eventCategory": "Data" if is_data else "Management",
    }
    if "errorCode" not in witness:
        fields |= {"errorCode": ABSENT, "errorMessage": ABSENT}
    if is_read or "errorCode" in witness:
        fields["responseElements"] = None
    if witness.get("eventSource") in _GLOBAL_SERVICES and account.partition == "aws":
        fields["awsRegion"] = "us-east-1"
    return fields


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
        # Only federated sign-ins have it, and the witnesses are IAM users or root.
        "additionalEventData": {"SamlProviderArn": ABSENT},
    }


# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
def _identity(kind: str, account: Account) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": kind, "accountId": account.id, "invokedBy": ABSENT}
    if kind == "Root":
        return fields | {"arn": account.root_arn, "principalId": account.id}
    if kind == "AssumedRole":
        issuer = {"type": "Role", "accountId": account.id}
        return fields | {
            "userName": ABSENT,
            "sessionContext": {"sessionIssuer": issuer, "attributes": {}},
        }
    return fields


def _merged(base: Record, over: Record) -> dict[str, Any]:
    """The record with the witness's own fields, which override it."""
    merged = dict(base)
    for name, value in over.items():
        inner = base.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(inner, value)
        else:
            merged[name] = value
    return merged
