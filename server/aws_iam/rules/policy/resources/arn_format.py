"""Resource ARNs: their six fields, and whether any resource of the service has such an ARN."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import PARTITIONS, Arn
from aws_iam.engine.language.document import Statement, Text
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.regions import may_be_newer, regions
from aws_iam.errors import closest, nearest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow
from aws_iam.rules.gates import at_resource
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator


def _reading(resource: object) -> Example:
    return allow("s3:GetObject", resource)


_OBJECTS = _reading(OBJECTS)
_HOLE = re.compile(r"\$\{[^{}]*\}")
_FIELDS = 6
_LONGEST = 2_048
_OPEN = re.compile(r"[*?]|\$\{")


def _entries(statement: Statement) -> tuple[Text, ...]:
    return (*statement.resources, *statement.not_resources)


@memo_on_subject
def _arns(statement: Statement) -> tuple[tuple[Text, Arn], ...]:
    """The entries that have the six fields of an ARN."""
    read = ((entry, Arn.of(entry.value)) for entry in _entries(statement))
    return tuple((entry, arn) for entry, arn in read if arn)


def _is_open(field: str) -> bool:
    """Whether a wildcard or a variable decides the field."""
    return bool(_OPEN.search(field))


def _may_be_faulty(entry: str) -> bool:
    """Whether it is other than `*` and the ARN of a resource that the reference describes, with all that belongs in it."""
    if entry == "*":
        return False
    arn = Arn.of(entry)
    if arn is None or arn.partition not in PARTITIONS or _is_open(arn.service):
        return True
    fitting = _fitting(arn.service, arn.resource)
    if not fitting:
        return True
    if (
        arn.region
        and not _is_open(arn.region)
        and regions().partition(arn.region) != arn.partition
    ):
        return True
    if not (
        arn.account in {"", "aws"}
        or _is_open(arn.account)
        or re.fullmatch(r"[0-9]{12}", arn.account)
    ):
        return True
    return any(
        _agree(fitting, field, empty=bool(getattr(arn, field))) for field in _FIELDS_OF_PLACE
    )


_FIELDS_OF_PLACE: tuple[_Field, ...] = ("region", "account")
_FAULTY = (at_resource(_may_be_faulty),)


@check(
    "INVALID_ARN_PREFIX",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="A resource does not begin with arn:",
    fix="Write an ARN, arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, or `*`.",
    bad=[_reading("amzn-s3-demo-bucket"), _reading("s3:::amzn-s3-demo-bucket/*")],
    good=[_OBJECTS, _reading("*")],
)
def no_arn(statement: Statement) -> Iterator[Fail]:
    """A resource is named by its ARN; apart from API Gateway's short form, anything else matches nothing."""
    for entry in _entries(statement):
        first = entry.value.partition(":")[0]
        if first == "arn" or entry.value.startswith(("*", "?", "${")):
            continue
        # API Gateway expands this short form when a resource policy is saved:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
        if statement.principals and entry.value.startswith("execute-api:/"):
            continue
        if not (_is_open(first) and intersects(_HOLE.sub("*", entry.value), "arn:*")):
            yield Fail(
                entry.where, f"{quoted(entry.value)} is no ARN: it does not begin with `arn:`"
            )


@check(
    "MISSING_ARN_FIELD",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="An ARN has fewer than six fields",
    fix="Write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE; a field may be empty, its colon stays.",
    bad=[
        _reading("arn:aws:s3:amzn-s3-demo-bucket"),
        _reading("arn:aws:s3::amzn-s3-demo-bucket/*"),
        _reading("arn:aws:s3:amzn-s3-demo-bucket/*"),
    ],
    good=[_OBJECTS, _reading("arn:aws:s3*"), _reading("arn:aws:sqs:eu-*")],
)
def too_few_fields(statement: Statement) -> Iterator[Fail]:
    """AWS counts the colons; a missing one shifts every field after it."""
    for entry in _entries(statement):
        fields = _HOLE.sub("", entry.value).split(":")
        if fields[0] == "arn" and len(fields) < _FIELDS and not _goes_on(fields):
            yield Fail(
                entry.where, f"{quoted(entry.value)} has {len(fields)} of the six fields of an ARN"
            )


