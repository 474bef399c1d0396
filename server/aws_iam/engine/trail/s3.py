"""S3's calls: versions, copies, batches, what a header asks for, and objects behind access points.

Sources: S3 API Reference, GetObject, DeleteObject, CopyObject, PutObject, CreateMultipartUpload; S3 User Guide, using-with-s3-policy-actions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.event_resource import EventResource
from aws_iam.engine.trail.event_tables import actions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.trail.event_details import EventDetails

    Calls = Iterator[tuple[str, tuple[EventResource, ...] | None]]

_WITH_VERSION: Mapping[str, tuple[str, ...]] = {
    "s3:GetObject": ("s3:GetObjectVersion",),
    "s3:GetObjectAcl": ("s3:GetObjectVersionAcl",),
    "s3:GetObjectTagging": ("s3:GetObjectVersionTagging",),
    "s3:GetObjectAttributes": ("s3:GetObjectVersion", "s3:GetObjectVersionAttributes"),
    "s3:PutObjectAcl": ("s3:PutObjectVersionAcl",),
    "s3:PutObjectTagging": ("s3:PutObjectVersionTagging",),
    "s3:DeleteObjectTagging": ("s3:DeleteObjectVersionTagging",),
    # AWS requires the first for every deletion.
    "s3:DeleteObject": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
}
_BY_HEADER = {
    "xamzacl": "s3:PutObjectAcl",
    "xamzgrantread": "s3:PutObjectAcl",
    "xamzgrantreadacp": "s3:PutObjectAcl",
    "xamzgrantwriteacp": "s3:PutObjectAcl",
    "xamzgrantfullcontrol": "s3:PutObjectAcl",
    "xamztagging": "s3:PutObjectTagging",
    "xamzobjectlockmode": "s3:PutObjectRetention",
    "xamzobjectlocklegalhold": "s3:PutObjectLegalHold",
}
_STORING = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload", "PostObject"})
_COPYING = frozenset({"CopyObject", "UploadPartCopy"})
_PERCENT_ENCODED = re.compile(rb"%([0-9a-fA-F]{2})")


def calls(name: str, details: EventDetails) -> Calls:
    """The actions with their resources; None where the general search finds them."""
    if name == "DeleteObjects":
        yield from _deleted(details)
        return
    bucket, key = details.first("bucketname"), details.first("key")
    target = (_object(bucket, key, details),) if bucket and key else None
    if name in _COPYING:
        yield from _copied(details, target)
        return
    has_version = bool(details.first("versionid"))
    for action in _with_implied(actions_of("s3", name)):
        for needed in _WITH_VERSION.get(action, (action,)) if has_version else (action,):
            yield needed, _resources(needed, target, bucket, details)
    if name in _STORING:
        yield from _by_header(details, target)


def _with_implied(actions: tuple[str, ...]) -> tuple[str, ...]:
    return (*actions, "s3:GetObject") if actions == ("s3:GetObjectAttributes",) else actions


def _resources(
    action: str, target: tuple[EventResource, ...] | None, bucket: str, details: EventDetails
) -> tuple[EventResource, ...] | None:
    if "Object" in action and target and "Configuration" not in action:
        return target
    if action in {"s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"} and target:
        return target
    known = catalog().action(action)
    if bucket and known and "bucket" in known.resource_types:
        arn = bucket if bucket.startswith("arn:") else f"arn:{details.partition}:s3:::{bucket}"
        return (EventResource.of_arn(arn),)
    return None


def _object(bucket: str, key: str, details: EventDetails) -> EventResource:
    # Through an access point, the bucket's name is the ARN of the access point.
    is_access_point = bucket.startswith("arn:")
    head = f"{bucket}/object" if is_access_point else f"arn:{details.partition}:s3:::{bucket}"
    return EventResource.of_arn(f"{head}/{key}")


def _copied(details: EventDetails, target: tuple[EventResource, ...] | None) -> Calls:
    source, _, query = _percent_decoded(details.first("xamzcopysource")).partition("?")
    has_version = any(part.startswith("versionId=") for part in query.split("&"))
    bucket, _, key = source.removeprefix("/").partition("/")
    if source.startswith("arn:"):
        bucket, _, key = source.partition("/object/")
    if bucket and key:
        action = "s3:GetObjectVersion" if has_version else "s3:GetObject"
        yield action, (_object(bucket, key, details),)
    yield "s3:PutObject", target
    yield from _by_header(details, target)


def _by_header(details: EventDetails, target: tuple[EventResource, ...] | None) -> Calls:
    for header, action in _BY_HEADER.items():
        if details.first(header):
            yield action, target


def _deleted(details: EventDetails) -> Calls:
    """The objects of a batch, which CloudTrail rarely shows."""
    bucket = details.first("bucketname")
    keys = details.by_name.get("key", ())
    if not bucket:
        yield "s3:DeleteObject", None
        return
    found = tuple(_object(bucket, key, details) for key in keys)
    any_object = EventResource(
        pattern=_object(bucket, "", details).pattern + "*",
        why="the record does not show which objects a DeleteObjects call names",
    )
    yield "s3:DeleteObject", found or (any_object,)
    if details.first("versionid"):
        yield "s3:DeleteObjectVersion", found or (any_object,)


def _percent_decoded(text: str) -> str:
    """The text of a header with `%20` and the like decoded."""
    # urllib is off limits for the engine, which must stay free of network code.
    encoded = text.encode(errors="replace")
    decoded = _PERCENT_ENCODED.sub(lambda code: bytes([int(code[1], 16)]), encoded)
    return decoded.decode(errors="replace")
