"""The AWS CLI commands that mend trails: a script that asks for what only the owner can choose, before it changes anything."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, replace
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
from aws_iam.escape import escaped, hides
from aws_iam.tools.audit.evidence import event_selectors
from aws_iam.tools.audit.trails.checks import bucket_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aws_iam.account.collect.logging.cloudtrail import Trail, TrailStatus
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding


def script(account: Account, trails: Sequence[Trail], found: Sequence[Finding]) -> str:
    """A script that asks for what only the owner can choose before it changes anything."""
    failed = {finding.code for finding in found if finding.status is Status.FAIL}
    if not failed:
        return ""
    every = [trail for trail in trails if trail.owner == account.id]
    own = [trail for trail in every if _is_plain(trail)]
    lines = [
        f"# Trail {_comment(trail.name)}: left out, its name, ARN or bucket holds control characters."
        for trail in every
        if trail not in own
    ]
    if best := _candidate(own):
        lines += _account_wide(best, account.partition, failed)
    elif failed & {_ALL, *_DATA} and not every:
        home = next((region for region in account.regions.read if not hides(region)), None)
        lines += _new_trail(home, failed) if home else ()
    for trail in own:
        wrong = {
            finding.code
            for finding in found
            if finding.status is Status.FAIL and finding.resource == trail.arn
        }
        lines += list(_mended(trail, wrong, _beside(account, trail)))
    if not lines:
        return ""
    asked = _asked(lines, _places(account, own))
    return "\n".join(["#!/usr/bin/env bash", "set -euo pipefail", *asked, *lines]) + "\n"


_HOLES = {
    "KEY_ARN": "a KMS key in {} whose policy lets cloudtrail.amazonaws.com generate data keys",
    "LOG_BUCKET": "a bucket in {} that takes access logs",
    "LOG_GROUP_ARN": "the ARN of a log group in {}, ending in :*",
    "LOG_ROLE_ARN": "a role that lets CloudTrail write to the log group in {}",
    "TRAIL_BUCKET": "a bucket in {} whose policy lets CloudTrail write to it",
}
_HOLE = re.compile(rf"\$({'|'.join(_HOLES)})__([A-Z0-9_]+)")
_BUCKET = re.compile(r"[A-Za-z0-9._-]+")

_ALL = "cloudtrail_all_regions"
_DATA = {"s3_data_events_read", "s3_data_events_write"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where something of the owner's choice must be: the end of a variable's name, and words fit for the shell."""

    tag: str
    words: str


def _region(name: str) -> _Place:
    tag = _tag(name)
    return _Place(tag=tag, words=tag.lower().replace("_", "-"))


