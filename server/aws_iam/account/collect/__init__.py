"""The collectors, one file per AWS service."""

from __future__ import annotations

from aws_iam.account.collect import (
    accessanalyzer,
    account,
    apigateway,
    cloudfront,
    cloudtrail,
    cloudwatch,
    config,
    ec2,
    ecs,
    efs,
    eks,
    elbv2,
    iam,
    kms,
    kms_around,
    lambda_,
    last_accessed,
    logs,
    macie,
    organizations,
    ram,
    rds,
    redshift,
    s3,
    s3control,
    secretsmanager,
    securityhub,
    sharing,
    sns,
    ssm,
    sso,
    workload,
)
from aws_iam.account.collect.collector import Collector

MODULES = (
    iam,
    account,
    cloudtrail,
    logs,
    cloudwatch,
    sns,
    config,
    s3,
    s3control,
    kms,
    ec2,
    rds,
    efs,
    securityhub,
    accessanalyzer,
    macie,
    sso,
    organizations,
    cloudfront,
    elbv2,
    apigateway,
    sharing,
    last_accessed,
    secretsmanager,
    ssm,
    ram,
    lambda_,
    ecs,
    redshift,
    eks,
    workload,
    kms_around,
)

COLLECTORS: dict[str, Collector] = {
    value.fact.name: value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, Collector)
}
"""Every collector by the name of its fact, in the order in which they start: the slow report first."""
