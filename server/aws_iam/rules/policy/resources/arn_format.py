"""Resource ARNs: their six fields, and whether any resource of the service has such an ARN."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import PARTITIONS, SHORT_API, Arn
from aws_iam.engine.language.document import Kind, Policy, Statement, Text
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.language.placeholders import placeholders
from aws_iam.engine.reference.arn_formats import (
    ArnField,
    ArnFormat,
    all_formats_have,
    arn_formats,
    fitting_formats,
    is_open,
    near_format,
)
from aws_iam.engine.reference.regions import may_be_newer, regions
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow, policy_with
from aws_iam.rules.gates import at_resource
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator


def _reading(resource: object) -> Example:
    return allow("s3:GetObject", resource)


def _importing(resource: object) -> Example:
    return allow("securityhub:BatchImportFindings", resource)


_OBJECTS = _reading(OBJECTS)
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_FIELDS = 6


def _entries(statement: Statement) -> tuple[Text, ...]:
    return (*statement.resources, *statement.not_resources)


@memo_on_subject
def _arns(statement: Statement) -> tuple[tuple[Text, Arn], ...]:
    """The entries that have the six fields of an ARN."""
    read = ((entry, Arn.of(entry.value)) for entry in _entries(statement))
    return tuple((entry, arn) for entry, arn in read if arn)


def _is_unfilled(entry: Text, field: str) -> bool:
    """Whether a placeholder stands in a field: PLACEHOLDER_NOT_FILLED reports it."""
    return any(placeholder in field for placeholder in placeholders(entry.value))


def _may_be_faulty(entry: str) -> bool:
    """Whether the entry is neither `*` nor a complete ARN that follows a format of AWS's reference."""
    if entry == "*":
        return False
    arn = Arn.of(entry)
    if arn is None or arn.partition not in PARTITIONS or is_open(arn.service):
        return True
    fitting = fitting_formats(arn.service, arn.resource)
    if not fitting:
        return True
    if arn.region and not is_open(arn.region) and regions().partition(arn.region) != arn.partition:
        return True
    if not (
        arn.account in {"", "aws"}
        or is_open(arn.account)
        or re.fullmatch(r"[0-9]{12}", arn.account)
    ):
        return True
    return any(
        all_formats_have(fitting, field, empty=bool(getattr(arn, field)))
        for field in _PLACE_FIELDS
    )


_PLACE_FIELDS: tuple[ArnField, ...] = ("region", "account")
_FAULTY = (at_resource(_may_be_faulty),)


@check(
    "INVALID_ARN_PREFIX",
    on=Policy,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="A resource does not start with arn:",
    fix="Write the ARN of the resource, arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, or `*`.",
    bad=[
        policy_with(_reading("amzn-s3-demo-bucket")),
        policy_with(_reading("s3:::amzn-s3-demo-bucket/*")),
    ],
    good=[policy_with(_OBJECTS), policy_with(_reading("*"))],
)
def not_an_arn(policy: Policy) -> Iterator[Fail]:
    """IAM identifies a resource by its ARN; apart from API Gateway's short form, anything else matches nothing.

    False alarm when the resource is a placeholder that is filled in before deployment.
    """
    for statement in policy.statements:
        is_of_api = (
            policy.kind is Kind.RESOURCE or statement.principals or statement.not_principals
        )
        yield from _without_prefix(statement, may_be_short=bool(is_of_api))


def _without_prefix(statement: Statement, *, may_be_short: bool) -> Iterator[Fail]:
    for entry in _entries(statement):
        first = entry.value.partition(":")[0]
        if first == "arn" or entry.value.startswith(("*", "?", "${")):
            continue
        # What nobody filled in yet has a code of its own.
        if entry.value.startswith(placeholders(entry.value)[:1] or ("\0",)):
            continue
        if may_be_short and entry.value.startswith(SHORT_API):
            continue
        if not (is_open(first) and intersects(_VARIABLE.sub("*", entry.value), "arn:*")):
            yield Fail(
                entry.where, f"{quoted(entry.value)} is not an ARN: it does not start with `arn:`"
            )


