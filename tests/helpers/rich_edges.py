"""What the rich account shows to others: front ends with their logs, resources with policies, and what identities used."""

from __future__ import annotations

from typing import Any

from helpers.rich_estate import THEN, TRUST
from helpers.scripted_aws import ACCOUNT

_HERE = f"us-east-1:{ACCOUNT}"
_BALANCER = f"arn:aws:elasticloadbalancing:{_HERE}:loadbalancer"
WEB, WIRE, QUIET = (
    f"{_BALANCER}/app/web/1",
    f"{_BALANCER}/net/wire/2",
    f"{_BALANCER}/app/quiet/3",
)
_ORIGINS = {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "o.example"}]}
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"


def _attributes(parameters: dict[str, Any], _region: str) -> dict[str, Any]:
    on = "true" if parameters["LoadBalancerArn"] == WEB else "false"
    return {"Attributes": [{"Key": "access_logs.s3.enabled", "Value": on}]}


def _balancer(arn: str, kind: str) -> dict[str, Any]:
    return {"LoadBalancerArn": arn, "LoadBalancerName": arn.split("/")[2], "Type": kind}


def _source(name: str, service: str, log_type: str, resource: str) -> dict[str, Any]:
    return {"name": name, "service": service, "logType": log_type, "resourceArns": [resource]}


EDGES: dict[str, Any] = {
    "cloudfront:ListDistributions": {
        "DistributionList": {
            "Marker": "",
            "MaxItems": 100,
            "IsTruncated": False,
            "Quantity": 1,
            "Items": [
                {
                    "Id": "E1",
                    "ARN": DISTRIBUTION,
                    "Status": "Deployed",
                    "LastModifiedTime": THEN,
                    "DomainName": "d.cloudfront.net",
                    "Aliases": {"Quantity": 0},
                    "Origins": _ORIGINS,
                    "DefaultCacheBehavior": {
                        "TargetOriginId": "o",
                        "ViewerProtocolPolicy": "https-only",
                    },
                    "CacheBehaviors": {"Quantity": 0},
                    "CustomErrorResponses": {"Quantity": 0},
                    "Comment": "",
                    "PriceClass": "PriceClass_All",
                    "Enabled": True,
                    "ViewerCertificate": {},
                    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
                    "WebACLId": "",
                    "HttpVersion": "http2",
                    "IsIPV6Enabled": True,
                    "Staging": False,
                }
            ],
        }
    },
    "cloudfront:GetDistributionConfig": {
        "DistributionConfig": {
            "CallerReference": "r",
            "Origins": _ORIGINS,
            "DefaultCacheBehavior": {
                "TargetOriginId": "o",
                "ViewerProtocolPolicy": "https-only",
            },
            "Comment": "",
            "Enabled": True,
            "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        }
    },
    "logs:DescribeDeliverySources": {
        "deliverySources": [
            _source("edge", "cloudfront", "ACCESS_LOGS", DISTRIBUTION),
            _source("idle", "elasticloadbalancing", "ALB_ACCESS_LOGS", QUIET),
        ]
    },
    "logs:DescribeDeliveries": {"deliveries": [{"id": "d", "deliverySourceName": "edge"}]},
    "elbv2:DescribeLoadBalancers": {
        "LoadBalancers": [
            _balancer(WEB, "application"),
            _balancer(WIRE, "network"),
            _balancer(QUIET, "application"),
        ]
    },
    "elbv2:DescribeLoadBalancerAttributes": _attributes,
    "elbv2:DescribeListeners": {"Listeners": [{"Protocol": "TCP"}]},
    "apigateway:GetRestApis": {
        "items": [
            {"id": "r1", "name": "shop", "endpointConfiguration": {"types": ["REGIONAL"]}},
        ]
    },
    "apigateway:GetStages": {
        "item": [
            {"stageName": "v2"},
            {"stageName": "v1", "accessLogSettings": {"destinationArn": "arn:aws:logs:x"}},
        ]
    },
    "apigatewayv2:GetApis": {
        "Items": [
            {
                "ApiId": "h1",
                "Name": "api",
                "ProtocolType": "HTTP",
                "RouteSelectionExpression": "$",
            },
            {
                "ApiId": "w1",
                "Name": "chat",
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "$",
            },
        ]
    },
    "apigatewayv2:GetStages": {"Items": [{"StageName": "$default"}]},
    "sqs:ListQueues": {"QueueUrls": [f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/jobs"]},
    "sqs:GetQueueAttributes": {"Attributes": {"Policy": TRUST, "KmsMasterKeyId": "alias/jobs"}},
    "sns:ListTopics": {"Topics": [{"TopicArn": f"arn:aws:sns:{_HERE}:alerts"}]},
    "sns:GetTopicAttributes": {"Attributes": {"Policy": TRUST}},
    "lambda:ListFunctions": {
        "Functions": [
            {
                "FunctionName": "f",
                "FunctionArn": f"arn:aws:lambda:{_HERE}:function:f",
                "Environment": {"Variables": {"TOKEN": "never-kept"}},
            }
        ]
    },
    "lambda:GetPolicy": {"Policy": TRUST},
    "kms:GetKeyPolicy": {"Policy": TRUST, "PolicyName": "default"},
    "secretsmanager:ListSecrets": {
        "SecretList": [{"ARN": f"arn:aws:secretsmanager:{_HERE}:secret:s-1", "Name": "s"}]
    },
    "secretsmanager:GetResourcePolicy": {"ResourcePolicy": TRUST},
    "glacier:ListVaults": {
        "VaultList": [{"VaultARN": f"arn:aws:glacier:{_HERE}:vaults/v", "VaultName": "v"}]
    },
    "glacier:GetVaultAccessPolicy": {"policy": {"Policy": TRUST}},
    "events:ListEventBuses": {
        "EventBuses": [
            {
                "Name": "default",
                "Arn": f"arn:aws:events:{_HERE}:event-bus/default",
                "Policy": TRUST,
            }
        ]
    },
    "iam:GenerateServiceLastAccessedDetails": {"JobId": "0" * 36},
    "iam:GetServiceLastAccessedDetails": {
        "JobStatus": "COMPLETED",
        "JobCreationDate": THEN,
        "JobCompletionDate": THEN,
        "ServicesLastAccessed": [
            {
                "ServiceName": "Amazon S3",
                "ServiceNamespace": "s3",
                "LastAuthenticated": THEN,
                "TrackedActionsLastAccessed": [
                    {"ActionName": "ListAllMyBuckets", "LastAccessedTime": THEN},
                    {"ActionName": "CreateBucket"},
                ],
            },
            {"ServiceName": "Amazon EC2", "ServiceNamespace": "ec2"},
        ],
    },
    "cloudtrail:GetInsightSelectors": {
        "InsightSelectors": [{"InsightType": "ApiErrorRateInsight"}],
    },
}
