"""Code that makes policies only when it runs: the AWS CDK, and commands that attach policies. It is named, with what can be read instead.

why_in_code("new iam.PolicyStatement({…})")   →   "policies in code of the AWS CDK: run `cdk synth` …"
"""

from __future__ import annotations

import re

CDK = "policies in code of the AWS CDK: run `cdk synth`, and give the templates that it writes into `cdk.out`"
COMMANDS = (
    "commands that attach policies: write the attachments in a template, or give what they made,"
    " such as the output of `aws iam get-account-authorization-details`"
)
WORDS = ("aws-cdk", "aws_cdk", "awscdk", "Amazon.CDK", "iam attach-")
"""Everything that is recognised here has one of these."""

# A file that only imports a class, or names it as a type, neither calls it nor one of its functions.
# https://docs.aws.amazon.com/cdk/v2/guide/permissions.html
_CDK = re.compile(
    r"""
    policy_?(?:statement|document)[ \t]*[(.]                                # new iam.PolicyStatement({…})
    | \bnew_?policy(?:statement|document)\b                                 # awsiam.NewPolicyStatement(&…)
    | from_?(?:aws_?)?managed_?policy_?(?:name|arn)[ \t]*\(                 # ManagedPolicy.fromAwsManagedPolicyName(…)
    | (?:add|attach)_?(?:managed|inline|to\w{0,20})_?policy[ \t]*\(         # role.addToPrincipalPolicy(…)
    | \badd_?(?:permission|function_?url)[ \t]*\(
    | \.grants?(?:\w{0,40}|\.\w{1,40})[ \t]*\(                              # bucket.grantReadWrite(…)
    | \b(?:managed_?policies|inline_?policies|initial_?policy|assumed_?by)[ \t]*[:=(]
    | (?-i:\b(?:[A-Z]\w{0,40})?Policy\s*\((?=\s*(?:this|self|scope|stack)\b))  # new iam.Policy(this, …)
    | \bcfn(?:role|user|group|permission)[ \t]*\(
    """,
    re.IGNORECASE | re.VERBOSE,
)
_IMPORTS_CDK = re.compile("aws-cdk|aws_cdk|awscdk|Amazon\\.CDK")
_ATTACH = re.compile(r"(?<!`)\baws[ \t]+iam[ \t]+attach-(?:role|user|group)-policy(?=\s)")
_COMMENT_LINE = re.compile(r"^[ \t]*(?:#|//|/?\*).*$", re.MULTILINE)


def why_in_code(text: str) -> str:
    """What makes the policies readable that a text of code makes; empty where it makes none."""
    # The words alone are found far faster.
    if not any(word in text for word in WORDS):
        return ""
    code = _COMMENT_LINE.sub("", text)
    if _IMPORTS_CDK.search(code) and _CDK.search(code):
        return CDK
    return COMMANDS if _ATTACH.search(code) else ""