@check(
    "MISSING_ARN_FIELD",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="An ARN has fewer than six fields",
    fix="Write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE; a field may be empty, but keep its colon.",
    bad=[
        _reading("arn:aws:s3:amzn-s3-demo-bucket"),
        _reading("arn:aws:s3::amzn-s3-demo-bucket/*"),
        _reading("arn:aws:s3:amzn-s3-demo-bucket/*"),
    ],
    good=[_OBJECTS, _reading("arn:aws:s3*"), _reading("arn:aws:sqs:eu-*")],
)
def too_few_fields(statement: Statement) -> Iterator[Fail]:
    """AWS counts the colons, so a missing one shifts every field after it.

    False alarm when the ARN is a placeholder that is filled in before deployment.
    """
    for entry in _entries(statement):
        fields = _VARIABLE.sub("", entry.value).split(":")
        if fields[0] == "arn" and len(fields) < _FIELDS and not _can_continue(fields):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has only {len(fields)} of the six fields of an ARN",
            )


# How the fields after `arn` may begin: partition, service, Region, account.
_BEGINNINGS = (
    re.compile(r"a?|aw?|aws[a-z-]*"),
    re.compile(r"[a-z0-9-]*"),
    re.compile(r"[a-z]{0,2}|(us|eu|eusc|ap|sa|ca|me|af|il|mx|cn)-[a-z0-9-]*"),
    re.compile(r"[0-9]{0,12}|aws"),
)


def _can_continue(fields: list[str]) -> bool:
    """Whether a `*` at the end can stand for the rest of the last field and all missing fields."""
    *complete, last = fields[1:] or [""]
    head = last.removesuffix("*")
    return head != last and bool(_BEGINNINGS[len(complete)].fullmatch(head.rstrip("*?")))


@check(
    "INVALID_PARTITION",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="An ARN has a partition that does not exist",
    fix="Write `aws`, or the partition of your accounts, such as `aws-us-gov` or `aws-cn`.",
    bad=[_reading("arn:amazon:s3:::amzn-s3-demo-bucket/*")],
    good=[_OBJECTS],
)
def unknown_partition(statement: Statement) -> Iterator[Fail]:
    """No resource has an ARN with a partition that does not exist.

    False alarm when AWS added the partition after this list was made.
    """
    for entry, arn in _arns(statement):
        if _is_unfilled(entry, arn.partition):
            continue
        if arn.partition not in PARTITIONS and not is_open(arn.partition):
            near = closest(arn.partition, PARTITIONS) or "aws"
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the partition {quoted(arn.partition)}, which does not exist;"
                f" did you mean `{near}`?",
            )


@check(
    "INVALID_ARN_SERVICE_CASE",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="An ARN has its service in upper case",
    fix="Write the service in lower case.",
    bad=[_reading("arn:aws:S3:::amzn-s3-demo-bucket/*")],
    good=[_OBJECTS],
)
def upper_case_service(statement: Statement) -> Iterator[Fail]:
    """ARNs are case-sensitive, and every service name is lower case."""
    for entry, arn in _arns(statement):
        if arn.service != arn.service.lower() and "${" not in arn.service:
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the service in upper case; write `{arn.service.lower()[:60]}`",
            )


