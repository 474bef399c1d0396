"""AWS Config: recorders, whether they record, and where they deliver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """A Config recorder that the owner made or a service did (`service_principal`)."""

    name: str
    all_supported: bool = False
    global_types: bool = False
    strategy: str | None = None
    service_principal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """Whether a recorder records, and how the last delivery went, in AWS's words."""

    name: str
    recording: bool = False
    last_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """The recorders, those that services made included."""
    answer = aws.need("config:DescribeConfigurationRecorders", region=region)
    found = map(_recorder, answer.get("ConfigurationRecorders", ()))
    return tuple(sorted(found, key=lambda each: each.name))


@collector_in(RECORDER_STATUSES, "config:DescribeConfigurationRecorderStatus")
def recorder_statuses(aws: Aws, region: str) -> tuple[RecorderStatus, ...]:
    """Whether each recorder records."""
    answer = aws.need("config:DescribeConfigurationRecorderStatus", region=region)
    found = (
        RecorderStatus(
            name=each.get("name", ""),
            recording=each.get("recording", False),
            last_status=each.get("lastStatus"),
        )
        for each in answer.get("ConfigurationRecordersStatus", ())
    )
    return tuple(sorted(found, key=lambda each: each.name))


@collector_in(DELIVERY_CHANNELS, "config:DescribeDeliveryChannels")
def delivery_channels(aws: Aws, region: str) -> tuple[DeliveryChannel, ...]:
    """Where the records go."""
    answer = aws.need("config:DescribeDeliveryChannels", region=region)
    found = (
        DeliveryChannel(
            name=each.get("name", ""),
            bucket=each.get("s3BucketName"),
            sns_topic=each.get("snsTopicARN"),
        )
        for each in answer.get("DeliveryChannels", ())
    )
    return tuple(sorted(found, key=lambda each: each.name))


def _recorder(data: dict[str, Any]) -> Recorder:
    group = data.get("recordingGroup", {})
    return Recorder(
        name=data.get("name", ""),
        all_supported=group.get("allSupported", False),
        global_types=group.get("includeGlobalResourceTypes", False),
        strategy=group.get("recordingStrategy", {}).get("useOnly"),
        service_principal=data.get("servicePrincipal"),
    )
