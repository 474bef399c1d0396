"""What the demonstration company runs: buckets, networks, servers, databases, keys and secrets."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.demonstration import REGIONS
from demo_account.call import AWAY, HOME
from demo_account.workloads import user_data

if TYPE_CHECKING:
    from demo_account.call import Call

_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_IMAGE = "ami-12c6146b"


def seed_resources(call: Call) -> str:
    """Create everything that is neither identity nor monitoring; answers the trail's key."""
    call(
        "account",
        "put_alternate_contact",
        AlternateContactType="SECURITY",
        Name="Alice Meyer",
        Title="Operations",
        EmailAddress="security@larkspur.example",
        PhoneNumber="+1 555 0100",
    )
    trail_key = _seed_keys(call)
    _seed_buckets(call)
    for region in REGIONS:
        call("ec2", "enable_ebs_encryption_by_default", region=region)
    _seed_shop_network(call)
    _seed_reporting_network(call)
    _seed_databases(call)
    call("efs", "create_file_system", CreationToken="shop-media", Encrypted=True)
    _seed_secrets(call)
    return trail_key


def _seed_keys(call: Call) -> str:
    """Four customer managed keys: two rotate, one does not, one waits for its deletion.

    The one that does not rotate lets a service use it for every account.
    """
    trail_key = _key(
        call, "trail", policy=_key_policy(call, "cloudtrail.amazonaws.com", guarded=True)
    )
    call("kms", "enable_key_rotation", KeyId=trail_key)
    call("kms", "enable_key_rotation", KeyId=_key(call, "shop-data"))
    _key(
        call, "exports", region=AWAY, policy=_key_policy(call, "sns.amazonaws.com", guarded=False)
    )
    # Moto takes the bare id here, AWS the ARN as well.
    old = _key(call, "old-payments").rpartition("/")[2]
    call("kms", "schedule_key_deletion", KeyId=old, PendingWindowInDays=30)
    return trail_key


def _key(call: Call, name: str, *, region: str = HOME, policy: str = "") -> str:
    more = {"Policy": policy} if policy else {}
    made = call("kms", "create_key", region=region, Description=f"larkspur {name}", **more)
    key: str = made["KeyMetadata"]["Arn"]
    call("kms", "create_alias", region=region, AliasName=f"alias/{name}", TargetKeyId=key)
    return key


def _key_policy(call: Call, service: str, *, guarded: bool) -> str:
    own = {"Condition": {"StringEquals": {"aws:SourceAccount": call.account}}} if guarded else {}
    return _policy(
        {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": call.arn("iam", "root")},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "Service",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
            "Resource": "*",
            **own,
        },
    )


def _seed_buckets(call: Call) -> None:
    logs, trail = f"larkspur-logs-{call.account}", f"larkspur-trail-{call.account}"
    _bucket(call, logs)
    _put_policy(call, logs, _service_writes(call, logs, "logging.s3.amazonaws.com"))
    _bucket(call, trail)
    # Access logs are switched on before a policy names `*`: moto mistakes the deny below for an open door.
    target = {"TargetBucket": logs, "TargetPrefix": "s3/trail/"}
    call(
        "s3",
        "put_bucket_logging",
        Bucket=trail,
        BucketLoggingStatus={"LoggingEnabled": target},
    )
    for name, service in (
        (trail, "cloudtrail.amazonaws.com"),
        (logs, "logging.s3.amazonaws.com"),
    ):
        _put_policy(call, name, _service_writes(call, name, service), _deny_http(name))
    debugging = f"larkspur-eu-debugging-{call.account}"
    _bucket(call, debugging, region=AWAY)
    statement = _service_writes(call, debugging, "cloudtrail.amazonaws.com")
    _put_policy(call, debugging, statement, region=AWAY)
    orders = f"larkspur-orders-{call.account}"
    _bucket(call, orders, versioned=True)
    _put_policy(call, orders, _deny_http(orders))
    press = f"larkspur-press-{call.account}"
    _bucket(call, press, blocked=False)
    _put_policy(call, press, _everyone_reads(press))


def _bucket(
    call: Call, name: str, *, region: str = HOME, blocked: bool = True, versioned: bool = False
) -> None:
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != HOME else {}
    call("s3", "create_bucket", region=region, Bucket=name, **place)
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    call(
        "s3",
        "put_bucket_encryption",
        region=region,
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [default]},
    )
    if blocked:
        call(
            "s3",
            "put_public_access_block",
            region=region,
            Bucket=name,
            PublicAccessBlockConfiguration=_BLOCKED,
        )
    if versioned:
        call(
            "s3",
            "put_bucket_versioning",
            region=region,
            Bucket=name,
            VersioningConfiguration={"Status": "Enabled"},
        )


def _put_policy(call: Call, bucket: str, *statements: dict[str, Any], region: str = HOME) -> None:
    call("s3", "put_bucket_policy", region=region, Bucket=bucket, Policy=_policy(*statements))


