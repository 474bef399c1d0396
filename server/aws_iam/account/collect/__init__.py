"""The collectors, one file per AWS service."""

from __future__ import annotations

from aws_iam.account.collect import (
    accessanalyzer,
    account,
    cloudtrail,
    cloudwatch,
    config,
    ec2,
    efs,
    iam,
    kms,
    logs,
    macie,
    organizations,
    rds,
    s3,
    s3control,
    securityhub,
    sns,
    sso,
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
)

COLLECTORS: dict[str, Collector] = {
    value.fact.name: value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, Collector)
}
"""Every collector by the name of its fact, in the order in which they start: the slow report first."""
