"""An account in which every control that can pass passes."""

from __future__ import annotations

from typing import Any

from aws_iam.tools.audit.controls.benchmark import controls
from helpers.cis_snapshots import snapshot

REGION = "us-east-1"
GROUP = f"arn:aws:logs:{REGION}:111122223333:log-group:trail:*"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:ops"
ALARMS = [key for key in controls() if key.startswith("alarm_")]


def chain(*keys: str) -> dict[str, Any]:
    """A complete chain for each of the controls, as facts."""
    return {
        "cloudtrail.trails": {
            "trails": [
                {
                    "name": "main",
                    "arn": f"arn:aws:cloudtrail:{REGION}:111122223333:trail/main",
                    "home_region": REGION,
                    "multi_region": True,
                    "log_group_arn": GROUP,
                    "status": {"logging": True},
                    "selectors": {},
                }
            ]
        },
        "logs.metric_filters": {
            REGION: [
                {
                    "name": f"{key}-filter",
                    "log_group": "trail",
                    "pattern": controls()[key].pattern,
                    "metrics": [{"name": key, "namespace": "CIS"}],
                }
                for key in keys
            ]
        },
        "cloudwatch.alarms": {
            REGION: [
                {
                    "name": f"{key}-alarm",
                    "arn": "x",
                    "actions": [TOPIC],
                    "metrics": [{"name": key, "namespace": "CIS"}],
                }
                for key in keys
            ]
        },
        "sns.alarm_topics": [
            {"arn": TOPIC, "subscriptions": [{"protocol": "email", "arn": f"{TOPIC}:1"}]}
        ],
    }


_OTHER = "eu-west-1"
_ROOT = "arn:aws:iam::111122223333:root"
_BLOCK = {
    "block_public_acls": True,
    "ignore_public_acls": True,
    "block_public_policy": True,
    "restrict_public_buckets": True,
}
_TLS_ONLY = (
    '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": '
    '["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"Bool": '
    '{"aws:SecureTransport": "false"}}}}'
)
_ORGANIZATION_ONLY = (
    '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*",'
    ' "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}}'
)
_READ = '{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'
_PROFILE = "arn:aws:iam::111122223333:instance-profile/app"
_KEY = {
    "manager": "CUSTOMER",
    "spec": "SYMMETRIC_DEFAULT",
    "usage": "ENCRYPT_DECRYPT",
    "origin": "AWS_KMS",
    "state": "Enabled",
}


def _trails() -> dict[str, Any]:
    facts = chain(*ALARMS)
    every = [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]
    facts["cloudtrail.trails"]["trails"][0] |= {
        "validation": True,
        "bucket": "logs",
        "kms_key": "k",
        "status": {"logging": True, "last_logs_delivery": "1 hours ago"},
        "selectors": {"classic": [{"data": every}]},
    }
    return facts


def _account() -> dict[str, Any]:
    return {
        "iam.summary": {"root_mfa": True, "root_password": True, "users": 1},
        "iam.password_policy": {
            "minimum_length": 14,
            "uppercase": True,
            "lowercase": True,
            "numbers": True,
            "symbols": True,
            "max_age_days": 90,
            "reuse_prevention": 24,
        },
        "iam.credential_report": {
            "generated_at": "1 hours ago",
            "rows": [
                {"user": "<root_account>", "arn": _ROOT, "password_enabled": True},
                {
                    "user": "ann",
                    "arn": "arn:aws:iam::111122223333:user/ann",
                    "password_enabled": True,
                    "password_last_used": "1 days ago",
                    "mfa_active": True,
                    "keys": [
                        {
                            "number": 1,
                            "active": True,
                            "last_rotated": "9 days ago",
                            "last_used": "1 days ago",
                        }
                    ],
                },
            ],
        },
        "iam.authorization": {
            "users": [{"name": "ann", "arn": "arn:aws:iam::111122223333:user/ann"}],
            "roles": [
                {
                    "name": "app",
                    "arn": "r",
                    "profiles": [_PROFILE],
                    "attached": [{"name": "read", "arn": "p"}],
                }
            ],
            "policies": [{"name": "read", "arn": "p", "attachments": 1, "document": _READ}],
        },
        "iam.policy_entities": [
            {"name": "AWSSupportAccess", "arn": "s", "roles": ["support"]},
            {"name": "AWSCloudShellFullAccess", "arn": "c"},
        ],
        "iam.virtual_mfa": [],
        "iam.server_certificates": [
            {"name": "web", "arn": "w", "expiration": "2027-01-01T00:00:00+00:00"}
        ],
        "iam.saml_providers": [{"arn": "s", "name": "idp"}],
        "iam.oidc_providers": [],
        "iam.root_features": {"features": ["RootCredentialsManagement", "RootSessions"]},
        "account.contact": {
            "full_name": "Ann",
            "company": "Example",
            "country": "DE",
            "phone_end": "67",
            "address_end": "Ring 4",
        },
        "account.security_contact": {"name": "SOC", "has_email": True, "has_phone": True},
    }


def _organization() -> dict[str, Any]:
    delegated = (
        '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "222233334444"},'
        ' "Action": "organizations:*", "Resource": "*"}}'
    )
    return {
        "organizations.organization": {"id": "o-1", "management_account": "111122223333"},
        "organizations.resource_policy": delegated,
        "organizations.services": [
            {"service": "guardduty.amazonaws.com", "administrators": ["222233334444"]}
        ],
        "organizations.tree": {
            "units": [{"id": "r-1", "name": "Root", "policy_types": ["SERVICE_CONTROL_POLICY"]}],
            "members": [{"id": "222233334444", "name": "dev", "parent": "r-1"}],
        },
        "organizations.guardrails": [
            {"id": "p-1", "name": "base", "type": "SERVICE_CONTROL_POLICY", "targets": ["r-1"]}
        ],
    }


