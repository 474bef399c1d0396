"""What the rich account owns: buckets, keys, networks, databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from helpers.scripted_aws import ACCOUNT

THEN = datetime(2026, 1, 1, tzinfo=UTC)
TRUST = '{"Version": "2012-10-17", "Statement": []}'
PUBLIC = "http://acs.amazonaws.com/groups/global/AllUsers"


def _key(parameters: dict[str, Any], _region: str) -> dict[str, Any]:
    key = parameters["KeyId"]
    return {
        "KeyMetadata": {
            "KeyId": key,
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT" if key == "k-own" else "RSA_2048",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "Origin": "EXTERNAL" if key == "k-rsa" else "AWS_KMS",
            "KeyState": "Enabled",
            "MultiRegion": False,
            "CreationDate": THEN,
        }
    }


ESTATE: dict[str, Any] = {
    "s3:ListBuckets": {"Buckets": [{"Name": "own-logs", "BucketRegion": "eu-west-1"}]},
    "s3:GetBucketPolicy": {"Policy": TRUST},
    "s3:GetBucketVersioning": {"Status": "Enabled"},
    "s3:GetPublicAccessBlock": {
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    },
    "s3:GetBucketEncryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": "arn:aws:kms:eu-west-1:111122223333:key/k-own",
                    }
                }
            ]
        }
    },
    "s3:GetBucketLogging": {"LoggingEnabled": {"TargetBucket": "access", "TargetPrefix": "p/"}},
    "s3:GetBucketAcl": {
        "Grants": [
            {"Grantee": {"Type": "CanonicalUser", "ID": "1"}, "Permission": "FULL_CONTROL"},
            {"Grantee": {"Type": "Group", "URI": PUBLIC}, "Permission": "READ"},
        ]
    },
    "s3:GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": False}},
    "s3control:GetPublicAccessBlock": {
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}
    },
    "kms:ListAliases": {
        "Aliases": [
            {"AliasName": "alias/aws/s3", "TargetKeyId": "k-aws"},
            {"AliasName": "alias/shop", "TargetKeyId": "k-own"},
        ]
    },
    "kms:ListKeys": {
        "Keys": [
            {"KeyId": key, "KeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"}
            for key in ("k-rsa", "k-own", "k-aws")
        ]
    },
    "kms:DescribeKey": _key,
    "kms:GetKeyRotationStatus": {"KeyRotationEnabled": True, "RotationPeriodInDays": 365},
    "kms:ListGrants": {
        "Grants": [
            {
                "GrantId": f"g-{number}",
                "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/app",
                "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
                "Operations": ["Decrypt", "CreateGrant"],
                "Constraints": {"EncryptionContextSubset": {"app": "shop"}},
            }
            for number in (1, 2)
        ]
    },
    "kms:ListKeyPolicies": {"PolicyNames": ["default", "AWS_RAM"]},
    "kms:ListKeyRotations": {
        "Rotations": [{"KeyMaterialId": "a" * 64, "ImportState": "IMPORTED", "ValidTo": THEN}]
    },
    "kms:DescribeCustomKeyStores": {
        "CustomKeyStores": [
            {
                "CustomKeyStoreId": "cks-1",
                "CustomKeyStoreName": "hsm",
                "ConnectionState": "FAILED",
                "ConnectionErrorCode": "CLUSTER_NOT_FOUND",
            }
        ]
    },
    "kms:GetKeyLastUsage": {
        "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": THEN},
        "TrackingStartDate": THEN,
        "KeyCreationDate": THEN,
    },
    "ec2:DescribeSecurityGroups": {
        "SecurityGroups": [
            {
                "GroupId": "sg-1",
                "GroupName": "web",
                "VpcId": "vpc-1",
                "IpPermissions": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": 22,
                        "ToPort": 22,
                        "IpRanges": [{"CidrIp": "128.0.0.0/1"}, {"CidrIp": "0.0.0.0/1"}],
                        "PrefixListIds": [{"PrefixListId": "pl-1"}],
                    }
                ],
            }
        ]
    },
    "ec2:GetManagedPrefixListEntries": {"Entries": [{"Cidr": "0.0.0.0/0"}]},
    "ec2:DescribeNetworkAcls": {
        "NetworkAcls": [
            {
                "NetworkAclId": "acl-1",
                "VpcId": "vpc-1",
                "IsDefault": True,
                "Entries": [
                    {
                        "RuleNumber": 200,
                        "Protocol": "6",
                        "RuleAction": "allow",
                        "Egress": False,
                        "CidrBlock": "0.0.0.0/0",
                        "PortRange": {"From": 22, "To": 22},
                    },
                    {
                        "RuleNumber": 100,
                        "Protocol": "-1",
                        "RuleAction": "deny",
                        "Egress": False,
                        "CidrBlock": "0.0.0.0/0",
                    },
                ],
            }
        ]
    },
    "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]},
    "ec2:DescribeFlowLogs": {
        "FlowLogs": [
            {
                "FlowLogId": "fl-1",
                "ResourceId": "vpc-1",
                "FlowLogStatus": "ACTIVE",
                "TrafficType": "REJECT",
            }
        ]
    },
    "ec2:DescribeRouteTables": {
        "RouteTables": [
            {
                "RouteTableId": "rtb-1",
                "VpcId": "vpc-1",
                "Associations": [{"Main": True}, {"SubnetId": "subnet-1"}],
                "Routes": [
                    {
                        "DestinationCidrBlock": "10.1.0.0/16",
                        "VpcPeeringConnectionId": "pcx-1",
                        "State": "active",
                    }
                ],
            }
        ]
    },
    "ec2:DescribeVpcPeeringConnections": {
        "VpcPeeringConnections": [
            {
                "VpcPeeringConnectionId": "pcx-1",
                "Status": {"Code": "active"},
                "RequesterVpcInfo": {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"},
                "AccepterVpcInfo": {
                    "VpcId": "vpc-2",
                    "CidrBlockSet": [{"CidrBlock": "10.1.0.0/16"}],
                },
            }
        ]
    },
    "ec2:DescribeSubnets": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}]},
    "ec2:DescribeVpcEndpoints": {
        "VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "ServiceName": "s3"}]
    },
    "ec2:DescribeInstances": {
        "Reservations": [
            {
                "Instances": [
                    {
                        "InstanceId": "i-1",
                        "State": {"Name": "running"},
                        "MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "enabled"},
                    }
                ]
            }
        ]
    },
    "ec2:GetEbsEncryptionByDefault": {"EbsEncryptionByDefault": False},
    "rds:DescribeDBInstances": {
        "DBInstances": [
            {
                "DBInstanceIdentifier": "db",
                "DBInstanceArn": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:db",
                "Engine": "postgres",
                "StorageEncrypted": True,
                "AutoMinorVersionUpgrade": True,
                "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
                "DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": "subnet-1"}]},
                "Endpoint": {"Port": 5432},
            }
        ]
    },
    "rds:DescribeDBClusters": {"DBClusters": [{"DBClusterIdentifier": "c", "MultiAZ": True}]},
    "efs:DescribeFileSystems": {
        "FileSystems": [
            {
                "OwnerId": ACCOUNT,
                "CreationToken": "t",
                "FileSystemId": "fs-1",
                "CreationTime": THEN,
                "LifeCycleState": "available",
                "NumberOfMountTargets": 0,
                "SizeInBytes": {"Value": 1},
                "PerformanceMode": "generalPurpose",
                "Tags": [],
                "Encrypted": True,
            }
        ]
    },
}
