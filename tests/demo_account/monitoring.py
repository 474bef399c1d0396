"""What the demonstration company records and who is told of it: trails, alarms, AWS Config, Security Hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo_account.call import AWAY, HOME

if TYPE_CHECKING:
    from demo_account.call import Call

MAIN_TRAIL = "main"
LEGACY_TRAIL = "eu-debugging"
LOG_GROUP = "cloudtrail/main"
_NAMESPACE = "Security"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAlarm:
    """A metric filter on the trail's log group, and how far the chain behind it reaches."""

    name: str
    pattern: str
    alarm: bool = True
    topic: str | None = "security-alerts"
    enabled: bool = True


def _any_of(*events: str) -> str:
    return "{ " + " || ".join(f"($.eventName = {event})" for event in events) + " }"


EVENT_ALARMS = (
    EventAlarm(
        name="root-use",
        pattern='{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS '
        '&& $.eventType != "AwsServiceEvent" }',
    ),
    EventAlarm(
        name="unauthorized-calls",
        pattern='{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    ),
    EventAlarm(
        name="sign-in-without-mfa",
        pattern='{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") '
        '&& ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
    ),
    EventAlarm(
        name="iam-changes",
        pattern=_any_of(
            *(
                f"{verb}{kind}Policy"
                for verb in ("Put", "Delete", "Attach", "Detach")
                for kind in ("Group", "Role", "User")
            ),
            "CreatePolicy",
            "DeletePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
        ),
    ),
    EventAlarm(
        name="trail-changes",
        pattern=_any_of(
            "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"
        ),
    ),
    # An alarm that tells nobody.
    EventAlarm(
        name="failed-sign-ins",
        pattern='{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
        topic=None,
    ),
    # A filter that no alarm watches.
    EventAlarm(
        name="key-deletion",
        pattern="{ ($.eventSource = kms.amazonaws.com) "
        "&& (($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion)) }",
        alarm=False,
    ),
    # An alarm whose topic has no subscriber.
    EventAlarm(
        name="security-group-changes",
        pattern=_any_of(
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
            "ModifySecurityGroupRules",
        ),
        topic="old-oncall",
    ),
    # Switched off during an incident, never on again.
    EventAlarm(
        name="network-acl-changes",
        pattern=_any_of(
            "CreateNetworkAcl",
            "CreateNetworkAclEntry",
            "DeleteNetworkAcl",
            "DeleteNetworkAclEntry",
            "ReplaceNetworkAclEntry",
            "ReplaceNetworkAclAssociation",
        ),
        enabled=False,
    ),
    # Deleting and detaching route tables goes unseen.
    EventAlarm(
        name="route-changes",
        pattern=_any_of("CreateRoute", "CreateRouteTable", "ReplaceRoute", "DeleteRoute"),
    ),
)


def seed_monitoring(call: Call, trail_key: str) -> None:
    """Create the log group, both trails, the alarms, the recorder and the hub; the buckets exist already."""
    group = call.arn("logs", f"log-group:{LOG_GROUP}:*", HOME)
    call("logs", "create_log_group", logGroupName=LOG_GROUP)
    call("logs", "put_retention_policy", logGroupName=LOG_GROUP, retentionInDays=365)
    _seed_trails(call, group, trail_key)
    _seed_topics(call)
    for alarm in EVENT_ALARMS:
        _seed_event_alarm(call, alarm)
    _seed_recorder(call)
    call("securityhub", "enable_security_hub")


def _seed_trails(call: Call, group: str, trail_key: str) -> None:
    call(
        "cloudtrail",
        "create_trail",
        Name=MAIN_TRAIL,
        S3BucketName=f"larkspur-trail-{call.account}",
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId=trail_key,
        CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=call.arn("iam", "role/trail-to-logs"),
    )
    # Writes to objects are recorded, reads are not.
    data = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    call(
        "cloudtrail",
        "put_event_selectors",
        TrailName=MAIN_TRAIL,
        EventSelectors=[
            {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []},
            {
                "ReadWriteType": "WriteOnly",
                "IncludeManagementEvents": False,
                "DataResources": [data],
            },
        ],
    )
    call(
        "cloudtrail",
        "put_insight_selectors",
        TrailName=MAIN_TRAIL,
        InsightSelectors=[{"InsightType": "ApiErrorRateInsight"}],
    )
    call("cloudtrail", "start_logging", Name=MAIN_TRAIL)
    call(
        "cloudtrail",
        "create_trail",
        region=AWAY,
        Name=LEGACY_TRAIL,
        S3BucketName=f"larkspur-eu-debugging-{call.account}",
        IsMultiRegionTrail=False,
        IncludeGlobalServiceEvents=False,
        EnableLogFileValidation=False,
    )
    call(
        "cloudtrail",
        "put_event_selectors",
        region=AWAY,
        TrailName=LEGACY_TRAIL,
        EventSelectors=[
            {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}
        ],
    )
    call("cloudtrail", "start_logging", region=AWAY, Name=LEGACY_TRAIL)


def _seed_topics(call: Call) -> None:
    topic = call("sns", "create_topic", Name="security-alerts")["TopicArn"]
    call(
        "sns",
        "subscribe",
        TopicArn=topic,
        Protocol="email",
        Endpoint="security@larkspur.example",
    )
    call("sns", "create_topic", Name="old-oncall")


def _seed_event_alarm(call: Call, wanted: EventAlarm) -> None:
    metric = {"metricName": wanted.name, "metricNamespace": _NAMESPACE, "metricValue": "1"}
    call(
        "logs",
        "put_metric_filter",
        logGroupName=LOG_GROUP,
        filterName=wanted.name,
        filterPattern=wanted.pattern,
        metricTransformations=[metric],
    )
    if not wanted.alarm:
        return
    actions: list[Any] = [call.arn("sns", wanted.topic, HOME)] if wanted.topic else []
    call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName=wanted.name,
        MetricName=wanted.name,
        Namespace=_NAMESPACE,
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        ActionsEnabled=wanted.enabled,
        AlarmActions=actions,
    )


def _seed_recorder(call: Call) -> None:
    """AWS Config records in the home Region only."""
    call(
        "config",
        "put_configuration_recorder",
        ConfigurationRecorder={
            "name": "default",
            "roleARN": call.arn("iam", "role/config-recorder"),
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        },
    )
    call(
        "config",
        "put_delivery_channel",
        DeliveryChannel={"name": "default", "s3BucketName": f"larkspur-logs-{call.account}"},
    )
    call("config", "start_configuration_recorder", ConfigurationRecorderName="default")
