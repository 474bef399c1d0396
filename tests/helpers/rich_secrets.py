"""What the rich account keeps secret, as the answers of AWS; the values in them must never come out."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from helpers.scripted_aws import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

THEN = datetime(2026, 1, 1, tzinfo=UTC)
VALUE = "hunter2-Zq81-never-shown"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/app/db-a1B2c3"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:rotate"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
PARAMETER = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/prod/app/url"
CLUSTER = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/prod"
SERVICE = f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/prod/app"
TASK = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/app:3"
SHARE = f"arn:aws:ram:us-east-1:{ACCOUNT}:resource-share/1"
CURRENT, WAITING = "c" * 32, "d" * 32
PENDING = {CURRENT: ["AWSCURRENT"], WAITING: ["AWSPENDING"]}
EXPIRY = {
    "Type": "Expiration",
    "Version": "1.0",
    "Attributes": {"Timestamp": "2026-12-01T00:00:00Z"},
}


def policy(action: str, principal: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


STORED: Mapping[str, Any] = {
    "secretsmanager:ListSecrets": {
        "SecretList": [
            {
                "ARN": SECRET,
                "Name": "prod/app/db",
                "Description": VALUE,
                "KmsKeyId": KEY,
                "RotationEnabled": True,
                "RotationLambdaARN": FUNCTION,
                "RotationRules": {"ScheduleExpression": "rate(10 days)", "Duration": "3h"},
                "CreatedDate": THEN,
                "NextRotationDate": THEN,
                "SecretVersionsToStages": PENDING,
                "Tags": [{"Key": "password", "Value": VALUE}],
            }
        ]
    },
    "secretsmanager:DescribeSecret": {
        "ARN": SECRET,
        "ReplicationStatus": [{"Region": "eu-west-1", "Status": "Failed", "StatusMessage": VALUE}],
        "CrossAccountReplicas": [
            {
                "ReplicaSecretARN": SECRET.replace(ACCOUNT, "444455556666"),
                "ReplicationStatus": "Detached",
            }
        ],
    },
    "secretsmanager:ListSecretVersionIds": {
        "Versions": [
            {"VersionId": CURRENT, "VersionStages": ["AWSCURRENT"], "CreatedDate": THEN},
            {"VersionId": WAITING, "VersionStages": ["AWSPENDING"], "CreatedDate": THEN},
        ]
    },
    "secretsmanager:ListResourcePolicies": {
        "ResourcePolicies": [{"PolicyName": "default"}, {"PolicyName": "partner"}]
    },
    "secretsmanager:GetResourcePolicy": lambda given, _region: {
        "ARN": SECRET,
        "ResourcePolicy": policy(
            "secretsmanager:GetSecretValue",
            "*" if given.get("PolicyName") == "partner" else {"AWS": "444455556666"},
        ),
    },
    "kms:GetKeyPolicy": {"Policy": policy("kms:*", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})},
    "ssm:DescribeParameters": {
        "Parameters": [
            {
                "Name": "/prod/app/password",
                "Type": "SecureString",
                "KeyId": KEY,
                "LastModifiedDate": THEN,
                "Policies": [{"PolicyType": "Expiration", "PolicyText": json.dumps(EXPIRY)}],
            },
            {
                "Name": "/prod/app/url",
                "ARN": PARAMETER,
                "Type": "String",
                "Tier": "Advanced",
                "Description": "the password of the application",
            },
        ]
    },
    "ssm:GetResourcePolicies": {
        "Policies": [{"Policy": policy("ssm:GetParameter", {"AWS": "444455556666"})}]
    },
    "ssm:GetParameters": lambda given, _region: {
        "Parameters": [
            {"Name": name, "Type": "String", "Value": f"ghp_{'a1B2' * 9}"}
            for name in given["Names"]
        ]
    },
    "ram:ListResources": {"resources": [{"arn": PARAMETER, "resourceShareArn": SHARE}]},
    "ram:ListPrincipals": {"principals": [{"id": "444455556666", "resourceShareArn": SHARE}]},
    "lambda:ListFunctions": {
        "Functions": [
            {
                "FunctionName": "app",
                "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:app",
                "Role": f"arn:aws:iam::{ACCOUNT}:role/app",
                "Runtime": "python3.13",
                "Environment": {
                    "Variables": {
                        "DB_PASSWORD": VALUE,
                        "APP_SECRET": "prod/app/db",
                        "STAGE": "prod",
                    }
                },
            },
            {
                "FunctionName": "hidden",
                "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hidden",
                "Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": VALUE}},
            },
        ]
    },
    "lambda:GetFunctionConfiguration": {"State": "Active", "Runtime": "python3.8"},
    "lambda:GetPolicy": {
        "Policy": policy("lambda:InvokeFunction", {"Service": "secretsmanager.amazonaws.com"})
    },
    "ecs:ListClusters": {"clusterArns": [CLUSTER]},
    "ecs:ListServices": {"serviceArns": [SERVICE]},
    "ecs:DescribeServices": {"services": [{"serviceArn": SERVICE, "taskDefinition": TASK}]},
    "ecs:ListTaskDefinitionFamilies": {"families": ["app"]},
    "ecs:DescribeTaskDefinition": {
        "taskDefinition": {
            "taskDefinitionArn": TASK,
            "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/gone",
            "containerDefinitions": [
                {
                    "name": "app",
                    "environment": [{"name": "API_TOKEN", "value": VALUE}],
                    "secrets": [{"name": "DB", "valueFrom": f"{SECRET}:password::"}],
                }
            ],
        }
    },
    "ec2:DescribeInstanceAttribute": {
        "InstanceId": "i-1",
        "UserData": {"Value": encoded(f"#!/bin/bash\nexport DB_PASS={VALUE}\n")},
    },
    "ec2:DescribeLaunchTemplates": {
        "LaunchTemplates": [{"LaunchTemplateId": "lt-1", "LaunchTemplateName": "app"}]
    },
    "ec2:DescribeLaunchTemplateVersions": {
        "LaunchTemplateVersions": [
            {
                "LaunchTemplateId": "lt-1",
                "LaunchTemplateData": {"UserData": encoded(f"db_password: '{VALUE}'\n")},
            }
        ]
    },
    "codebuild:ListProjects": {"projects": ["app"]},
    "codebuild:BatchGetProjects": {
        "projects": [
            {
                "name": "app",
                "arn": f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/app",
                "source": {"type": "CODECOMMIT", "buildspec": "phases: {}"},
                "environment": {
                    "type": "LINUX_CONTAINER",
                    "image": "aws/codebuild/standard:7.0",
                    "computeType": "BUILD_GENERAL1_SMALL",
                    "environmentVariables": [
                        {"name": "NPM_TOKEN", "value": VALUE, "type": "PLAINTEXT"},
                        {"name": "DB_PASSWORD", "value": SECRET, "type": "SECRETS_MANAGER"},
                    ],
                },
            }
        ]
    },
    "ssm:ListDocuments": {"DocumentIdentifiers": [{"Name": "deploy"}]},
    "ssm:DescribeDocumentPermission": {"AccountIds": ["all"]},
    "ssm:GetDocument": {
        "Name": "deploy",
        "Content": json.dumps(
            {"mainSteps": [{"inputs": {"runCommand": [f"PGPASSWORD='{VALUE}' psql"]}}]}
        ),
    },
    "cloudformation:DescribeStacks": {
        "Stacks": [
            {
                "StackName": "app",
                "StackId": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/app/1",
                "CreationTime": THEN,
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": [{"OutputKey": "DatabasePassword", "OutputValue": VALUE}],
                "Parameters": [{"ParameterKey": "AdminPassword", "ParameterValue": "****"}],
            }
        ]
    },
    "stepfunctions:ListStateMachines": {
        "stateMachines": [
            {
                "stateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:app",
                "name": "app",
                "type": "STANDARD",
                "creationDate": THEN,
            }
        ]
    },
    "stepfunctions:DescribeStateMachine": {
        "stateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:app",
        "name": "app",
        "definition": json.dumps(
            {"States": {"Call": {"Parameters": {"apiKey": VALUE, "token.$": "$.token"}}}}
        ),
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/app",
        "type": "STANDARD",
        "creationDate": THEN,
    },
    "glue:GetJobs": {
        "Jobs": [
            {
                "Name": "app",
                "DefaultArguments": {"--db_password": VALUE, "--job-language": "python"},
            }
        ]
    },
    "redshift:DescribeClusters": {"Clusters": [{"ClusterIdentifier": "reports"}]},
}
