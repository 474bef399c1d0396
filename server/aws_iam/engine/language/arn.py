"""Amazon Resource Names: six fields, and the catalogue's formats for them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import ByWord
from aws_iam.engine.language.pattern import covers, intersects
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
_MOST_FORMATS = 4_096
# `${aws:username}` in a policy, `${BucketName}` in a format: text that is decided elsewhere.
_HOLE = re.compile(r"\$\{[^{}]*\}")
_API = "execute-api"
SHORT_API = "execute-api:/"
"""The start of API Gateway's short form, see `with_api_arns`."""
# No one writes the id of an API as `?*`, so the pattern is recognised.
ANY_API = "arn:*:execute-api:*:*:?*/"
"""The start of the pattern for a resource of the API that has the policy."""


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
        """The ARN; None for a text without the six fields."""
        return _ARNS[text]

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


# A decision reads the ARNs of the caller and the resource three times, and policies consist of the same ones.
_ARNS = ByWord(_read, of_reference=False)


def with_api_arns(words: Sequence[str]) -> Sequence[str]:
    """Resources of a resource policy, with API Gateway's short form as an ARN pattern.

        ["execute-api:/*"]   →   ["arn:*:execute-api:*:*:?*/*"]

    API Gateway expands it to the ARN of the API that has the policy:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
    """
    if not any(word.startswith(SHORT_API) for word in words):
        return words
    return [
        ANY_API + word.removeprefix(SHORT_API) if word.startswith(SHORT_API) else word
        for word in words
    ]


def of_requested_api(pattern: str, requested: str) -> str:
    """The pattern of a short form for the API that is requested: the API that has the policy."""
    arn = Arn.of(requested) if pattern.startswith(ANY_API) else None
    if arn is None or arn.service != _API:
        return pattern
    api = arn.resource.partition("/")[0]
    return f"{requested[: -len(arn.resource)]}{api}/{pattern.removeprefix(ANY_API)}"


def as_short_form(pattern: str) -> str:
    """The pattern of a short form as it was written; any other pattern as it is."""
    is_short = pattern.startswith(ANY_API)
    return SHORT_API + pattern.removeprefix(ANY_API) if is_short else pattern


def fits(arn: Arn, template: str) -> bool:
    """Whether the ARN, or some ARN that the pattern matches, follows a format such as `arn:${Partition}:s3:::${BucketName}`."""
    form = _format(template)
    return form is not None and _meet(_patterns(arn), _fields(form))


def _patterns(arn: Arn) -> tuple[str, ...]:
    """The fields with wildcards in place of variables, the resource first: it differs most between formats."""
    return tuple(map(_as_pattern, _fields(arn)))


def _meet(own: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(map(intersects, own, wanted))


def closest_formats(arn: Arn, templates: Iterable[str]) -> frozenset[str]:
    """The formats that the ARN follows most closely."""
    own = _patterns(arn)
    fitting = {t: form for t in templates if (form := _format(t)) and _meet(own, _fields(form))}
    # A `*` at the end matches slashes too, but `table/t/index/*` is not `table/${TableName}/backup/${BackupName}`.
    kept = {t: form for t, form in fitting.items() if _follows_parts(arn.resource, form.resource)}
    fitting = kept or fitting
    # `bucket/key` also follows the format of a bucket; the format with more fixed text is meant. A pattern means both
    # formats unless the stricter one covers it: `bucket/*` is objects, `bucket*` is either.
    resource = _as_pattern(arn.resource)
    covering = [
        t for t, form in fitting.items() if covers(form.resource.replace("?*", "*"), resource)
    ]
    most = max(map(_fixed_length, covering), default=0)
    return frozenset(template for template in fitting if _fixed_length(template) >= most)


def _follows_parts(resource: str, form: str) -> bool:
    """Whether the parts between slashes match the format's, up to the first with a `*`, which may stand for several."""
    parts = _as_pattern(resource).split("/")
    wanted = form.split("/")
    for own, other in zip(parts, wanted[:-1], strict=False):
        if "*" in own:
            return True
        if not intersects(own, other):
            return False
    return True


def _fields(arn: Arn) -> tuple[str, ...]:
    return (arn.resource, arn.partition, arn.service, arn.region, arn.account)


def _as_pattern(text: str) -> str:
    return _HOLE.sub("*", text)


@lru_cache(maxsize=_MOST_FORMATS)
def _fixed_length(template: str) -> int:
    form = Arn.of(template)
    return len(_HOLE.sub("", form.resource).replace("*", "")) if form else 0


# The reference has some 2,600 formats, and each ARN is held against all of its service's: without this memo explaining a
# policy takes a third longer.
@lru_cache(maxsize=_MOST_FORMATS)
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
