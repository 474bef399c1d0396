"""Arguments that several actions of the tool `policy` take."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from aws_iam.engine.language.document import Kind
from aws_iam.report.catalogue import policy_formats
from aws_iam.tools.kit.argument_values import Implied
from aws_iam.tools.kit.synonyms import REPORT_FORMATS, TEXT
from aws_iam.tools.kit.tool import Json, Parameter
from aws_iam.tools.policy.kind_words import INLINE_LIMITS, KINDS

_ARN_NAMES = ("arn", "policy_arn", "managed_policy", "managed_policy_arn")
_DOCUMENT_NAMES = (
    "policy_document",
    "policy_json",
    "policy_text",
    "content",
    "trust_policy",
    "bucket_policy",
    "key_policy",
)
POLICIES_NAMES = ("layers", "document", "policy", "policy_document")
_DOCUMENT = Parameter(
    "policy: JSON value or text, also of get-role; the ARN or name of an AWS managed policy",
    brief="JSON, or an AWS managed policy",
    document=True,
    policies=True,
    also=("policy", "policies", *_DOCUMENT_NAMES, *_ARN_NAMES),
    by_position=True,
)
Document = Annotated[Json, _DOCUMENT]
# There `policies` are the layers.
DocumentBesideLayers = Annotated[
    Json, replace(_DOCUMENT, also=("policy", *_DOCUMENT_NAMES, *_ARN_NAMES))
]
NewDocument = Annotated[
    Json,
    Parameter(
        "policy: JSON value or text; the ARN or name of an AWS managed policy",
        brief="JSON, or an AWS managed policy",
        document=True,
        policies=True,
        also=("new", "after", "policy_a", "new_policy", *_DOCUMENT_NAMES, *_ARN_NAMES),
        by_position=True,
    ),
]
_KIND = Parameter(
    "absent: guessed",
    brief="else guessed",
    synonyms=KINDS,
    also=("type", "policy_type", "policy_kind"),
)
PolicyKind = Annotated[Kind | None, _KIND]
# An inline policy of a role is an identity policy with another limit.
LimitedKind = Annotated[
    Kind | None,
    replace(_KIND, implies=Implied(argument="limit", by=INLINE_LIMITS, beside=("kind",))),
]
ResourceType = Annotated[
    str | None,
    Parameter(
        "what it is attached to, such as AWS::S3::Bucket",
        also=("resource",),
        brief="",
    ),
]
ReportFile = Annotated[
    str | None,
    Parameter(
        "report file", choices=policy_formats, synonyms=REPORT_FORMATS, left_out=TEXT, brief=""
    ),
]
