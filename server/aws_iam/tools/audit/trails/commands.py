"""A script of AWS CLI commands that fix trails; it requires the owner's choices before it changes anything."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.logging.cloudtrail import (
    AdvancedSelector,
    DataResource,
    EventSelector,
    FieldSelector,
    Selectors,
)
from aws_iam.answer import Status
from aws_iam.escape import escaped, has_invisible_characters
from aws_iam.frozen import slotted
from aws_iam.tools.audit.evidence import event_selectors
from aws_iam.tools.audit.trails.checks import bucket_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aws_iam.account.collect.logging.cloudtrail import Trail, TrailStatus
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding


def fix_script(account: Account, trails: Sequence[Trail], found: Sequence[Finding]) -> str:
    """The script for what fails; it ends at once if a choice that only the owner can make is missing."""
    failed = {finding.code for finding in found if finding.status is Status.FAIL}
    if not failed:
        return ""
    account_trails = [trail for trail in trails if trail.owner == account.id]
    plain_trails = [trail for trail in account_trails if _is_printable(trail)]
    lines = [
        f"# Trail {_comment(trail.name)}: left out, because its name, ARN or bucket contains control characters."
        for trail in account_trails
        if trail not in plain_trails
    ]
    if base := _best_trail(plain_trails):
        lines += _account_wide_fixes(base, account.partition, failed)
    elif failed & {_ALL_REGIONS, *_DATA_EVENTS} and not account_trails:
        home = next(
            (region for region in account.regions.read if not has_invisible_characters(region)),
            None,
        )
        lines += _new_trail(home, failed) if home else ()
    for trail in plain_trails:
        failed_here = {
            finding.code
            for finding in found
            if finding.status is Status.FAIL and finding.resource == trail.arn
        }
        lines += list(_trail_fixes(trail, failed_here, _bucket_place(account, trail)))
    if not lines:
        return ""
    variables = _required_variables(lines, _places(account, plain_trails))
    return "\n".join(["#!/usr/bin/env bash", "set -euo pipefail", *variables, *lines]) + "\n"


_VARIABLES = {
    "KEY_ARN": "a KMS key in {} whose policy lets cloudtrail.amazonaws.com generate data keys",
    "LOG_BUCKET": "a bucket in {} that takes access logs",
    "LOG_GROUP_ARN": "the ARN of a log group in {}, ending in :*",
    "LOG_ROLE_ARN": "a role that lets CloudTrail write to the log group in {}",
    "TRAIL_BUCKET": "a bucket in {} whose policy lets CloudTrail write to it",
}
_VARIABLE = re.compile(rf"\$({'|'.join(_VARIABLES)})__([A-Z0-9_]+)")
_BUCKET = re.compile(r"[A-Za-z0-9._-]+")

_ALL_REGIONS = "cloudtrail_all_regions"
_DATA_EVENTS = {"s3_data_events_read", "s3_data_events_write"}


@slotted
class _Place:
    """Where a resource that the owner chooses must be: the suffix of the variable's name, and words safe in a shell."""

    tag: str
    words: str


def _region(name: str) -> _Place:
    tag = _tag(name)
    return _Place(tag=tag, words=tag.lower().replace("_", "-"))