def _service_writes(call: Call, bucket: str, service: str) -> dict[str, Any]:
    return {
        "Sid": "ServiceWrites",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": call.account}},
    }


def _deny_http(bucket: str) -> dict[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _everyone_reads(bucket: str) -> dict[str, Any]:
    return {
        "Sid": "PressKit",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }


def _seed_shop_network(call: Call) -> None:
    """The shop's network: its flow log is on, and its bastion is open to the world."""
    vpc = call("ec2", "create_vpc", CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        call("ec2", "create_subnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for cidr, zone in (("10.20.1.0/24", f"{HOME}a"), ("10.20.2.0/24", f"{HOME}b"))
    ]
    call("logs", "create_log_group", logGroupName="vpc/shop")
    call(
        "ec2",
        "create_flow_logs",
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName="vpc/shop",
        DeliverLogsPermissionArn=call.arn("iam", "role/trail-to-logs"),
    )
    web = _group(call, vpc, "web", (80, "0.0.0.0/0"), (443, "0.0.0.0/0"), (443, "::/0"))
    bastion = _group(call, vpc, "bastion", (22, "0.0.0.0/0"), (22, "::/0"))
    _group(call, vpc, "office", (22, "203.0.113.24/32"))
    _server(call, subnets[0], web, tokens="required", profile="shop-web")
    _server(call, subnets[0], bastion, tokens="optional", profile=None, fault=True)
    _balancer(call, "shop", subnets, web, logs=True)
    _balancer(call, "status-page", subnets, web, logs=False)


def _balancer(call: Call, name: str, subnets: list[str], group: str, *, logs: bool) -> None:
    made = call(
        "elbv2",
        "create_load_balancer",
        Name=name,
        Subnets=subnets,
        SecurityGroups=[group],
        Scheme="internet-facing",
    )
    attributes = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "larkspur-logs"}
    if logs:
        call(
            "elbv2",
            "modify_load_balancer_attributes",
            LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
            Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()],
        )


def _seed_reporting_network(call: Call) -> None:
    """The reporting network in the other Region: remote desktop open, nothing recorded."""
    vpc = call("ec2", "create_vpc", region=AWAY, CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    _group(call, vpc, "remote-desktop", (3389, "0.0.0.0/0"), (3389, "::/0"), region=AWAY)


def _group(call: Call, vpc: str, name: str, *openings: tuple[int, str], region: str = HOME) -> str:
    made = call(
        "ec2",
        "create_security_group",
        region=region,
        GroupName=name,
        Description=f"larkspur {name}",
        VpcId=vpc,
    )
    group: str = made["GroupId"]
    call(
        "ec2",
        "authorize_security_group_ingress",
        region=region,
        GroupId=group,
        IpPermissions=[_opening(port, source) for port, source in openings],
    )
    return group


def _opening(port: int, source: str) -> dict[str, Any]:
    ranges: dict[str, Any] = (
        {"Ipv6Ranges": [{"CidrIpv6": source}]}
        if ":" in source
        else {"IpRanges": [{"CidrIp": source}]}
    )
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **ranges}


def _server(
    call: Call, subnet: str, group: str, *, tokens: str, profile: str | None, fault: bool = False
) -> None:
    more: dict[str, Any] = {"IamInstanceProfile": {"Name": profile}} if profile else {}
    call(
        "ec2",
        "run_instances",
        ImageId=_IMAGE,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group],
        MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": "enabled"},
        UserData=user_data(fault=fault),
        **more,
    )


def _seed_databases(call: Call) -> None:
    """The shop's database is as it should be; the reporting copy is not."""
    common: dict[str, Any] = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.medium",
        "AllocatedStorage": 50,
        "MasterUsername": "larkspur",
        "ManageMasterUserPassword": True,
    }
    call(
        "rds",
        "create_db_instance",
        DBInstanceIdentifier="shop",
        StorageEncrypted=True,
        MultiAZ=True,
        AutoMinorVersionUpgrade=True,
        PubliclyAccessible=False,
        **common,
    )
    call(
        "rds",
        "create_db_instance",
        region=AWAY,
        DBInstanceIdentifier="reporting",
        StorageEncrypted=False,
        MultiAZ=False,
        AutoMinorVersionUpgrade=True,
        PubliclyAccessible=True,
        **common,
    )


def _seed_secrets(call: Call) -> None:
    """Two secrets and three parameters; one parameter holds in plain text what belongs in a secret."""
    for name, description in (
        ("shop/database", "Database of the shop"),
        ("payments/api-key", "Key of the payment provider"),
    ):
        call(
            "secretsmanager",
            "create_secret",
            Name=name,
            Description=description,
            SecretString="demonstration-only",
            # The SDK's own would be another one in every run, and names the secret's version.
            ClientRequestToken=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        )
    for name, kind in (
        ("/shop/feature-flags", "String"),
        ("/shop/database-password", "String"),
        ("/shop/newsletter-token", "SecureString"),
    ):
        call("ssm", "put_parameter", Name=name, Type=kind, Value="demonstration-only")


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