@check(
    "ARN_OF_UNKNOWN_FORMAT",
    on=Statement,
    when=_FAULTY,
    severity=Severity.WARNING,
    title="AWS's reference has no ARN of this form for the service",
    fix="Compare the ARN with the formats of the service; `policy lookup` lists them.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    bad=[
        _reading("arn:aws:iam::111122223333:roles/app"),
        _reading("arn:aws:iam::111122223333:starship/app"),
        _reading("arn:aws:iam::111122223333:"),
    ],
    good=[_OBJECTS, _reading("arn:aws:iam::111122223333:role/app")],
)
def unknown_format(statement: Statement) -> Iterator[Fail]:
    """An ARN that follows no format of its service matches no resource, so the statement does nothing for it.

    ValidatePolicy accepts such ARNs. False alarm when the resource exists but is in no table of AWS's reference;
    confidence is low unless the ARN is close to a format that is there.
    """
    for entry, arn in _unfitting(statement):
        if not arn.resource:
            yield Fail(entry.where, f"{quoted(entry.value)} ends before it names a resource")
            continue
        nearest_format = near_format(arn)
        yield Fail(
            entry.where,
            f"{quoted(entry.value)} follows no ARN format that AWS's reference lists for {arn.service}"
            + (f"; did you mean `{nearest_format}`?" if nearest_format else ""),
            low_confidence=not nearest_format,
        )


@memo_on_subject
def _fitted(statement: Statement) -> tuple[tuple[Text, Arn, tuple[ArnFormat, ...]], ...]:
    """The entries with the formats that they fit, kept for several rules: a long list would overflow the cache of `fitting_formats`."""
    return tuple(
        [
            (
                entry,
                arn,
                () if is_open(arn.service) else fitting_formats(arn.service, arn.resource),
            )
            for entry, arn in _arns(statement)
        ]
    )


def _unfitting(statement: Statement) -> Iterator[tuple[Text, Arn]]:
    for entry, arn, fitting in _fitted(statement):
        if not (fitting or is_open(arn.service)) and arn_formats(arn.service):
            yield entry, arn


@check(
    "ARN_REGION_NOT_ALLOWED",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN has a Region, but resources of this type have none",
    fix="Leave the Region empty, but keep its colon.",
    bad=[_reading("arn:aws:s3:eu-west-1::amzn-s3-demo-bucket")],
    good=[_OBJECTS],
)
def region_of_global_resource(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have an empty Region, so an ARN with a Region matches nothing.

    False alarm when AWS's reference lists the ARN formats of the service incompletely.
    """
    for entry, arn, fitting in _fitted(statement):
        if (
            arn.region
            and not is_open(arn.region)
            and all_formats_have(fitting, "region", empty=True)
        ):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the Region {quoted(arn.region)}, which must be empty",
            )


@check(
    "MISSING_ARN_REGION",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN has no Region",
    fix="Write the Region, or `*` for every Region.",
    bad=[_reading("arn:aws:sqs::111122223333:queue")],
    good=[_reading("arn:aws:sqs:eu-west-1:111122223333:queue")],
)
def missing_region(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have a Region, so an ARN without one matches nothing.

    False alarm when AWS's reference lists the ARN formats of the service incompletely.
    """
    for entry, arn, fitting in _fitted(statement):
        if not arn.region and all_formats_have(fitting, "region", empty=False):
            yield Fail(entry.where, f"{quoted(entry.value)} has no Region")


@check(
    "INVALID_ARN_REGION",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The Region of an ARN does not exist, or is not in the ARN's partition",
    fix="Write the code of the Region, or `*` for every Region, and the partition that the Region is in.",
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
    """No resource has an ARN with a Region that does not exist or is in another partition.

    False alarm when AWS opened the Region after the date in the message.
    """
    for entry, arn, fitting in _fitted(statement):
        region = arn.region
        # ARN_REGION_NOT_ALLOWED reports a Region that must be empty.
        if not region or is_open(region) or all_formats_have(fitting, "region", empty=True):
            continue
        if _is_unfilled(entry, region):
            continue
        partition = regions().partition(region)
        if partition is None:
            near = regions().near(region)
            hint = f"; did you mean `{near}`?" if near else ""
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the Region {quoted(region)}, which did not exist on"
                f" {regions().as_of}{hint}",
                low_confidence=may_be_newer(region),
            )
        elif arn.partition in PARTITIONS and arn.partition != partition:
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the Region {quoted(region)}, which is in the partition `{partition}`",
            )


