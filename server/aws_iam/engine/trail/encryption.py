"""What a service does with a KMS key on behalf of the caller, who needs the permission for it.

KMS has a record of its own for each such call; a log of another service alone lacks it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.engine.trail.event_resource import exact_pattern
from aws_iam.engine.trail.event_tables import event_tables
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.engine.trail.event_details import EventDetails

_ID = re.compile(r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@slotted
class KeyUse:
    """The actions on a key that a call takes; `key` is empty and `why` says so if the record does not name the key."""

    actions: tuple[str, ...]
    needed_by: str
    key: str = ""
    via: str = ""
    why: str = ""


def key_use(prefix: str, call: str, details: EventDetails) -> KeyUse | None:
    """How the call uses a customer managed key; None if it uses none, as far as the record shows."""
    row = _row(f"{prefix}:{call}")
    if row is None:
        return None
    names = row["keys"]
    key = details.first(*names) or next(
        (text for name, text in details.response_texts if name in names), ""
    )
    actions, needed_by = tuple(row["actions"]), f"{prefix}:{row.get('action', call)}"
    if arn := _arn(key, details):
        via = f"{prefix}.{details.event.region}.amazonaws.com"
        return KeyUse(actions=actions, needed_by=needed_by, key=exact_pattern(arn), via=via)
    if "alias/aws/" in key:
        # The policy of a key that AWS manages admits everyone in the account who may use the service.
        return None
    if key or details.event.encrypted_with_kms:
        why = (
            "names the key without its ARN" if key else "shows encryption with KMS and not the key"
        )
        return KeyUse(actions=actions, needed_by=needed_by, why=f"the record {why}")
    if details.event.parameters.get(row.get("asked_by", "")) is True:
        why = "the record asks to decrypt what is encrypted, and does not show the key"
        return KeyUse(actions=actions, needed_by=needed_by, why=why)
    return None


def _row(call: str) -> Any:
    return next((row for row in event_tables()["encrypting"] if call in row["calls"]), None)


def _arn(key: str, details: EventDetails) -> str:
    """The ARN of a key that is named by its ARN or its id."""
    if key.startswith("arn:") and ":key/" in key:
        return key
    if _ID.fullmatch(key):
        return details.located("arn:${Partition}:kms:${Region}:${Account}:key/") + key
    return ""
