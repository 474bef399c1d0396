"""The actions of the tool `kms`: choose a key, write and check its policy, encrypt, check an account."""

from __future__ import annotations

from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit import needs as kit_needs
from aws_iam.tools.kit.parameters import ACCOUNT_NAMES, KEY_POLICY_NAMES, KeyPolicy, Source, Topic
from aws_iam.tools.kit.synonyms import FORMATS, LANGUAGES, TEXT
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool
from aws_iam.tools.kms import decide as key_decision
from aws_iam.tools.kms import envelope as kms_envelope
from aws_iam.tools.kms.envelope import Language, Library
from aws_iam.tools.kms.key_creation import Format
from aws_iam.tools.kms.key_policy_arguments import KeyPolicyArguments
from aws_iam.tools.kms.key_types import NEEDS
from aws_iam.tools.kms.terms import THRESHOLDS

tool = Tool(
    "kms",
    title="KMS keys",
    subject="KMS keys",
    asked={
        "decide": "which key, cost",
        "key_policy": "write a key policy",
        "lockout": "would it lock us out",
        "check": "is a key policy or an account's keys safe",
        "envelope": "envelope encryption code",
        "guide": "how keys, grants, rotation work",
    },
    default="guide",
    also={
        "policy": "key_policy",
        "create_key_policy": "key_policy",
        "write_policy": "key_policy",
        "choose": "decide",
        "recommend": "decide",
        "compare": "decide",
        "encrypt": "envelope",
        "encryption": "envelope",
        "audit": "check",
        "scan": "check",
        "validate": "check",
        "review": "check",
        "help": "guide",
    },
)

Needs = Annotated[Json, kit_needs.needs_parameter(NEEDS)]
KeyArn = Annotated[
    str | None, Parameter("ARN of the policy's key", brief="ARN", also=("key_arn", "key_id"))
]
KeyLimits = Annotated[
    Json,
    Parameter(
        ", ".join(limit.name for limit in THRESHOLDS), brief="{name: number}", document=True
    ),
]


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the KMS reference, or its contents."""
    from aws_iam.tools.kms import checks_page

    return pages.guide("kms-patterns", topic, checks_page.explained)


@tool.action
def decide(needs: Needs = None) -> Answer:
    """Which kind of KMS key serves these needs, what rules the others out, and the monthly cost."""
    return key_decision.decide(needs)


@tool.artifact_action
def key_policy(
    arguments: KeyPolicyArguments,
    format_: Annotated[
        Format | None,
        Parameter(
            "how the key is created; default cli", brief="", synonyms=FORMATS, left_out=TEXT
        ),
    ] = None,
) -> Answer:
    """Write a key policy that separates administrators from users and guards services, and prove who can do what."""
    from aws_iam.tools.kms import key_policy as kms_policy

    return kms_policy.key_policy(arguments, format_)


_LIBRARIES = {
    "aws encryption sdk": "encryption_sdk",
    "esdk": "encryption_sdk",
    "hierarchical keyring": "hierarchical",
    "branch keys": "hierarchical",
    "aws sdk": "sdk",
    "boto3": "sdk",
    "kms sdk": "sdk",
}


@tool.artifact_action
def envelope(
    language: Annotated[
        Language | None,
        Parameter("default python", synonyms=LANGUAGES, brief="", by_position=True),
    ] = None,
    library: Annotated[
        Library | None, Parameter("default encryption_sdk", synonyms=_LIBRARIES, brief="")
    ] = None,
) -> Answer:
    """Envelope-encryption code with an encryption context, and the format of its records."""
    return kms_envelope.envelope(language or "python", library or "encryption_sdk")


@tool.action
def lockout(
    document: KeyPolicy,
    caller: Annotated[
        str,
        Parameter(
            "who sets the policy: ARN, role/NAME or user/NAME",
            also=(
                "principal",
                "caller_arn",
                "who",
                "identity",
                "role",
                "user",
            ),
            brief="",
        ),
    ],
    policies: Annotated[
        Json,
        Parameter("the caller's policies by layer", document=True, brief="of the caller"),
    ] = None,
    context: Annotated[
        Json,
        Parameter(
            "of the request: {key: value}",
            document=True,
            brief="",
            also=("encryption_context",),
        ),
    ] = None,
    account: Annotated[
        str | None, Parameter("12-digit id of the key's account", also=ACCOUNT_NAMES)
    ] = None,
    key: KeyArn = None,
) -> Answer:
    """Predict whether PutKeyPolicy would refuse a key policy as a lockout, and who could still administer the key."""
    from aws_iam.tools.kms import lockout as kms_lockout

    return kms_lockout.lockout(document, caller, policies, context, account, key)


@tool.action
def check(
    source: Source,
    progress: Progress,
    document: Annotated[
        Json,
        Parameter(
            "key policy; absent: the account",
            document=True,
            policies=True,
            also=KEY_POLICY_NAMES,
            by_position=True,
        ),
    ] = None,
    account: Annotated[
        str | None, Parameter("12-digit id of the key's account", also=ACCOUNT_NAMES)
    ] = None,
    key: KeyArn = None,
    users: Annotated[
        list[str] | None,
        Parameter("who uses the key: ARNs, role/NAME or user/NAME", brief="ARNs"),
    ] = None,
    trusted: Annotated[
        list[str] | None, Parameter("accounts that may use the keys", brief="accounts")
    ] = None,
    scope: Annotated[
        list[str] | None, Parameter("codes of checks, or prefixes", brief="codes")
    ] = None,
    limits: KeyLimits = None,
    *,
    only_via_service: Annotated[
        bool, Parameter("the users do not call KMS themselves", brief="")
    ] = False,
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None,
) -> Answer:
    """Find what is wrong with key policies, or with an account's keys, grants, aliases and rotation."""
    from aws_iam.tools.kms import check as kms_check

    arguments = kms_check.Arguments(
        account=account,
        key=key,
        users=users,
        only_via=only_via_service,
        trusted=trusted,
        limits=limits,
        scope=scope,
    )
    return kms_check.check(document, source, arguments, progress, save)