@check(
    "INVALID_ARN_ACCOUNT",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The account of an ARN is not an account id",
    fix="Write the 12-digit account id, or `*` for every account.",
    bad=[_reading("arn:aws:sqs:eu-west-1:my-account:queue")],
    good=[_reading("arn:aws:sqs:eu-west-1:111122223333:queue")],
)
def not_an_account_id(statement: Statement) -> Iterator[Fail]:
    """Every account id has 12 digits, so any other text matches no resource.

    False alarm when the account is a placeholder that is filled in before deployment and does not look like one.
    """
    for entry, arn in _arns(statement):
        account = arn.account
        # `aws` stands for what AWS owns: managed policies, public hubs and images.
        if account in {"", "aws"} or is_open(account) or re.fullmatch(r"[0-9]{12}", account):
            continue
        if _is_unfilled(entry, account):
            continue
        # Some formats prescribe a word: `arn:aws:iam::aws:policy/…`.
        if is_open(arn.service) or account not in {
            known_format.account for known_format in arn_formats(arn.service)
        }:
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the account {quoted(account)}, which is not a 12-digit account id",
            )


@check(
    "ARN_ACCOUNT_NOT_ALLOWED",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN has an account, but resources of this type have none",
    fix="Leave the account empty, but keep its colon.",
    bad=[_reading("arn:aws:s3::111122223333:amzn-s3-demo-bucket/*")],
    good=[_OBJECTS],
)
def account_of_global_resource(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have an empty account, so an ARN with an account matches nothing.

    False alarm when AWS's reference lists the ARN formats of the service incompletely.
    """
    for entry, arn, fitting in _fitted(statement):
        if (
            arn.account
            and not is_open(arn.account)
            and all_formats_have(fitting, "account", empty=True)
        ):
            yield Fail(
                entry.where,
                f"{quoted(entry.value)} has the account {quoted(arn.account)}, which must be empty",
            )


# In some services AWS's own resources have an empty account but no format of their own: `document/AWS-RunShellScript`.
_OF_AWS = re.compile(r"[/:](aws|amazon)", re.IGNORECASE)
# https://github.com/aws-samples/data-perimeter-policy-examples/blob/main/service_owned_resources.md
_ALL_OF_AWS = {"ssm": {"document/*", "parameter/*", "automation-definition/*"}}
# Of some partners of Security Hub: `product/prowler/prowler`.
# https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-partner-providers.html
_OF_A_PARTNER = {"securityhub": re.compile(r"product/(?!\d{12}/)[^/]+/[^/]+")}


@check(
    "MISSING_ARN_ACCOUNT",
    on=Statement,
    when=_FAULTY,
    severity=Severity.ERROR,
    title="The ARN has no account",
    fix="Write the account, or `*` for every account.",
    bad=[
        _reading("arn:aws:sqs:eu-west-1::queue"),
        _importing("arn:aws:securityhub:us-east-1::product/111122223333/default"),
    ],
    good=[
        _reading("arn:aws:sqs:eu-west-1:111122223333:queue"),
        _reading("arn:aws:ssm:*::document/AWS-RunShellScript"),
        _reading("arn:aws:ssm:*::document/*"),
        _reading("arn:aws:kms:*::*"),
        _importing("arn:aws:securityhub:us-east-1::product/prowler/prowler"),
    ],
)
def missing_account(statement: Statement) -> Iterator[Fail]:
    """The ARNs of such resources have an account, so an ARN without one matches nothing.

    False alarm when AWS owns the resource: the ARNs of some such resources have no account.
    """
    for entry, arn, fitting in _fitted(statement):
        of_aws = _OF_AWS.search(arn.resource) or arn.resource in _ALL_OF_AWS.get(arn.service, ())
        partner = _OF_A_PARTNER.get(arn.service)
        of_partner = partner is not None and partner.fullmatch(arn.resource)
        # A resource part of wildcards names no type, so that no format can be held against it.
        untyped = not arn.resource.strip("*?:/")
        if not (arn.account or of_aws or of_partner or untyped) and all_formats_have(
            fitting, "account", empty=False
        ):
            yield Fail(entry.where, f"{quoted(entry.value)} has no account")
