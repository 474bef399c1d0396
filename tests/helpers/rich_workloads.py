"""The workload identity of the rich account: a provider of tokens, a cluster with one of everything."""

from __future__ import annotations

from typing import Any

from helpers.rich_estate import THEN
from helpers.scripted_aws import ACCOUNT

CLUSTER = "prod"
CLUSTER_ARN = f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/{CLUSTER}"
ISSUER = "https://oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/payments-api"
TARGET = "arn:aws:iam::444455556666:role/ledger"
_PROFILE = "11111111-2222-3333-4444-55555555555"
_SERVERS = f"arn:aws:transfer:us-east-1:{ACCOUNT}:server/"
_SERVER = {"Arn": f"{_SERVERS}s-0123456789abcdef1", "ServerId": "s-0123456789abcdef1"}
_TRANSFERRING = {
    "Arn": f"arn:aws:transfer:us-east-1:{ACCOUNT}:user/s-0123456789abcdef1/supplier",
    "UserName": "supplier",
    "Role": ROLE,
    "HomeDirectory": "/books/incoming",
    "HomeDirectoryType": "PATH",
}
_GROUP = {
    "ExternalId": "S-1-1-12-1234567890-123456789-1234567890-1234",
    "Role": ROLE,
    "HomeDirectoryType": "LOGICAL",
}
_ASSOCIATION = {
    "clusterName": CLUSTER,
    "namespace": "payments",
    "serviceAccount": "api",
    "associationArn": f"arn:aws:eks:us-east-1:{ACCOUNT}:podidentityassociation/{CLUSTER}/a-1",
    "associationId": "a-1",
}

