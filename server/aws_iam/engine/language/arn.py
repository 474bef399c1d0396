"""Amazon Resource Names: six fields, and the formats of the catalogue they may follow."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import covers, intersects

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTITIONS = (
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-eusc",
)
_FIELDS = 6
_USUAL = 300
# `${aws:username}` in a policy, `${BucketName}` in a format: some text, decided elsewhere.
_HOLE = re.compile(r"\$\{[^{}]*\}")


@slotted
class Arn:
    """The fields of an ARN, or of an ARN pattern: `arn:partition:service:region:account:resource`."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def of(cls, text: str) -> Arn | None:
        """The ARN, None for a text that has not its six fields."""
        # A dozen rules read the same resources; a text that no ARN is as long as would only fill the memory.
        return _remembered(text) if len(text) <= _USUAL else _read(text)

    def __str__(self) -> str:
        fields = (self.partition, self.service, self.region, self.account, self.resource)
        return ":".join(("arn", *fields))


def _read(text: str) -> Arn | None:
    if "${" in text:
        fields = _HOLE.sub(_without_colons, text).split(":", _FIELDS - 1)
        fields = [field.replace("\0", ":") for field in fields]
    else:
        fields = text.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS or fields[0].lower() != "arn":
        return None
    _, partition, service, region, account, resource = fields
    return Arn(
        partition=partition, service=service, region=region, account=account, resource=resource
    )


_remembered = lru_cache(maxsize=4096)(_read)


def fits(arn: Arn, template: str) -> bool:
    """Whether the ARN, or some ARN of the pattern, follows a format such as `arn:${Partition}:s3:::${BucketName}`."""
    form = _format(template)
    return form is not None and all(
        intersects(_as_pattern(own), wanted)
        for own, wanted in zip(_fields(arn), _fields(form), strict=True)
    )


def closest_formats(arn: Arn, templates: Iterable[str]) -> frozenset[str]:
    """The formats that the ARN follows, without those that it follows less closely than another."""
    fitting = {t: form for t in templates if fits(arn, t) and (form := _format(t))}
    # A `*` at the end reaches over slashes, but `table/t/index/*` is no `table/${TableName}/backup/${BackupName}`.
    kept = {t: form for t, form in fitting.items() if _goes_along(arn.resource, form.resource)}
    fitting = kept or fitting
    # `bucket/key` follows the format of a bucket, too; the one that spells more of it out is meant. A pattern means
    # both unless the stricter format has all of it: `bucket/*` is objects, `bucket*` is either.
    resource = _as_pattern(arn.resource)
    whole = [
        t for t, form in fitting.items() if covers(form.resource.replace("?*", "*"), resource)
    ]
    most = max(map(_spelled_out, whole), default=0)
    return frozenset(template for template in fitting if _spelled_out(template) >= most)


def _goes_along(resource: str, form: str) -> bool:
    """Whether the parts between slashes follow the format's, up to the first that may be several; its last one may."""
    parts = _as_pattern(resource).split("/")
    wanted = form.split("/")
    for own, other in zip(parts, wanted[:-1], strict=False):
        if "*" in own:
            return True
        if not intersects(own, other):
            return False
    return True


def _fields(arn: Arn) -> tuple[str, ...]:
    return (arn.partition, arn.service, arn.region, arn.account, arn.resource)


def _as_pattern(text: str) -> str:
    return _HOLE.sub("*", text)


def _spelled_out(template: str) -> int:
    form = Arn.of(template)
    return len(_HOLE.sub("", form.resource).replace("*", "")) if form else 0


@lru_cache(maxsize=8192)
def _format(template: str) -> Arn | None:
    form = Arn.of(template)
    return form and Arn(
        partition=_HOLE.sub("?*", form.partition),
        service=_HOLE.sub("?*", form.service),
        region=_HOLE.sub("?*", form.region),
        account=_HOLE.sub("?*", form.account),
        resource=_HOLE.sub("?*", form.resource),
    )


def _without_colons(hole: re.Match[str]) -> str:
    return hole.group().replace(":", "\0")