def _beside(account: Account, trail: Trail) -> _Place:
    """Where the trail's bucket is: AWS takes no key and no bucket for access logs of another Region.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html (KmsKeyNotFoundException)
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    if region := bucket_region(account, trail.bucket):
        return _region(region)
    name = trail.bucket or ""
    words = f"bucket {name}" if _BUCKET.fullmatch(name) else "the bucket of the trail"
    return _Place(tag=f"OF_{_tag(name)}", words=f"the Region of {words}")


def _places(account: Account, own: Sequence[Trail]) -> list[_Place]:
    regions = (*account.regions.read, *(trail.home_region for trail in own))
    return [*map(_region, regions), *(_beside(account, trail) for trail in own)]


def _tag(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _hole(name: str, place: _Place) -> str:
    """A variable for what only the owner can choose; keys, buckets and log groups belong to a Region."""
    return f"${name}__{place.tag}"


def _asked(lines: Sequence[str], places: Iterable[_Place]) -> list[str]:
    words = {place.tag: place.words for place in places}
    found = dict.fromkeys(_HOLE.findall("\n".join(lines)))
    return [
        f': "${{{name}__{tag}:?set it to {_HOLES[name].format(words[tag])}}}"'
        for name, tag in found
        if tag in words
    ]


def _candidate(own: Sequence[Trail]) -> Trail | None:
    """The trail to build on: multi-Region before others, logging before stopped."""

    def rank(trail: Trail) -> tuple[bool, bool]:
        return not trail.multi_region, not _is_logging(trail)

    return min(own, key=rank, default=None)


def _is_logging(trail: Trail) -> bool:
    status: TrailStatus | Miss = trail.status
    return not isinstance(status, Miss) and status.logging


def _account_wide(trail: Trail, partition: str, failed: set[str]) -> Iterator[str]:
    """What one trail must do for the whole account."""
    if not failed & {_ALL, *_DATA}:
        return
    yield f"# Trail {_comment(trail.name)}: all Regions, logging, the events that no trail records."
    if _ALL not in failed and not (trail.multi_region and _is_logging(trail)):
        yield "# Management events that another trail records too are charged a second time."
    if not trail.multi_region:
        yield _trail(trail, "update-trail --name", "--is-multi-region-trail")
    chosen = trail.selectors
    if isinstance(chosen, Miss):
        yield f"# Its event selectors could not be read ({_comment(str(chosen))}): left as they are."
    else:
        yield from _selected(trail, chosen, partition, failed)
    if not _is_logging(trail):
        yield _trail(trail, "start-logging --name")


def _selected(trail: Trail, chosen: Selectors, partition: str, failed: set[str]) -> Iterator[str]:
    wide = chosen
    if _ALL in failed and not event_selectors.management_events(chosen).everything:
        wide = _with_management(wide)
    if failed & _DATA and not event_selectors.object_events(chosen, partition).everything:
        wide = _with_objects(wide, partition)
        yield "# Data events of S3 objects are charged per event."
    if wide == chosen:
        return
    if len(wide.classic) > _MOST_CLASSIC:
        yield f"# With what is missing it had more than the {_MOST_CLASSIC} event selectors that AWS takes: left as they are."
        return
    yield "# This writes its selectors as they were read, with what is missing: first see whether `aws cloudtrail get-event-selectors` shows others by now."
    yield _trail(trail, "put-event-selectors --trail-name", _option(wide))


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


def _with_management(chosen: Selectors) -> Selectors:
    """All management events, but for the sources left out by now; it covers the narrower selectors."""
    recorded = event_selectors.management_events(chosen)
    # Only one kind is recorded, or this would not be asked for: the other leaves nothing out.
    left_out = tuple(sorted(recorded.reads_without | recorded.writes_without))
    if chosen.classic:
        kept = tuple(
            selector for selector in chosen.classic if selector.data or not selector.management
        )
        return replace(chosen, classic=(EventSelector(excluded_sources=left_out), *kept))
    without = FieldSelector(field="eventSource", operators=(("NotEquals", left_out),))
    fields = (*_MANAGEMENT.fields, without) if left_out else _MANAGEMENT.fields
    others = tuple(selector for selector in chosen.advanced if not _is_management(selector))
    return replace(chosen, advanced=(replace(_MANAGEMENT, fields=fields), *others))


def _is_management(selector: AdvancedSelector) -> bool:
    recorded = event_selectors.management_events(Selectors(advanced=(selector,)))
    return recorded.reads or recorded.writes


def _with_objects(chosen: Selectors, partition: str) -> Selectors:
    if chosen.classic:
        every = DataResource(type="AWS::S3::Object", values=(f"arn:{partition}:s3",))
        return replace(
            chosen, classic=(*chosen.classic, EventSelector(management=False, data=(every,)))
        )
    # A trail that never had a selector records all management events, until it has one.
    return replace(chosen, advanced=(*(chosen.advanced or (_MANAGEMENT,)), _OBJECTS))


def _option(chosen: Selectors) -> str:
    """The selectors as an option of `put-event-selectors`, of the kind that they are."""
    name, rows = (
        "--advanced-event-selectors",
        [_advanced(selector) for selector in chosen.advanced],
    )
    if chosen.classic:
        name, rows = "--event-selectors", [_classic(selector) for selector in chosen.classic]
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


def _mended(trail: Trail, wrong: set[str], place: _Place) -> Iterator[str]:
    lines = [line for key, mend in _MENDS.items() if key in wrong for line in mend(trail, place)]
    if lines:
        yield f"# Trail {_comment(trail.name)}, {_comment(trail.home_region)}"
        yield from lines


def _validation(trail: Trail, _place: _Place) -> Iterator[str]:
    yield _trail(trail, "update-trail --name", "--enable-log-file-validation")


def _kms(trail: Trail, place: _Place) -> Iterator[str]:
    key = _hole("KEY_ARN", place)
    yield _trail(trail, "update-trail --name", f'--kms-key-id "{key}"')


def _logs(trail: Trail, _place: _Place) -> Iterator[str]:
    if trail.log_group_arn:
        yield "# The log group is set, the delivery fails: its role must allow logs:CreateLogStream and logs:PutLogEvents."
        yield _trail(trail, "get-trail-status --name")
        return
    home = _region(trail.home_region)
    group, role = (_hole(name, home) for name in ("LOG_GROUP_ARN", "LOG_ROLE_ARN"))
    yield _trail(
        trail,
        "update-trail --name",
        f'--cloud-watch-logs-log-group-arn "{group}" --cloud-watch-logs-role-arn "{role}"',
    )


def _bucket_logging(trail: Trail, place: _Place) -> Iterator[str]:
    bucket = shlex.quote(trail.bucket or "")
    before = shlex.quote('{"LoggingEnabled":{"TargetBucket":"')
    target = _hole("LOG_BUCKET", place)
    after = shlex.quote(f'","TargetPrefix":{json.dumps(f"s3/{trail.bucket}/")}}}}}')
    status = f'{before}"{target}"{after}'
    yield f"aws s3api put-bucket-logging --bucket {bucket} --bucket-logging-status {status}"


def _bucket_public(trail: Trail, _place: _Place) -> Iterator[str]:
    flags = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    bucket = shlex.quote(trail.bucket or "")
    yield f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {flags}"


_MENDS: dict[str, Callable[[Trail, _Place], Iterator[str]]] = {
    "cloudtrail_bucket_public": _bucket_public,
    "cloudtrail_validation": _validation,
    "cloudtrail_kms": _kms,
    "cloudtrail_bucket_logging": _bucket_logging,
    "cloudtrail_cloudwatch": _logs,
}


def _new_trail(home: str, failed: set[str]) -> Iterator[str]:
    """A trail for what is recorded nowhere: everything, or only the objects beside another account's trail."""
    everything = _ALL in failed
    name = "main" if everything else "s3-objects"
    bucket, key = (_hole(hole, _region(home)) for hole in ("TRAIL_BUCKET", "KEY_ARN"))
    options = f'--is-multi-region-trail --enable-log-file-validation --kms-key-id "{key}"'
    place = f"--region {shlex.quote(home)}"
    yield "# No trail of this account: a new one for all Regions."
    yield f'aws cloudtrail create-trail {place} --name {name} --s3-bucket-name "{bucket}" {options}'
    if failed & _DATA:
        yield "# Data events of S3 objects are charged per event."
        chosen = Selectors(advanced=(_MANAGEMENT, _OBJECTS) if everything else (_OBJECTS,))
        yield f"aws cloudtrail put-event-selectors {place} --trail-name {name} {_option(chosen)}"
    yield f"aws cloudtrail start-logging {place} --name {name}"


def _trail(trail: Trail, verb: str, options: str = "") -> str:
    place = f"{shlex.quote(trail.arn)} --region {shlex.quote(trail.home_region)}"
    return f"aws cloudtrail {verb} {place} {options}".rstrip()


def _is_plain(trail: Trail) -> bool:
    """Whether what the commands name can be shown as it is: quotes stop the shell, not the reader's terminal."""
    return not any(map(hides, (trail.name, trail.arn, trail.home_region, trail.bucket or "")))


def _comment(text: str) -> str:
    """Account text in a comment of a script: no line of its own."""
    return escaped(text, 120)
