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
