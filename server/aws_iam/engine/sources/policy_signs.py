"""Whether a text looks as if it held a policy, and what would make one readable that is not.

Cheap looks only: what is read by this is parsed afterwards, what cannot be read is named.
"""

from __future__ import annotations

import re

from aws_iam.engine.sources.policy_code import WORDS as WORDS_OF_CODE
from aws_iam.engine.sources.policy_code import why_in_code

WORDS_OF_STATEMENTS = ("Effect", "aws_iam_policy_document")
# One of these is in everything that looks like a policy.
SIGNS = (*WORDS_OF_STATEMENTS, *WORDS_OF_CODE)
# https://github.com/aws-actions/configure-aws-credentials#credentials
_TO_ASSUME = "role-to-assume"
# Every file with a policy, with a place for one or with a setting that decides about access contains one of these.
_WORDS = (
    "Statement", "olicy", "olicies", "2012-10-17", "AWS::", "planned_values", "ServiceAccount", "containers", "eks.amazonaws.com/role-arn",
    "aws-auth", "GroupMembership", "UserMembership", "eksctl.io/", "AccessEntry", "PodIdentityAssociation", "InstanceProfile",
    "ublicAccessBlock", "BucketACL", "FunctionURL", "lambda.aws.", "kms.aws.", "kms.services.k8s.aws",
    "iam_group", "iam_instance_profile", "iam_saml_federation", "kms_key", "s3_bucket", "aws:iam", "aws:lambda", "aws:kms",
    "aws:s3", "aws:eks", "karpenter.k8s.aws/",
    # The role that something runs under.
    _TO_ASSUME, "x-amazon-apigateway-", "oleArn", "oleARN", "ole_arn", ":role/", "assumeRole", "services.k8s.aws/", ".aws.upbound.io/", ".aws.m.upbound.io/", ".aws.crossplane.io/",
    "amazon.aws.", "community.aws.", "type: aws:", '"aws:',
)  # fmt: skip
# A file that cannot be parsed probably holds policies when it contains one of these; "olicy" alone is also in `imagePullPolicy`.
_STRONG_WORDS = (
    '"Statement"',
    "Statement:",
    "Effect",
    "2012-10-17",
    "PolicyDocument",
    "aws_iam_policy_document",
)
# In every spelling: JSON, JSON within a string, YAML, HCL, the literals of Python, Ruby and JavaScript; with a value or a hole for one.
_EFFECT = re.compile(
    r"""\bEffect(?:\W{1,12}(?:Allow|Deny)\b|\\{0,4}["']?\s{0,9}[:=]\s{0,9}\\{0,4}["']?(?:\{\{|\$\{|<))"""
)
_ACTION = re.compile(r"""\b(?:Not)?Action\\{0,4}["']?\s{0,9}[:=]""")
# Such as those that Amplify adds to the role of a function: https://docs.amplify.aws/gen1/react/tools/cli/function/#custom-iam-policies
_LISTED = re.compile(r'\s*\[\s*\{\s*"(?:Not)?(?:Action|Resource)"\s*:')
# The files that generators write have a statement as an example, commented out.
_COMMENT_LINE = re.compile(r"^[ \t]*(?:#|//).*$", re.MULTILINE)
# Of the Serverless Framework, which lock files of packages do not have.
_PROVIDER = re.compile(r'(?:^|["{,\s])provider["\']?\s{0,9}:', re.MULTILINE)
_DOCUMENT = re.compile(r'\baws_iam_policy_document"?[ \t]+"?[\w-]+"?[ \t]*\{')
# Resources of Terraform, CloudFormation, Crossplane and ACK.
_DECLARED = re.compile(r"\baws_iam_|\bAWS::\w+::\w|\biam\.(?:aws|services)\.")

NOT_JSON = "it looks like a policy but is not JSON"
FRAGMENT = (
    "it has statements, but no policy that holds them: write `Version` and `Statement` around them"
)
TEMPLATE = (
    "a template whose policy can be read only when it is filled in: give what it becomes,"
    " such as the output of `helm template`"
)
CONDITIONAL = "the template decides which statements it has: give what it becomes, such as the output of `helm template`"
LFS_POINTER = "a Git LFS pointer, not the file that it stands for: run `git lfs pull`"
OTHER_TEXT = "a policy in code or in other text: save it as JSON in a file of its own, or give what the code writes"


_LFS_POINTER = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z].*\n)*?oid sha256:([0-9a-f]{64})\n"
)


def pointed_to(text: str) -> str:
    """The SHA-256 digest of the file that a pointer of Git LFS stands for; empty for any other text.

    https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer
    """
    found = _LFS_POINTER.match(text)
    return found[1] if found else ""


def may_hold_policy(text: str) -> bool:
    """Whether the text is worth parsing."""
    if any(word in text for word in _WORDS) or looks_like_policy(text):
        return True
    # A function URL, and a role that stands elsewhere.
    return "service" in text and _PROVIDER.search(text) is not None


def may_deploy(text: str) -> bool:
    """Whether the text may be a workflow that gets a role."""
    return _TO_ASSUME in text


def mentions_policies(text: str) -> bool:
    """Whether a text that cannot be parsed probably holds policies."""
    return any(word in text for word in _STRONG_WORDS)


def looks_like_policy(text: str) -> bool:
    """Whether the text has a statement, or is code that makes policies."""
    return has_statement(text) or bool(why_in_code(text))


def may_grant(text: str) -> bool:
    """Whether the text has a policy, or declares what grants access without one: attachments, templates of CloudFormation and SAM."""
    return looks_like_policy(text) or _DECLARED.search(text) is not None


def why_unread(text: str, *, is_data: bool) -> str:
    """What would make a text readable that looks like a policy; `is_data`: its format is one that is read."""
    if is_data and has_statement(text):
        return FRAGMENT
    return why_in_code(text) or OTHER_TEXT


def has_statement(text: str) -> bool:
    """Whether the text has an effect beside actions, or a document of Terraform, outside of comments."""
    return _has_signs(text) and _has_signs(without_comment_lines(text))


def without_comment_lines(text: str) -> str:
    """The text with an empty line for each that is a comment in YAML, HCL or JSON with comments."""
    return _COMMENT_LINE.sub("", text)


def _has_signs(text: str) -> bool:
    if _LISTED.match(text):
        return True
    # The words alone are found far faster.
    if not any(word in text for word in WORDS_OF_STATEMENTS):
        return False
    is_written = _EFFECT.search(text) is not None and _ACTION.search(text) is not None
    return is_written or _DOCUMENT.search(text) is not None
