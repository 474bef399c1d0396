"""The user data of EC2 instances, which everything on the instance and everyone who may describe it can read."""

from __future__ import annotations

import base64
import binascii
import email
import gzip
import io
import re
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.compute.instances import INSTANCES
from aws_iam.account.collect.configuration.holder import TextHolder, exposed_text, unreadable
from aws_iam.account.collect.fact import many_in
from aws_iam.account.names.sensitive import LONGEST_TEXT
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.names.sensitive import Variable

USER_DATA = many_in("ec2.user_data", TextHolder)
_DESCRIBE_ATTRIBUTE = "ec2:DescribeInstanceAttribute"
_GONE = ("InvalidInstanceID.NotFound",)
_GZIP = b"\x1f\x8b"
# https://cloudinit.readthedocs.io/en/latest/explanation/format.html
_MIME = re.compile(r"(?:mime-version|content-type):", re.IGNORECASE)
_MOST_NESTED = 20
# https://cloudinit.readthedocs.io/en/latest/reference/modules.html#write-files
_ENCODED = re.compile(r"(?:gz(?:ip)?\+)?(?:b64|base64)\b")


@collector_in(USER_DATA, _DESCRIBE_ATTRIBUTE, after=(INSTANCES,))
def user_data(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in the user data of each instance that still exists."""
    instances = [i for i in aws.fact_in(region, INSTANCES) if i.state != "terminated"]
    read = aws.read_each(
        lambda instance: _exposed(aws, region, instance.id), instances, _DESCRIBE_ATTRIBUTE
    )
    return tuple(
        TextHolder(arn=instance.arn, name=instance.id, exposed=exposed)
        for instance, exposed in zip(instances, read, strict=True)
    )


def exposed_user_data(value: str, call: str, region: str) -> tuple[Variable, ...]:
    """The secrets in user data as AWS sends it; raises RefusedError where it cannot be looked into whole."""
    try:
        text = _decoded(value)
    except _UnpackError as unread:
        raise unreadable(str(unread), call, region) from None
    return exposed_text(text, call, region)


class _UnpackError(Exception):
    """User data that cannot be unpacked; the words quote nothing of it."""


def _decoded(value: str) -> str:
    """The text of user data: base64, often compressed, often of several parts; of a wrong form what can be read."""
    try:
        content = base64.b64decode(value, validate=False)
    except (binascii.Error, ValueError):
        return value
    text = _unpacked(content)
    whole = []
    left = LONGEST_TEXT
    for part in _parts(text) if _MIME.match(text) else (text,):
        for found in (part, *_written_files(part)):
            left -= len(found) + 1
            if left < 0:
                raise _UnpackError(f"it is longer than {LONGEST_TEXT:,} characters unpacked")
            whole.append(found)
    return "\n".join(whole)


def _unpacked(content: bytes) -> str:
    if content.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(LONGEST_TEXT + 1)
        except (OSError, EOFError, zlib.error):
            raise _UnpackError("its compressed text cannot be unpacked") from None
        if len(content) > LONGEST_TEXT:
            raise _UnpackError(f"it is longer than {LONGEST_TEXT:,} bytes unpacked")
    return content.decode("utf-8", "replace")


def _parts(text: str) -> Iterator[str]:
    """The parts of a MIME document, as cloud-init takes it; each may be encoded for itself."""
    if text.count("boundary=") > _MOST_NESTED:
        raise _UnpackError("its parts are nested too deeply")
    for part in email.message_from_string(text).walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield _unpacked(content)


def _written_files(text: str) -> Iterator[str]:
    """The files that a cloud-config writes and holds in base64."""
    if not text.startswith("#cloud-config") or not _ENCODED.search(text):
        return
    try:
        documents = scan_yaml(text)
    except InputError:
        return
    for document in () if isinstance(documents, Syntax) else documents:
        files = document.member("write_files")
        for file in files.items if files else ():
            encoding, content = file.member("encoding"), file.member("content")
            if content is not None and encoding is not None and _ENCODED.match(encoding.text):
                with suppress(binascii.Error, ValueError):
                    yield _unpacked(base64.b64decode(content.text, validate=False))


def _exposed(aws: Aws, region: str, instance: str) -> tuple[Variable, ...]:
    answer = aws.get(
        _DESCRIBE_ATTRIBUTE,
        region=region,
        absent=_GONE,
        InstanceId=instance,
        Attribute="userData",
    )
    value = ((answer or {}).get("UserData") or {}).get("Value")
    return exposed_user_data(value, _DESCRIBE_ATTRIBUTE, region) if value else ()