def _storage() -> dict[str, Any]:
    return {
        "s3control.public_access_block": _BLOCK,
        "cloudfront.distributions": [{"id": "E1", "arn": "d", "logs": ["standard"]}],
        "s3.buckets": [{"name": "logs", "region": REGION}],
        "s3.bucket_policies": [{"bucket": "logs", "document": _TLS_ONLY}],
        "s3.bucket_versioning": [{"bucket": "logs", "enabled": True, "mfa_delete": True}],
        "s3.bucket_public_access_blocks": [{"bucket": "logs", "block": _BLOCK}],
        "s3.bucket_encryption": [{"bucket": "logs", "algorithm": "AES256"}],
        "s3.trail_bucket_logging": [{"bucket": "logs", "target": {"bucket": "access"}}],
        "s3.trail_bucket_access": [
            {
                "bucket": "logs",
                "public_grants": [],
                "document": _TLS_ONLY,
                "policy_public": False,
                "block": _BLOCK,
            }
        ],
    }


def _regional(region: str) -> dict[str, Any]:
    instance = f"arn:aws:ec2:{region}:111122223333:instance/i-1"
    return {
        "config.recorders": [{"name": "default", "all_supported": True, "global_types": True}],
        "config.recorder_statuses": [
            {"name": "default", "recording": True, "last_status": "SUCCESS"}
        ],
        "config.delivery_channels": [{"name": "default", "bucket": "logs"}],
        "securityhub.hub": {"arn": f"arn:aws:securityhub:{region}:111122223333:hub/default"},
        "macie.session": {"status": "ENABLED"},
        "accessanalyzer.analyzers": [
            {"name": "x", "arn": f"a-{region}", "type": "ACCOUNT", "status": "ACTIVE"}
        ],
        "accessanalyzer.findings": [],
        "sso.instances": [],
        "ec2.ebs_default": {"encrypted": True},
        "ec2.vpcs": [{"id": "vpc-1", "networks": ["10.0.0.0/16"]}],
        "ec2.flow_logs": [
            {"id": "fl-1", "resource": "vpc-1", "status": "ACTIVE", "traffic": "ALL"}
        ],
        "ec2.security_groups": [
            {"id": "sg-1", "name": "default", "vpc": "vpc-1"},
            {
                "id": "sg-2",
                "name": "web",
                "vpc": "vpc-1",
                "inbound": [
                    {
                        "protocol": "tcp",
                        "from_port": 22,
                        "to_port": 22,
                        "prefix_lists": ["pl-1"],
                    },
                    {
                        "protocol": "tcp",
                        "from_port": 445,
                        "to_port": 445,
                        "prefix_lists": ["pl-1"],
                    },
                ],
            },
        ],
        "ec2.prefix_lists": [{"id": "pl-1", "networks": ["198.51.100.0/24", "2001:db8::/32"]}],
        "ec2.network_acls": [{"id": "acl-1", "vpc": "vpc-1"}],
        "ec2.route_tables": [
            {
                "id": "rtb-1",
                "vpc": "vpc-1",
                "routes": [{"destination": "10.1.2.0/24", "target": "pcx-1"}],
            }
        ],
        "ec2.peerings": [
            {"id": "pcx-1", "status": "active", "accepter_networks": ["10.1.0.0/16"]}
        ],
        "ec2.subnets": [{"id": "subnet-1", "vpc": "vpc-1"}],
        "ec2.vpc_endpoints": [
            {"id": "vpce-1", "vpc": "vpc-1", "service": f"com.amazonaws.{region}.s3"}
        ],
        "ec2.instances": [
            {
                "id": "i-1",
                "arn": instance,
                "state": "running",
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "options_state": "applied",
                "profile_arn": _PROFILE,
            }
        ],
        "rds.instances": [
            {
                "id": "db",
                "arn": f"db-{region}",
                "engine": "aurora-mysql",
                "encrypted": True,
                "minor_upgrade": True,
                "public": False,
                "cluster": "c",
            }
        ],
        "rds.clusters": [{"id": "c", "arn": "c", "engine": "aurora-mysql", "multi_az": True}],
        "efs.file_systems": [{"id": "fs-1", "arn": f"fs-{region}", "encrypted": True}],
        "elbv2.load_balancers": [
            {"name": "web", "arn": f"lb-{region}", "type": "application", "logs": ["bucket"]}
        ],
        "apigateway.apis": [],
        "apigatewayv2.apis": [],
        "sqs.policies": [{"arn": f"q-{region}", "document": _ORGANIZATION_ONLY}],
        "ssm.document_shares": [],
        **{
            f"{service}.policies": []
            for service in ("sns", "lambda", "kms", "secretsmanager", "glacier", "events")
        },
        "kms.keys": [
            {"id": "k", "arn": f"k-{region}", "details": _KEY, "rotation": {"enabled": True}}
        ],
    }


def _by_region() -> dict[str, Any]:
    regions = (REGION, _OTHER)
    facts = {region: _regional(region) for region in regions}
    return {name: {region: facts[region][name] for region in regions} for name in facts[REGION]}


FULL = snapshot(
    _trails() | _account() | _organization() | _storage() | _by_region(),
    regions=[REGION, _OTHER],
)