def _bucket_place(account: Account, trail: Trail) -> _Place:
    """Where the trail's bucket is: its key and its bucket for access logs must be in the same Region.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html (KmsKeyNotFoundException)
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    if region := bucket_region(account, trail.bucket):
        return _region(region)
    name = trail.bucket or ""
    words = f"bucket {name}" if _BUCKET.fullmatch(name) else "the bucket of the trail"
    return _Place(tag=f"OF_{_tag(name)}", words=f"the Region of {words}")


def _places(account: Account, plain_trails: Sequence[Trail]) -> list[_Place]:
    regions = (*account.regions.read, *(trail.home_region for trail in plain_trails))
    return [*map(_region, regions), *(_bucket_place(account, trail) for trail in plain_trails)]


def _tag(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _variable(name: str, place: _Place) -> str:
    """A shell variable for what only the owner can choose; keys, buckets and log groups belong to a Region."""
    return f"${name}__{place.tag}"


def _required_variables(lines: Sequence[str], places: Iterable[_Place]) -> list[str]:
    words = {place.tag: place.words for place in places}
    found = dict.fromkeys(_VARIABLE.findall("\n".join(lines)))
    return [
        f': "${{{name}__{tag}:?set it to {_VARIABLES[name].format(words[tag])}}}"'
        for name, tag in found
        if tag in words
    ]


def _best_trail(plain_trails: Sequence[Trail]) -> Trail | None:
    """The trail to extend: multi-Region before others, logging before stopped."""

    def rank(trail: Trail) -> tuple[bool, bool]:
        return not trail.multi_region, not _is_logging(trail)

    return min(plain_trails, key=rank, default=None)


def _is_logging(trail: Trail) -> bool:
    status: TrailStatus | Miss = trail.status
    return not isinstance(status, Miss) and status.logging


def _account_wide_fixes(trail: Trail, partition: str, failed: set[str]) -> Iterator[str]:
    """The commands that make one trail record what the account must record."""
    if not failed & {_ALL_REGIONS, *_DATA_EVENTS}:
        return
    yield f"# Trail {_comment(trail.name)}: record all Regions, and the events that no trail records."
    if _ALL_REGIONS not in failed and not (trail.multi_region and _is_logging(trail)):
        yield "# Management events that another trail records as well are charged a second time."
    if not trail.multi_region:
        yield _trail_command(trail, "update-trail --name", "--is-multi-region-trail")
    selectors = trail.selectors
    if isinstance(selectors, Miss):
        yield f"# Its event selectors could not be read ({_comment(str(selectors))}) and are left as they are."
    else:
        yield from _selector_fixes(trail, selectors, partition, failed)
    if not _is_logging(trail):
        yield _trail_command(trail, "start-logging --name")


def _selector_fixes(
    trail: Trail, selectors: Selectors, partition: str, failed: set[str]
) -> Iterator[str]:
    wider = selectors
    if _ALL_REGIONS in failed and not event_selectors.management_events(selectors).everything:
        wider = _with_management(wider)
    if (
        failed & _DATA_EVENTS
        and not event_selectors.object_events(selectors, partition).everything
    ):
        wider = _with_objects(wider, partition)
        yield "# Data events of S3 objects are charged per event."
    if wider == selectors:
        return
    if len(wider.classic) > _MOST_CLASSIC:
        yield f"# With the missing ones it would have more than the {_MOST_CLASSIC} event selectors that AWS allows: left as they are."
        return
    yield "# This overwrites its selectors with those that were read plus the missing ones: first check with `aws cloudtrail get-event-selectors` that they have not changed."
    yield _trail_command(trail, "put-event-selectors --trail-name", _option(wider))


# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
_MOST_CLASSIC = 5


def _equals(field: str, value: str) -> FieldSelector:
    return FieldSelector(field=field, operators=(("Equals", (value,)),))


_MANAGEMENT = AdvancedSelector(
    name="Management events", fields=(_equals("eventCategory", "Management"),)
)
_OBJECTS = AdvancedSelector(
    name="S3 objects",
    fields=(_equals("eventCategory", "Data"), _equals("resources.type", "AWS::S3::Object")),
)


def _with_management(selectors: Selectors) -> Selectors:
    """The selectors, with one for all management events except the sources that they leave out now."""
    recorded = event_selectors.management_events(selectors)
    # At most reads or writes are recorded, or nothing would be missing; the other kind excludes nothing.
    left_out = tuple(sorted(recorded.reads_without | recorded.writes_without))
    if selectors.classic:
        kept = tuple(
            selector for selector in selectors.classic if selector.data or not selector.management
        )
        return replace(selectors, classic=(EventSelector(excluded_sources=left_out), *kept))
    exclusion = FieldSelector(field="eventSource", operators=(("NotEquals", left_out),))
    fields = (*_MANAGEMENT.fields, exclusion) if left_out else _MANAGEMENT.fields
    others = tuple(selector for selector in selectors.advanced if not _is_management(selector))
    return replace(selectors, advanced=(replace(_MANAGEMENT, fields=fields), *others))


def _is_management(selector: AdvancedSelector) -> bool:
    recorded = event_selectors.management_events(Selectors(advanced=(selector,)))
    return recorded.reads or recorded.writes


def _with_objects(selectors: Selectors, partition: str) -> Selectors:
    if selectors.classic:
        all_objects = DataResource(type="AWS::S3::Object", values=(f"arn:{partition}:s3",))
        return replace(
            selectors,
            classic=(*selectors.classic, EventSelector(management=False, data=(all_objects,))),
        )
    # A trail without selectors records all management events, but no longer once it has one.
    return replace(selectors, advanced=(*(selectors.advanced or (_MANAGEMENT,)), _OBJECTS))


def _option(selectors: Selectors) -> str:
    """The selectors as an option of `put-event-selectors`, classic or advanced."""
    name, rows = (
        "--advanced-event-selectors",
        [_advanced(selector) for selector in selectors.advanced],
    )
    if selectors.classic:
        name, rows = "--event-selectors", [_classic(selector) for selector in selectors.classic]
    return f"{name} {shlex.quote(json.dumps(rows, separators=(',', ':')))}"


def _advanced(selector: AdvancedSelector) -> dict[str, Any]:
    fields = [
        {
            "Field": field.field,
            **{name: list(values) for name, values in field.operators if values},
        }
        for field in selector.fields
    ]
    return {**({"Name": selector.name} if selector.name else {}), "FieldSelectors": fields}


def _classic(selector: EventSelector) -> dict[str, Any]:
    return {
        "ReadWriteType": selector.read_write,
        "IncludeManagementEvents": selector.management,
        "DataResources": [
            {"Type": resource.type, "Values": list(resource.values)} for resource in selector.data
        ],
        "ExcludeManagementEventSources": list(selector.excluded_sources),
    }


def _trail_fixes(trail: Trail, failed_here: set[str], place: _Place) -> Iterator[str]:
    lines = [
        line for key, fix in _FIXES.items() if key in failed_here for line in fix(trail, place)
    ]
    if lines:
        yield f"# Trail {_comment(trail.name)}, {_comment(trail.home_region)}"
        yield from lines


def _fix_validation(trail: Trail, _place: _Place) -> Iterator[str]:
    yield _trail_command(trail, "update-trail --name", "--enable-log-file-validation")


def _fix_kms(trail: Trail, place: _Place) -> Iterator[str]:
    key = _variable("KEY_ARN", place)
    yield _trail_command(trail, "update-trail --name", f'--kms-key-id "{key}"')


def _fix_log_delivery(trail: Trail, _place: _Place) -> Iterator[str]:
    if trail.log_group_arn:
        yield "# It has a log group but cannot deliver to it: its role must allow logs:CreateLogStream and logs:PutLogEvents."
        yield _trail_command(trail, "get-trail-status --name")
        return
    home = _region(trail.home_region)
    group, role = (_variable(name, home) for name in ("LOG_GROUP_ARN", "LOG_ROLE_ARN"))
    yield _trail_command(
        trail,
        "update-trail --name",
        f'--cloud-watch-logs-log-group-arn "{group}" --cloud-watch-logs-role-arn "{role}"',
    )


def _fix_bucket_logging(trail: Trail, place: _Place) -> Iterator[str]:
    bucket = shlex.quote(trail.bucket or "")
    before = shlex.quote('{"LoggingEnabled":{"TargetBucket":"')
    target = _variable("LOG_BUCKET", place)
    after = shlex.quote(f'","TargetPrefix":{json.dumps(f"s3/{trail.bucket}/")}}}}}')
    status = f'{before}"{target}"{after}'
    yield f"aws s3api put-bucket-logging --bucket {bucket} --bucket-logging-status {status}"


def _fix_public_bucket(trail: Trail, _place: _Place) -> Iterator[str]:
    flags = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    bucket = shlex.quote(trail.bucket or "")
    yield f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {flags}"


_FIXES: dict[str, Callable[[Trail, _Place], Iterator[str]]] = {
    "cloudtrail_bucket_public": _fix_public_bucket,
    "cloudtrail_validation": _fix_validation,
    "cloudtrail_kms": _fix_kms,
    "cloudtrail_bucket_logging": _fix_bucket_logging,
    "cloudtrail_cloudwatch": _fix_log_delivery,
}


def _new_trail(home: str, failed: set[str]) -> Iterator[str]:
    """A trail for what no trail records: everything, or only S3 objects if another account's trail records the rest."""
    records_everything = _ALL_REGIONS in failed
    name = "main" if records_everything else "s3-objects"
    bucket, key = (_variable(variable, _region(home)) for variable in ("TRAIL_BUCKET", "KEY_ARN"))
    options = f'--is-multi-region-trail --enable-log-file-validation --kms-key-id "{key}"'
    place = f"--region {shlex.quote(home)}"
    yield "# This account has no trail: create one for all Regions."
    yield f'aws cloudtrail create-trail {place} --name {name} --s3-bucket-name "{bucket}" {options}'
    if failed & _DATA_EVENTS:
        yield "# Data events of S3 objects are charged per event."
        selectors = Selectors(
            advanced=(_MANAGEMENT, _OBJECTS) if records_everything else (_OBJECTS,)
        )
        yield f"aws cloudtrail put-event-selectors {place} --trail-name {name} {_option(selectors)}"
    yield f"aws cloudtrail start-logging {place} --name {name}"


def _trail_command(trail: Trail, verb: str, options: str = "") -> str:
    place = f"{shlex.quote(trail.arn)} --region {shlex.quote(trail.home_region)}"
    return f"aws cloudtrail {verb} {place} {options}".rstrip()


def _is_printable(trail: Trail) -> bool:
    """Whether a terminal can show the names in the commands safely; quoting protects only the shell."""
    return not any(
        map(
            has_invisible_characters,
            (trail.name, trail.arn, trail.home_region, trail.bucket or ""),
        )
    )


def _comment(text: str) -> str:
    """Account text in a comment of the script, on one line."""
    return escaped(text, 120)