# How the fields after `arn` may begin: partition, service, Region, account.
_BEGINNINGS = (
    re.compile(r"a?|aw?|aws[a-z-]*"),
    re.compile(r"[a-z0-9-]*"),
    re.compile(r"[a-z]{0,2}|(us|eu|eusc|ap|sa|ca|me|af|il|mx|cn)-[a-z0-9-]*"),
    re.compile(r"[0-9]{0,12}|aws"),
)


def _goes_on(fields: list[str]) -> bool:
    """Whether a star at the end stands for the rest of the last field and all the missing ones."""
    *whole, last = fields[1:] or [""]
    head = last.removesuffix("*")
    return head != last and bool(_BEGINNINGS[len(whole)].fullmatch(head.rstrip("*?")))


@check(
    "INVALID_PARTITION",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="An ARN names no AWS partition",
    fix="Write `aws`, or the partition that you work in, such as `aws-us-gov` or `aws-cn`.",
    bad=[_reading("arn:amazon:s3:::amzn-s3-demo-bucket/*")],
    good=[_OBJECTS],
)
def unknown_partition(statement: Statement) -> Iterator[Fail]:
    """No resource has an ARN of a partition that does not exist."""
    for entry, arn in _arns(statement):
        if arn.partition not in PARTITIONS and not _is_open(arn.partition):
            near = closest(arn.partition, PARTITIONS) or "aws"
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: there is no partition {quoted(arn.partition)};"
                f" did you mean `{near}`?",
            )


@check(
    "INVALID_ARN_SERVICE_CASE",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="An ARN writes its service in upper case",
    fix="Write the service in lower case.",
    bad=[_reading("arn:aws:S3:::amzn-s3-demo-bucket/*")],
    good=[_OBJECTS],
)
def upper_case_service(statement: Statement) -> Iterator[Fail]:
    """ARNs are compared with case, and no service has a capital in its."""
    for entry, arn in _arns(statement):
        if arn.service != arn.service.lower() and "${" not in arn.service:
            yield Fail(entry.where, f"{quoted(entry.value)}: write `{arn.service.lower()[:60]}`")


@slotted
class _Format:
    """What an ARN format of the reference says: which fields are empty, filled or free; the resource as pattern."""

    region: str
    account: str
    resource: str
    head: str

    @classmethod
    def of(cls, arn: Arn) -> _Format:
        resource = _HOLE.sub("?*", arn.resource)
        return cls(
            region=arn.region,
            account=arn.account,
            resource=resource,
            head=re.split(r"[*?]", resource, maxsplit=1)[0],
        )


# What the tables of the reference leave out, and AWS's pages name.
_BESIDES = {
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRecoveryPoint.html
    "backup": "arn:aws:backup:${Region}:${Account}:recovery-point:${RecoveryPointId}",
    # https://github.com/aws-samples/data-perimeter-policy-examples/blob/main/service_owned_resources.md
    "cloudformation": "arn:aws:cloudformation:${Region}:aws:transform/${Name}",
}


@lru_cache(maxsize=512)
def _formats(service: str) -> tuple[_Format, ...]:
    """The ARN formats with this service field, of whichever service prefix."""
    anything = Arn(partition="*", service=service, region="*", account="*", resource="*")
    texts = {
        text
        for known_format in catalog().types_of_arn(anything)
        for text in known_format.arn_formats
    }
    texts |= {_BESIDES[service]} if service in _BESIDES else set()
    arns = filter(None, map(Arn.of, sorted(texts)))
    return tuple(_Format.of(arn) for arn in arns if arn.service == service)


@lru_cache(maxsize=2048)
def _fitting(service: str, resource: str) -> tuple[_Format, ...]:
    """The formats that the resource part of an ARN, or of a pattern of ARNs, can follow."""
    pattern = _HOLE.sub("*", resource)
    head = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if (pattern and not head) or len(pattern) > _LONGEST:
        # What begins with a wildcard can be anything; asking every format about it would only cost time.
        return _formats(service)
    return tuple(
        known_format
        for known_format in _formats(service)
        if (head.startswith(known_format.head) or known_format.head.startswith(head))
        and intersects(pattern, known_format.resource)
    )


