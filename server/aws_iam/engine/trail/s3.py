"""S3's calls: versions, copies, batches, what a header asks for, and objects behind access points.

Sources: S3 API Reference, GetObject, DeleteObject, CopyObject, PutObject, CreateMultipartUpload; S3 User Guide, using-with-s3-policy-actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.event_resource import Spot
from aws_iam.engine.trail.table import actions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.trail.event_details import Seen

_OF_VERSION: Mapping[str, tuple[str, ...]] = {
    "s3:GetObject": ("s3:GetObjectVersion",),
    "s3:GetObjectAcl": ("s3:GetObjectVersionAcl",),
    "s3:GetObjectTagging": ("s3:GetObjectVersionTagging",),
    "s3:GetObjectAttributes": ("s3:GetObjectVersion", "s3:GetObjectVersionAttributes"),
    "s3:PutObjectAcl": ("s3:PutObjectVersionAcl",),
    "s3:PutObjectTagging": ("s3:PutObjectVersionTagging",),
    "s3:DeleteObjectTagging": ("s3:DeleteObjectVersionTagging",),
    # AWS wants the first for every deletion.
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
_HEX = frozenset("0123456789abcdefABCDEF")
_COPYING = frozenset({"CopyObject", "UploadPartCopy"})


def calls(name: str, seen: Seen) -> Iterator[tuple[str, tuple[Spot, ...] | None]]:
    """The actions with their resources; None where the general way finds them."""
    if name == "DeleteObjects":
        yield from _deleted(seen)
        return
    bucket, key = seen.first("bucketname"), seen.first("key")
    here = (_object(bucket, key, seen),) if bucket and key else None
    if name in _COPYING:
        yield from _copied(seen, here)
        return
    version = seen.first("versionid")
    for action in _all(actions_of("s3", name)):
        for each in _OF_VERSION.get(action, (action,)) if version else (action,):
            yield each, _at(each, here, bucket, seen)
    if name in _STORING:
        yield from _asked(seen, here)


def key_of(name: str, seen: Seen) -> str:
    """The KMS key that a call names for what it stores; empty when it names none."""
    return seen.first("xamzserversideencryptionawskmskeyid") if name in _STORING else ""


def _all(actions: tuple[str, ...]) -> tuple[str, ...]:
    return (*actions, "s3:GetObject") if actions == ("s3:GetObjectAttributes",) else actions


def _at(
    action: str, here: tuple[Spot, ...] | None, bucket: str, seen: Seen
) -> tuple[Spot, ...] | None:
    if "Object" in action and here and "Configuration" not in action:
        return here
    if action in {"s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"} and here:
        return here
    known = catalog().action(action)
    if bucket and known and "bucket" in known.resource_types:
        text = bucket if bucket.startswith("arn:") else f"arn:{seen.partition}:s3:::{bucket}"
        return (Spot.of(text),)
    return None


def _object(bucket: str, key: str, seen: Seen) -> Spot:
    # Through an access point the bucket's name is the access point's ARN.
    head = (
        f"{bucket}/object" if bucket.startswith("arn:") else f"arn:{seen.partition}:s3:::{bucket}"
    )
    return Spot.of(f"{head}/{key}")


def _copied(
    seen: Seen, here: tuple[Spot, ...] | None
) -> Iterator[tuple[str, tuple[Spot, ...] | None]]:
    source, _, query = _unquoted(seen.first("xamzcopysource")).partition("?")
    version = any(each.startswith("versionId=") for each in query.split("&"))
    bucket, _, key = source.removeprefix("/").partition("/")
    if source.startswith("arn:"):
        bucket, _, key = source.partition("/object/")
    if bucket and key:
        yield "s3:GetObjectVersion" if version else "s3:GetObject", (_object(bucket, key, seen),)
    yield "s3:PutObject", here
    yield from _asked(seen, here)


def _asked(
    seen: Seen, here: tuple[Spot, ...] | None
) -> Iterator[tuple[str, tuple[Spot, ...] | None]]:
    for header, action in _BY_HEADER.items():
        if seen.first(header):
            yield action, here


def _deleted(seen: Seen) -> Iterator[tuple[str, tuple[Spot, ...] | None]]:
    """CloudTrail rarely shows which objects a batch names."""
    bucket = seen.first("bucketname")
    keys = seen.by_name.get("key", ())
    if not bucket:
        yield "s3:DeleteObject", None
        return
    found = tuple(_object(bucket, key, seen) for key in keys)
    every = Spot(
        resource=_object(bucket, "", seen).resource + "*",
        why="the record does not show which objects a DeleteObjects call names",
    )
    yield "s3:DeleteObject", found or (every,)
    if seen.first("versionid"):
        yield "s3:DeleteObjectVersion", found or (every,)


def _unquoted(text: str) -> str:
    """The text of a header with its `%20` and the like resolved."""
    first, *rest = text.split("%")
    found = bytearray(first.encode(errors="replace"))
    for each in rest:
        code = each[:2]
        if len(code) == 2 and set(code) <= _HEX:  # noqa: PLR2004 - two digits of a byte
            found += bytes.fromhex(code) + each[2:].encode(errors="replace")
        else:
            found += b"%" + each.encode(errors="replace")
    return found.decode(errors="replace")
