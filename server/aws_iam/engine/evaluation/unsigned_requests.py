"""The actions that AWS also performs for requests without a signature; every other one needs an AWS account, of whomever."""

from __future__ import annotations

from aws_iam.engine.language.pattern import matches

# Actions, each with the page that says so. What is absent may only be unknown: the words say no more than that.
_UNSIGNED = {
    "s3:*": "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-bucket-user-policy-specifying-principal-intro.html",
    "sqs:*": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html",
    "lambda:InvokeFunctionUrl": "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
    "execute-api:*": "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html",
    "es:ESHttp*": "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ac.html",
    "elasticfilesystem:Client*": "https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html",
    "vpc-lattice-svcs:*": "https://docs.aws.amazon.com/vpc-lattice/latest/ug/auth-policies.html",
    "mediapackagev2:Get*Object": "https://docs.aws.amazon.com/mediapackage/latest/userguide/policy-principal.html",
}
# A token takes the place of the signature: docs.aws.amazon.com/STS/latest/APIReference, the pages of both operations.
_WITH_TOKEN = frozenset({"sts:assumerolewithwebidentity", "sts:assumerolewithsaml"})


def takes_unsigned(action: str) -> bool:
    """Whether the action is known to be performed for anyone, without a signature, if the resource's policy allows it."""
    return any(matches(pattern, action, ignore_case=True) for pattern in _UNSIGNED)


def means_of_anyone(action: str) -> str:
    """What anyone on the internet needs for an action that a policy allows to `*`."""
    if action.lower() in _WITH_TOKEN:
        return "with a token of an identity provider"
    return "without credentials" if takes_unsigned(action) else "from any AWS account"