@check(
    "ARN_OF_UNKNOWN_FORMAT",
    on=Statement,
    when=_FAULTY,
    severity=Severity.WARNING,
    title="No resource type of the service has an ARN of this form",
    fix="Compare the ARN with the formats of the service: `aws-iam policy lookup` lists them.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    bad=[
        _reading("arn:aws:iam::111122223333:roles/app"),
        _reading("arn:aws:iam::111122223333:starship/app"),
        _reading("arn:aws:iam::111122223333:"),
    ],
    good=[_OBJECTS, _reading("arn:aws:iam::111122223333:role/app")],
)
def resource_of_no_format(statement: Statement) -> Iterator[Fail]:
    """An ARN that follows no format of its service matches no resource: the statement does nothing for it.

    AWS's own validator accepts such ARNs without a finding. False alarm when the resource is in no table of AWS's
    reference; where the word is close to a type that is there, a misspelling is far more likely.
    """
    for entry, arn in _unfitting(statement):
        if not arn.resource:
            yield Fail(entry.where, f"{quoted(entry.value)} ends before it names a resource")
            continue
        meant = _meant(arn)
        yield Fail(
            entry.where,
            f"{quoted(entry.value)} follows no ARN format that the reference has for {arn.service}"
            + (f"; did you mean `{meant}`?" if meant else ""),
            low_confidence=not meant,
        )


@memo_on_subject
def _fitted(statement: Statement) -> tuple[tuple[Text, Arn, tuple[_Format, ...]], ...]:
    """The entries with the formats that they fit: several rules ask, and a long list is longer than what is remembered."""
    return tuple(
        [
            (entry, arn, () if _is_open(arn.service) else _fitting(arn.service, arn.resource))
            for entry, arn in _arns(statement)
        ]
    )


def _unfitting(statement: Statement) -> Iterator[tuple[Text, Arn]]:
    for entry, arn, fitting in _fitted(statement):
        if not (fitting or _is_open(arn.service)) and _formats(arn.service):
            yield entry, arn


def _meant(arn: Arn) -> str | None:
    """The format whose first word is the resource's, or nearly so."""
    # The shortest of a type's formats is the general one: it comes last, and stays.
    general = sorted(_formats(arn.service), key=lambda known_format: -len(known_format.resource))
    by_word = {_first_word(candidate.resource): candidate for candidate in general}
    word = _first_word(arn.resource)
    if not word or _is_open(word):
        return None
    near = nearest(
        word, (candidate for candidate in by_word if candidate and "?" not in candidate)
    )
    return by_word[near[0]].resource.replace("?*", "*") if near else None


def _first_word(resource: str) -> str:
    return re.split(r"[/:]", resource, maxsplit=1)[0]


_Field = Literal["region", "account"]


def _agree(fitting: tuple[_Format, ...], field: _Field, *, empty: bool) -> bool:
    """Whether every format that an ARN can follow has the field empty (or filled)."""
    # A literal or a wildcard in a format (`aws`, `*`) is a case of its own.
    return bool(fitting) and all(
        (not value) if empty else value.startswith("${")
        for value in (getattr(known_format, field) for known_format in fitting)
    )


