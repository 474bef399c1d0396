"""An account in which every collector finds something, as the answers of AWS, and how one fact is read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aws_iam.account.collect.catalogue import COLLECTORS
from helpers.rich_edges import EDGES
from helpers.rich_estate import ESTATE, THEN, TRUST
from helpers.rich_secrets import STORED
from helpers.rich_workloads import WORKLOADS
from helpers.scripted_aws import ACCOUNT, Script, opening

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import Fact

TRAIL_ARN = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/main"
FOREIGN_TRAIL_ARN = "arn:aws:cloudtrail:us-east-1:999999999999:trail/organization"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ANALYZER = f"arn:aws:access-analyzer:us-east-1:{ACCOUNT}:analyzer/outside"
REPORT = (
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,"
    "access_key_1_last_rotated,access_key_1_last_used_date\n"
    f"<root_account>,arn:aws:iam::{ACCOUNT}:root,2020-01-01T00:00:00Z,not_supported,true,false,N/A,N/A\n"
    f"ci,arn:aws:iam::{ACCOUNT}:user/ci,2025-01-01T00:00:00Z,false,false,true,2025-01-01T00:00:00Z,N/A\n"
)


def _trail(arn: str, bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": arn.rpartition("/")[2],
        "TrailARN": arn,
        "HomeRegion": arn.split(":")[3],
        "S3BucketName": bucket,
        "IsMultiRegionTrail": True,
        **more,
    }


def _units(parameters: dict[str, Any], _region: str) -> dict[str, Any]:
    inner = {"r-1": [{"Id": "ou-1", "Name": "workloads"}]}
    return {"OrganizationalUnits": inner.get(parameters["ParentId"], [])}


def _members(parameters: dict[str, Any], _region: str) -> dict[str, Any]:
    inner = {"ou-1": [{"Id": "222222222222", "Name": "shop", "Status": "ACTIVE"}]}
    return {"Accounts": inner.get(parameters["ParentId"], [])}


RICH: dict[str, Any] = {
    **WORKLOADS,
    **opening("us-east-1"),
    **ESTATE,
    **EDGES,
    **STORED,
    "iam:GenerateCredentialReport": {"State": "COMPLETE"},
    "iam:GetCredentialReport": {"Content": REPORT.encode(), "GeneratedTime": THEN},
    "iam:GetAccountSummary": {
        "SummaryMap": {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "Users": 1}
    },
    "iam:GetAccountPasswordPolicy": {
        "PasswordPolicy": {
            "MinimumPasswordLength": 14,
            "RequireSymbols": True,
            "ExpirePasswords": False,
            "PasswordReusePrevention": 24,
        }
    },
    "iam:GetAccountAuthorizationDetails": {
        "UserDetailList": [
            {
                "UserName": "ci",
                "Arn": f"arn:aws:iam::{ACCOUNT}:user/ci",
                "CreateDate": THEN,
                "GroupList": ["admins"],
                "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": quote(TRUST)}],
                "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/B"},
                "Tags": [{"Key": "team", "Value": "red"}, {"Key": "cost", "Value": ""}],
            }
        ],
        "GroupDetailList": [
            {
                "GroupName": "admins",
                "Arn": f"arn:aws:iam::{ACCOUNT}:group/admins",
                "AttachedManagedPolicies": [
                    {"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR},
                    {"PolicyName": "Unsent", "PolicyArn": "arn:aws:iam::aws:policy/Unsent"},
                ],
            }
        ],
        "RoleDetailList": [
            {
                "RoleName": "web",
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/web",
                "Path": "/",
                "AssumeRolePolicyDocument": quote(TRUST),
                "RoleLastUsed": {"LastUsedDate": THEN},
                "InstanceProfileList": [
                    {
                        "Path": "/",
                        "InstanceProfileName": "web",
                        "InstanceProfileId": "AIPAEXAMPLE000000001",
                        "Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web",
                        "CreateDate": THEN,
                        "Roles": [],
                    }
                ],
            }
        ],
        "Policies": [
            {
                "PolicyName": "AdministratorAccess",
                "Arn": ADMINISTRATOR,
                "AttachmentCount": 1,
                "PolicyVersionList": [
                    {"Document": quote(TRUST), "VersionId": "v1", "IsDefaultVersion": True},
                    {"Document": quote("{}"), "VersionId": "v0", "IsDefaultVersion": False},
                ],
            },
            {"PolicyName": "Idle", "Arn": "arn:aws:iam::aws:policy/Idle", "AttachmentCount": 0},
            {
                "Arn": f"arn:aws:iam::{ACCOUNT}:policy/team/mine",
                "AttachmentCount": 0,
                "PolicyVersionList": [
                    {"Document": quote("{}"), "VersionId": "v2", "IsDefaultVersion": True},
                    {"Document": quote(TRUST), "VersionId": "v1", "IsDefaultVersion": False},
                ],
            },
        ],
    },
    "iam:ListEntitiesForPolicy": {
        "PolicyGroups": [],
        "PolicyUsers": [{"UserName": "ci", "UserId": "AIDAEXAMPLE000000001"}],
        "PolicyRoles": [{"RoleName": "support", "RoleId": "AROAEXAMPLE000000001"}],
    },
    "iam:ListVirtualMFADevices": {
        "VirtualMFADevices": [
            {
                "SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/anything",
                "User": {
                    "Path": "/",
                    "UserName": "root",
                    "UserId": "AIDAEXAMPLE000000001",
                    "Arn": f"arn:aws:iam::{ACCOUNT}:root",
                    "CreateDate": THEN,
                },
            }
        ]
    },
    "iam:ListServerCertificates": {
        "ServerCertificateMetadataList": [
            {
                "Path": "/",
                "ServerCertificateName": "old",
                "ServerCertificateId": "ASCAEXAMPLE000000001",
                "Arn": f"arn:aws:iam::{ACCOUNT}:server-certificate/old",
                "Expiration": THEN,
            }
        ]
    },
    "iam:ListSAMLProviders": {
        "SAMLProviderList": [{"Arn": f"arn:aws:iam::{ACCOUNT}:saml-provider/okta"}]
    },
    "iam:ListOpenIDConnectProviders": {
        "OpenIDConnectProviderList": [
            {"Arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}
        ]
    },
    "iam:ListOrganizationsFeatures": {"EnabledFeatures": ["RootCredentialsManagement"]},
    "account:GetContactInformation": {
        "ContactInformation": {
            "FullName": "Ada Example",
            "CompanyName": "Acme",
            "CountryCode": "DE",
            "PhoneNumber": "+49 30 1234567",
            "AddressLine1": "Lindenstrasse 1",
            "City": "Berlin",
            "PostalCode": "10969",
        }
    },
    "account:GetAlternateContact": {
        "AlternateContact": {
            "Name": "Security",
            "Title": "Team",
            "EmailAddress": "security@example.com",
            "PhoneNumber": "1",
            "AlternateContactType": "SECURITY",
        }
    },
    "cloudtrail:DescribeTrails": {
        "trailList": [
            _trail(
                TRAIL_ARN,
                "own-logs",
                CloudWatchLogsLogGroupArn=f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:g:*",
            ),
            _trail(FOREIGN_TRAIL_ARN, "their-logs", IsOrganizationTrail=True),
        ]
    },
    "cloudtrail:GetTrailStatus": {"IsLogging": True, "LatestDeliveryTime": THEN},
    "cloudtrail:GetEventSelectors": {
        "AdvancedEventSelectors": [
            {
                "Name": "data",
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["Data"]},
                    {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::a"]},
                ],
            }
        ]
    },
    "logs:DescribeMetricFilters": {
        "metricFilters": [
            {
                "filterName": "root",
                "filterPattern": "{ $.a = b }",
                "logGroupName": "trail",
                "metricTransformations": [
                    {"metricName": "root", "metricNamespace": "CIS", "metricValue": "1"}
                ],
            }
        ]
    },
    "cloudwatch:DescribeAlarms": {
        "MetricAlarms": [
            {
                "AlarmName": "root",
                "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:root",
                "ActionsEnabled": True,
                "AlarmActions": [TOPIC, "arn:aws:automate:us-east-1:ec2:stop"],
                "Metrics": [
                    {
                        "Id": "m",
                        "MetricStat": {
                            "Metric": {"MetricName": "root", "Namespace": "CIS"},
                            "Period": 300,
                            "Stat": "Sum",
                        },
                    }
                ],
            }
        ]
    },
    "sns:ListSubscriptionsByTopic": {
        "Subscriptions": [
            {
                "Protocol": "email",
                "Endpoint": "someone@example.com",
                "SubscriptionArn": "PendingConfirmation",
            }
        ]
    },
    "config:DescribeConfigurationRecorders": {
        "ConfigurationRecorders": [
            {
                "name": "default",
                "recordingGroup": {
                    "allSupported": True,
                    "includeGlobalResourceTypes": True,
                    "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"},
                },
            }
        ]
    },
    "config:DescribeConfigurationRecorderStatus": {
        "ConfigurationRecordersStatus": [
            {"name": "default", "recording": True, "lastStatus": "SUCCESS"}
        ]
    },
    "config:DescribeDeliveryChannels": {
        "DeliveryChannels": [{"name": "default", "s3BucketName": "own-logs"}]
    },
    "securityhub:DescribeHub": {
        "HubArn": f"arn:aws:securityhub:us-east-1:{ACCOUNT}:hub/default",
        "SubscribedAt": "2026-01-01T00:00:00Z",
    },
    "macie2:GetMacieSession": {"status": "ENABLED"},
    "accessanalyzer:ListAnalyzers": {
        "analyzers": [
            {
                "name": "outside",
                "arn": ANALYZER,
                "type": "ACCOUNT",
                "status": "ACTIVE",
                "createdAt": THEN,
            }
        ]
    },
    "accessanalyzer:ListFindingsV2": {
        "findings": [
            {
                "id": "f-1",
                "findingType": "ExternalAccess",
                "resource": "arn:aws:s3:::b",
                "resourceType": "AWS::S3::Bucket",
                "resourceOwnerAccount": ACCOUNT,
                "status": "ACTIVE",
                "analyzedAt": THEN,
                "createdAt": THEN,
                "updatedAt": THEN,
            }
        ]
    },
    "sso-admin:ListInstances": {"Instances": [{"InstanceArn": "arn:aws:sso:::instance/i"}]},
    "organizations:DescribeOrganization": {
        "Organization": {"Id": "o-1", "MasterAccountId": ACCOUNT, "FeatureSet": "ALL"}
    },
    "organizations:DescribeResourcePolicy": {"ResourcePolicy": {"Content": TRUST}},
    "organizations:ListAWSServiceAccessForOrganization": {
        "EnabledServicePrincipals": [{"ServicePrincipal": "config.amazonaws.com"}]
    },
    "organizations:ListDelegatedAdministrators": {
        "DelegatedAdministrators": [{"Id": "222222222222"}]
    },
    "organizations:ListDelegatedServicesForAccount": {
        "DelegatedServices": [{"ServicePrincipal": "config.amazonaws.com"}]
    },
    "organizations:ListRoots": {
        "Roots": [
            {
                "Id": "r-1",
                "Name": "Root",
                "PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
            }
        ]
    },
    "organizations:ListOrganizationalUnitsForParent": _units,
    "organizations:ListAccountsForParent": _members,
    "organizations:ListPolicies": lambda parameters, _region: {
        "Policies": [{"Id": f"p-{parameters['Filter'][0]}", "Type": parameters["Filter"]}]
    },
    "organizations:ListTargetsForPolicy": {"Targets": [{"TargetId": "r-1"}]},
    "organizations:DescribePolicy": {"Policy": {"Content": TRUST}},
}


def read_fact(fact: Fact[Any], answers: dict[str, Any], *regions: str) -> tuple[Any, Script]:
    """The fact as its collector reads it from the answers, and what it asked."""
    script = Script(answers)
    aws = script.aws(*regions)
    value = aws.fact_or_miss(fact, "us-east-1" if COLLECTORS[fact.name].regional else "")
    aws.close()
    return value, script


def rich_fact(fact: Fact[Any], **changed: Any) -> Any:
    """The fact in the rich account, with some answers changed (`service__Operation`)."""
    changes = {
        name.replace("__", ":").replace("_", "-"): answer for name, answer in changed.items()
    }
    return read_fact(fact, RICH | changes)[0]
