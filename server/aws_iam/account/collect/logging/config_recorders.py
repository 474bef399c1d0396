"""AWS Config: recorders, whether they record, and where they deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Recorder:
    """A Config recorder, the customer's or a service-linked one (`service_principal`)."""

    name: str
    all_supported: bool = False
    global_types: bool = False
    strategy: str | None = None
    service_principal: str | None = None


@slotted
class RecorderStatus:
    """Whether a recorder records, and how the last delivery went, in AWS's words."""

    name: str
    recording: bool = False
    last_status: str | None = None


@slotted
class DeliveryChannel:
    """Where Config delivers."""

    name: str
    bucket: str | None = None
    sns_topic: str | None = None


RECORDERS = many_in("config.recorders", Recorder)
RECORDER_STATUSES = many_in("config.recorder_statuses", RecorderStatus)
DELIVERY_CHANNELS = many_in("config.delivery_channels", DeliveryChannel)


@collector_in(RECORDERS, "config:DescribeConfigurationRecorders")
def recorders(aws: Aws, region: str) -> tuple[Recorder, ...]:
    """The recorders, service-linked ones included."""
    answer = aws.need("config:DescribeConfigurationRecorders", region=region)
    read = map(_recorder, answer.get("ConfigurationRecorders", ()))
    return tuple(sorted(read, key=lambda recorder: recorder.name))


@collector_in(RECORDER_STATUSES, "config:DescribeConfigurationRecorderStatus")
def recorder_statuses(aws: Aws, region: str) -> tuple[RecorderStatus, ...]:
    """Whether each recorder records."""
    answer = aws.need("config:DescribeConfigurationRecorderStatus", region=region)
    statuses = (
        RecorderStatus(
            name=status.get("name", ""),
            recording=status.get("recording", False),
            last_status=status.get("lastStatus"),
        )
        for status in answer.get("ConfigurationRecordersStatus", ())
    )
    return tuple(sorted(statuses, key=lambda status: status.name))


@collector_in(DELIVERY_CHANNELS, "config:DescribeDeliveryChannels")
def delivery_channels(aws: Aws, region: str) -> tuple[DeliveryChannel, ...]:
    """Where Config delivers."""
    answer = aws.need("config:DescribeDeliveryChannels", region=region)
    channels = (
        DeliveryChannel(
            name=channel.get("name", ""),
            bucket=channel.get("s3BucketName"),
            sns_topic=channel.get("snsTopicARN"),
        )
        for channel in answer.get("DeliveryChannels", ())
    )
    return tuple(sorted(channels, key=lambda channel: channel.name))


def _recorder(data: dict[str, Any]) -> Recorder:
    group = data.get("recordingGroup", {})
    return Recorder(
        name=data.get("name", ""),
        all_supported=group.get("allSupported", False),
        global_types=group.get("includeGlobalResourceTypes", False),
        strategy=group.get("recordingStrategy", {}).get("useOnly"),
        service_principal=data.get("servicePrincipal"),
    )
