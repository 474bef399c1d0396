"""The IAM action that allows an operation: mostly of the same name, else in a table."""

from __future__ import annotations

# IAM's prefix differs from the SDK's service name.
_PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "apigatewayv2": "apigateway",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "iam-toolbox": "iam",
    "s3control": "s3",
    "sso-admin": "sso",
    "stepfunctions": "states",
}
# The action differs from the operation:
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_ACTIONS = {
    # API Gateway's actions are HTTP methods; the paths are resources.
    "apigateway:GetRestApis": "apigateway:GET",
    "apigateway:GetStages": "apigateway:GET",
    "apigatewayv2:GetApis": "apigateway:GET",
    "apigatewayv2:GetStages": "apigateway:GET",
    "accessanalyzer:ListFindingsV2": "access-analyzer:ListFindings",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}
_WITHOUT_PERMISSION = frozenset({"sts:GetCallerIdentity"})


def action_of(operation: str) -> str:
    """The IAM action that allows an operation; empty for the one that needs none."""
    if operation in _WITHOUT_PERMISSION:
        return ""
    service, _, name = operation.partition(":")
    return _ACTIONS.get(operation, f"{_PREFIXES.get(service, service)}:{name}")
