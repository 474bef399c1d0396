"""The ARN formats of AWS's reference, and which of them an ARN, or a pattern of ARNs, can follow."""

from __future__ import annotations

import re
from typing import Literal

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import nearest
from aws_iam.frozen import slotted

_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_OPEN = re.compile(r"[*?]|\$\{")
_LONGEST = 2_048


def is_open(field: str) -> bool:
    """Whether a wildcard or a variable decides the field."""
    return bool(_OPEN.search(field))


@slotted
class ArnFormat:
    """An ARN format of AWS's reference; `resource` is a pattern, and `head` its text before the first wildcard."""

    region: str
    account: str
    resource: str
    head: str

    @classmethod
    def of(cls, arn: Arn) -> ArnFormat:
        """The format of an ARN template such as `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}`."""
        resource = _VARIABLE.sub("?*", arn.resource)
        return cls(
            region=arn.region,
            account=arn.account,
            resource=resource,
            head=re.split(r"[*?]", resource, maxsplit=1)[0],
        )


# Formats that the tables of the reference leave out and other pages of AWS give.
_NOT_IN_REFERENCE = {
    # https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
    "bedrock": "arn:aws:bedrock:::foundation-model/${ModelId}",
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRecoveryPoint.html
    "backup": "arn:aws:backup:${Region}:${Account}:recovery-point:${RecoveryPointId}",
    # https://github.com/aws-samples/data-perimeter-policy-examples/blob/main/service_owned_resources.md
    "cloudformation": "arn:aws:cloudformation:${Region}:aws:transform/${Name}",
}


@memo_of_reference(512)
def arn_formats(service: str) -> tuple[ArnFormat, ...]:
    """The ARN formats with this service field, whatever prefix the service's actions have."""
    anything = Arn(partition="*", service=service, region="*", account="*", resource="*")
    texts = {
        text
        for known_format in catalog().types_of_arn(anything)
        for text in known_format.arn_formats
    }
    texts |= {_NOT_IN_REFERENCE[service]} if service in _NOT_IN_REFERENCE else set()
    arns = filter(None, map(Arn.of, sorted(texts)))
    return tuple(ArnFormat.of(arn) for arn in arns if arn.service == service)


@memo_of_reference(2048)
def fitting_formats(service: str, resource: str) -> tuple[ArnFormat, ...]:
    """The formats that the resource part of an ARN, or of a pattern of ARNs, can follow."""
    pattern = _VARIABLE.sub("*", resource)
    head = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if (pattern and not head) or len(pattern) > _LONGEST:
        # A resource that begins with a wildcard can have any format; comparing it with each would only cost time.
        return arn_formats(service)
    return tuple(
        known_format
        for known_format in arn_formats(service)
        if (head.startswith(known_format.head) or known_format.head.startswith(head))
        and intersects(pattern, known_format.resource)
    )


def near_format(arn: Arn) -> str | None:
    """The format whose first word is that of the resource or a near miss."""
    # The shortest format of a type is the general one; it comes last and so replaces the others.
    general = sorted(
        arn_formats(arn.service), key=lambda known_format: -len(known_format.resource)
    )
    by_word = {_first_word(candidate.resource): candidate for candidate in general}
    word = _first_word(arn.resource)
    if not word or is_open(word):
        return None
    near = nearest(
        word, (candidate for candidate in by_word if candidate and "?" not in candidate)
    )
    return by_word[near[0]].resource.replace("?*", "*") if near else None


def _first_word(resource: str) -> str:
    return re.split(r"[/:]", resource, maxsplit=1)[0]


ArnField = Literal["region", "account"]


def all_formats_have(fitting: tuple[ArnFormat, ...], field: ArnField, *, empty: bool) -> bool:
    """Whether every format that an ARN can follow has this field empty, or filled if `empty` is false."""
    # A format with a literal or a wildcard in the field (`aws`, `*`) counts as neither.
    return bool(fitting) and all(
        (not value) if empty else value.startswith("${")
        for value in (getattr(known_format, field) for known_format in fitting)
    )