@check(
    "ARN_REGION_NOT_ALLOWED",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN has a Region where resources of this kind have none",
    fix="Leave the Region empty; its colon stays.",
    bad=[_reading("arn:aws:s3:eu-west-1::amzn-s3-demo-bucket")],
    good=[_OBJECTS],
)
def region_of_global_resource(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have an empty Region, so one with a Region matches nothing."""
    for entry, arn, fitting in _fitted(statement):
        if arn.region and not _is_open(arn.region) and _agree(fitting, "region", empty=True):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: the Region {quoted(arn.region)} must be empty",
            )


@check(
    "MISSING_ARN_REGION",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN lacks a Region",
    fix="Write the Region, or `*` for all.",
    bad=[_reading("arn:aws:sqs::111122223333:queue")],
    good=[_reading("arn:aws:sqs:eu-west-1:111122223333:queue")],
)
def no_region(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have a Region, so one without matches nothing."""
    for entry, arn, fitting in _fitted(statement):
        if not arn.region and _agree(fitting, "region", empty=False):
            yield Fail(entry.where, f"{quoted(entry.value)} has no Region")


@check(
    "INVALID_ARN_REGION",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The Region of an ARN does not exist, or not in its partition",
    fix="Write the Region's code, or `*` for all, and the partition that the Region is in.",
    bad=[
        _reading("arn:aws:sqs:eu-wset-1:111122223333:queue"),
        _reading("arn:aws:sqs:cn-north-1:111122223333:queue"),
    ],
    good=[
        _reading("arn:aws:sqs:eu-west-1:111122223333:queue"),
        _reading("arn:aws:sqs:eu-*:111122223333:queue"),
        _reading("arn:aws-cn:sqs:cn-north-1:111122223333:queue"),
    ],
)
def unknown_region_in_arn(statement: Statement) -> Iterator[Fail]:
    """No resource has an ARN with a Region that does not exist, or with a Region of another partition."""
    for entry, arn, fitting in _fitted(statement):
        region = arn.region
        # Where the Region must be empty, that is what is wrong with it.
        if not region or _is_open(region) or _agree(fitting, "region", empty=True):
            continue
        partition = regions().partition(region)
        if partition is None:
            near = regions().near(region)
            hint = f"; did you mean `{near}`?" if near else ""
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: {quoted(region)} is no Region that existed on"
                f" {regions().as_of}{hint}",
                low_confidence=may_be_newer(region),
            )
        elif arn.partition in PARTITIONS and arn.partition != partition:
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: the Region {quoted(region)} is in the partition `{partition}`",
            )


@check(
    "INVALID_ARN_ACCOUNT",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The account of an ARN is no account id",
    fix="Write the 12 digits of the account, or `*` for all.",
    bad=[_reading("arn:aws:sqs:eu-west-1:my-account:queue")],
    good=[_reading("arn:aws:sqs:eu-west-1:111122223333:queue")],
)
def no_account_id(statement: Statement) -> Iterator[Fail]:
    """Every account id has 12 digits, so another text matches no resource."""
    for entry, arn in _arns(statement):
        account = arn.account
        # `aws` stands for what AWS owns: managed policies, public hubs and images.
        if account in {"", "aws"} or _is_open(account) or re.fullmatch(r"[0-9]{12}", account):
            continue
        # Some formats prescribe a word: `arn:aws:iam::aws:policy/…`.
        if _is_open(arn.service) or account not in {
            known_format.account for known_format in _formats(arn.service)
        }:
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: {quoted(account)} has not the 12 digits of an account",
            )


@check(
    "ARN_ACCOUNT_NOT_ALLOWED",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN has an account where resources of this kind have none",
    fix="Leave the account empty; its colon stays.",
    bad=[_reading("arn:aws:s3::111122223333:amzn-s3-demo-bucket/*")],
    good=[_OBJECTS],
)
def account_of_global_resource(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have an empty account, so one with an account matches nothing."""
    for entry, arn, fitting in _fitted(statement):
        if arn.account and not _is_open(arn.account) and _agree(fitting, "account", empty=True):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: the account {quoted(arn.account)} must be empty",
            )


# What AWS owns has an empty account in some services, without a format of its own: `document/AWS-RunShellScript`.
_OF_AWS = re.compile(r"[/:](aws|amazon)", re.IGNORECASE)
# https://github.com/aws-samples/data-perimeter-policy-examples/blob/main/service_owned_resources.md
_ALL_OF_AWS = {"ssm": {"document/*", "parameter/*", "automation-definition/*"}}


@check(
    "MISSING_ARN_ACCOUNT",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN lacks an account",
    fix="Write the account, or `*` for all.",
    bad=[_reading("arn:aws:sqs:eu-west-1::queue")],
    good=[
        _reading("arn:aws:sqs:eu-west-1:111122223333:queue"),
        _reading("arn:aws:ssm:*::document/AWS-RunShellScript"),
        _reading("arn:aws:ssm:*::document/*"),
        _reading("arn:aws:kms:*::*"),
    ],
)
def no_account(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have an account, so one without matches nothing."""
    for entry, arn, fitting in _fitted(statement):
        of_aws = _OF_AWS.search(arn.resource) or arn.resource in _ALL_OF_AWS.get(arn.service, ())
        # A resource part of wildcards names no type, so that no format can be held against it.
        untyped = not arn.resource.strip("*?:/")
        if not (arn.account or of_aws or untyped) and _agree(fitting, "account", empty=False):
            yield Fail(entry.where, f"{quoted(entry.value)} has no account")