WORKLOADS: dict[str, Any] = {
    "iam:GetOpenIDConnectProvider": {
        "Url": "token.actions.githubusercontent.com",
        "ClientIDList": ["sts.amazonaws.com"],
        "ThumbprintList": ["a" * 40],
        "CreateDate": THEN,
    },
    "iam:ListRoles": {
        "Roles": [
            {
                "Path": "/",
                "RoleName": "payments-api",
                "RoleId": "AROAEXAMPLEEXAMPLE00",
                "Arn": ROLE,
                "CreateDate": THEN,
                "MaxSessionDuration": 43200,
            }
        ]
    },
    "eks:ListClusters": {"clusters": [CLUSTER]},
    "eks:DescribeCluster": {
        "cluster": {
            "name": CLUSTER,
            "arn": CLUSTER_ARN,
            "identity": {"oidc": {"issuer": ISSUER}},
            "computeConfig": {"enabled": False},
            "version": "1.33",
            "resourcesVpcConfig": {
                "endpointPublicAccess": True,
                "publicAccessCidrs": ["192.0.2.0/24"],
            },
            "logging": {
                "clusterLogging": [
                    {"types": ["audit", "api"], "enabled": True},
                    {"types": ["scheduler"], "enabled": False},
                ]
            },
            "encryptionConfig": [
                {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:us-east-1:1:key/k"}}
            ],
            "accessConfig": {"authenticationMode": "API"},
        }
    },
    "eks:ListAccessEntries": {"accessEntries": [ROLE]},
    "eks:ListAssociatedAccessPolicies": {
        "clusterName": CLUSTER,
        "principalArn": ROLE,
        "associatedAccessPolicies": [
            {
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                "accessScope": {"type": "cluster", "namespaces": []},
            },
            {
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "accessScope": {"type": "namespace", "namespaces": ["payments"]},
            },
        ],
    },
    "eks:ListPodIdentityAssociations": {"associations": [_ASSOCIATION]},
    "eks:DescribePodIdentityAssociation": {
        "association": {
            **_ASSOCIATION,
            "roleArn": ROLE,
            "targetRoleArn": TARGET,
            "externalId": f"us-east-1/{ACCOUNT}/{CLUSTER}/payments/api",
            "disableSessionTags": True,
            "policy": "{}",
        }
    },
    "transfer:ListServers": {
        "Servers": [
            {**_SERVER, "Domain": "S3", "IdentityProviderType": "SERVICE_MANAGED"},
            {
                "Arn": f"{_SERVERS}s-0123456789abcdef2",
                "ServerId": "s-0123456789abcdef2",
                "Domain": "S3",
                "IdentityProviderType": "AWS_DIRECTORY_SERVICE",
            },
            {
                "Arn": f"{_SERVERS}s-0123456789abcdef3",
                "ServerId": "s-0123456789abcdef3",
                "Domain": "EFS",
                "IdentityProviderType": "SERVICE_MANAGED",
            },
            {
                "Arn": f"{_SERVERS}s-0123456789abcdef4",
                "ServerId": "s-0123456789abcdef4",
                "Domain": "S3",
                "IdentityProviderType": "AWS_LAMBDA",
            },
        ]
    },
    "transfer:ListUsers": {"ServerId": "s-0123456789abcdef1", "Users": [_TRANSFERRING]},
    "transfer:DescribeUser": {
        "ServerId": "s-0123456789abcdef1",
        "User": {**_TRANSFERRING, "Policy": "{}"},
    },
    "transfer:ListAccesses": {"ServerId": "s-0123456789abcdef2", "Accesses": [_GROUP]},
    "transfer:DescribeAccess": {"ServerId": "s-0123456789abcdef2", "Access": _GROUP},
    "emr:ListStudios": {
        "Studios": [
            {"StudioId": "es-1", "Name": "research", "AuthMode": "SSO"},
            {"StudioId": "es-2", "Name": "reports", "AuthMode": "IAM"},
        ]
    },
    "emr:DescribeStudio": {
        "Studio": {
            "StudioId": "es-1",
            "StudioArn": f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:studio/es-1",
            "Name": "research",
            "AuthMode": "SSO",
            "ServiceRole": f"arn:aws:iam::{ACCOUNT}:role/studios",
            "UserRole": ROLE,
        }
    },
    "emr:ListStudioSessionMappings": {
        "SessionMappings": [
            {
                "StudioId": "es-1",
                "IdentityId": "1234567890-11111111-2222-3333-4444-555555555555",
                "IdentityName": name,
                "IdentityType": kind,
                "SessionPolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/{name}",
            }
            for name, kind in (("readers", "GROUP"), ("ann", "USER"))
        ]
    },
    "rolesanywhere:ListProfiles": {
        "profiles": [
            {
                "profileArn": f"arn:aws:rolesanywhere:us-east-1:{ACCOUNT}:profile/{_PROFILE}1",
                "profileId": f"{_PROFILE}1",
                "name": "laboratory",
                "enabled": True,
                "roleArns": [ROLE],
                "sessionPolicy": "{}",
                "managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            },
            {
                "profileArn": f"arn:aws:rolesanywhere:us-east-1:{ACCOUNT}:profile/{_PROFILE}2",
                "profileId": f"{_PROFILE}2",
                "name": "retired",
                "enabled": False,
                "roleArns": [ROLE],
            },
        ]
    },
    "eks:ListAddons": {"addons": ["vpc-cni", "eks-pod-identity-agent"]},
    "eks:ListNodegroups": {"nodegroups": ["workers"]},
    "eks:DescribeNodegroup": {
        "nodegroup": {
            "nodegroupName": "workers",
            "nodegroupArn": f"arn:aws:eks:us-east-1:{ACCOUNT}:nodegroup/{CLUSTER}/workers/1",
            "nodeRole": f"arn:aws:iam::{ACCOUNT}:role/nodes",
            "amiType": "AL2023_x86_64_STANDARD",
            "launchTemplate": {"id": "lt-1", "name": "workers", "version": "3"},
        }
    },
    "eks:ListFargateProfiles": {"fargateProfileNames": ["jobs"]},
    "eks:DescribeFargateProfile": {
        "fargateProfile": {
            "fargateProfileName": "jobs",
            "selectors": [{"namespace": "jobs"}, {"namespace": "b", "labels": {"x": "y"}}],
        }
    },
    "ec2:DescribeLaunchTemplateVersions": {
        "LaunchTemplateVersions": [
            {
                "LaunchTemplateId": "lt-1",
                "LaunchTemplateData": {
                    "UserData": "c2VjcmV0",
                    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                },
            }
        ]
    },
}
