"""The user data of EC2 instances, which everything on the instance and everyone who may describe it can read."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.compute.instances import INSTANCES
from aws_iam.account.collect.configuration.holder import TextHolder
from aws_iam.account.collect.fact import many_in
from aws_iam.account.names.sensitive import Variable, secrets_in_text

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

USER_DATA = many_in("ec2.user_data", TextHolder)
_DESCRIBE_ATTRIBUTE = "ec2:DescribeInstanceAttribute"
_GONE = ("InvalidInstanceID.NotFound",)
# AWS takes 16 KB; compressed they may be far more.
_MOST_BYTES = 1_000_000
_GZIP = b"\x1f\x8b"


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


def decoded(data: str) -> str:
    """The text of user data: base64, often compressed; of a wrong form what can be read."""
    try:
        content = base64.b64decode(data, validate=False)
    except (binascii.Error, ValueError):
        return data
    if content.startswith(_GZIP):
        unpacked = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content = unpacked.decompress(content, _MOST_BYTES)
        except zlib.error:
            return ""
    return content.decode("utf-8", "replace")


def _exposed(aws: Aws, region: str, instance: str) -> tuple[Variable, ...]:
    answer = aws.get(
        _DESCRIBE_ATTRIBUTE,
        region=region,
        absent=_GONE,
        InstanceId=instance,
        Attribute="userData",
    )
    value = ((answer or {}).get("UserData") or {}).get("Value")
    return secrets_in_text(decoded(value)) if value else ()
