"""Code that makes policies only when it runs: the AWS CDK, Pulumi, and what attaches AWS managed policies. It is named, with what can be read instead.

why_in_code("new iam.PolicyStatement({…})")   →   "policies in code of the AWS CDK: run `cdk synth` …"
"""

from __future__ import annotations

import re

CDK = "policies in code of the AWS CDK: run `cdk synth`, and give the templates that it writes into `cdk.out`"
COMMANDS = (
    "commands that attach policies: write the attachments in a template, or give what they made,"
    " such as the output of `aws iam get-account-authorization-details`"
)
PULUMI = (
    "policies in code of Pulumi: give what it makes, such as the output of `pulumi stack export`"
)
ATTACHED = (
    "it names AWS managed policies, and what attaches them was not read: write the attachments in a template, or give what"
    " they made, such as the output of `aws iam get-account-authorization-details`"
)
SST = "policies in code of SST: give what it makes, such as the output of `pulumi stack export`"
_MANAGED, _COMMANDS = ":iam::aws:policy/", ("iam attach-", "iam put-")
_OF_PULUMI = ("olicyDocument", "olicy_document", "olicyForPrincipal", "olicy_for_principal")
_ACTIONS = "actions:"
WORDS = (_ACTIONS, "aws-cdk", "aws_cdk", "awscdk", "Amazon.CDK", *_COMMANDS, _MANAGED, *_OF_PULUMI)
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
_ATTACH = re.compile(r"(?<!`)\baws[ \t]+iam[ \t]+(?:attach|put)-(?:role|user|group)-policy(?=\s)")
_WHOLE_COMMAND = re.compile(_ATTACH.pattern + r"(?:\\\r?\n|[^\n;&|])*")
# https://www.pulumi.com/registry/packages/aws/api-docs/iam/getpolicydocument/ and the functions of its package for principals.
_PULUMI = re.compile(
    r"(?:get_?policy_?document(?:_?output)?|assume_?role_?policy_?for_?principal)\W", re.IGNORECASE
)
_IMPORTS_PULUMI = re.compile(r"@pulumi/aws|pulumi_aws|pulumi-aws|Pulumi\.Aws|com\.pulumi\.aws")
# https://sst.dev/docs/component/aws/function/#permissions
_SST = re.compile(r"\bsst\b")
_PERMISSIONS = re.compile(r"\bpermissions\b[^{}]{0,99}\{[^{}]{0,999}\bactions\s*:\s*\[")
# As a value: quoted, or what a key, an entry of a list or an option has, or a line as in Architect's `app.arc`. In prose it is neither.
# https://arc.codes/docs/en/reference/project-manifest/aws#policies
_MANAGED_VALUE = re.compile(
    r"""(?:["'\[,]|[:=][ \t]|^[ \t]*-[ \t]+)[ \t]*arn:[^\s"':]{1,60}:iam::aws:policy/"""
    r"""|^[ \t]*(?:policies[ \t]+)?arn:[^\s"':]{1,60}:iam::aws:policy/\S+[ \t]*$""",
    re.MULTILINE,
)
_MANAGED_ARN = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/[\w+=,.@/-]+")
_COMMENT_LINE = re.compile(r"^[ \t]*(?:#|//|/?\*).*$", re.MULTILINE)


def may_attach(text: str) -> bool:
    """Whether a text may have a command that attaches policies, or an AWS managed policy."""
    return any(word in text for word in (*_COMMANDS, _MANAGED))


def commands_in(text: str) -> list[str]:
    """The commands of a text that attach policies, each to its end or to where its line ends."""
    return [own[0].strip() for own in _WHOLE_COMMAND.finditer(text)]


def only_managed(text: str) -> list[str]:
    """The ARN of each AWS managed policy that a text names, as often as it does, if nothing else looks like a policy."""
    is_all = why_in_code(text) == ATTACHED
    return _MANAGED_ARN.findall(_COMMENT_LINE.sub("", text)) if is_all else []


def why_in_code(text: str) -> str:
    """What makes the policies readable that a text of code makes; empty where it makes none."""
    # The words alone are found far faster.
    if not any(word in text for word in WORDS):
        return ""
    code = _COMMENT_LINE.sub("", text)
    if _IMPORTS_CDK.search(code) and _CDK.search(code):
        return CDK
    if _ATTACH.search(code):
        return COMMANDS
    if _IMPORTS_PULUMI.search(code) and _PULUMI.search(code):
        return PULUMI
    if _SST.search(code) and _PERMISSIONS.search(code):
        return SST
    return ATTACHED if _MANAGED in code and _MANAGED_VALUE.search(code) else ""
