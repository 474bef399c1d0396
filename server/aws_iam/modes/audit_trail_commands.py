"""The AWS CLI commands that mend trails: a script that asks for what only the owner can choose, before it changes anything."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from aws_iam.account.fact import Miss
from aws_iam.answer import Status
from aws_iam.escape import escaped, hides
from aws_iam.rules import selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_iam.account.facts.trails import Selectors, Trail, TrailStatus
    from aws_iam.account.snapshot import Account
    from aws_iam.answer import Finding


def script(account: Account, trails: Sequence[Trail], found: Sequence[Finding]) -> str:
    """A script that asks for what only the owner can choose before it changes anything."""
    failed = {each.code for each in found if each.status is Status.FAIL}
    if not failed:
        return ""
    every = [each for each in trails if each.owner == account.id]
    own = [each for each in every if _is_plain(each)]
    lines = [
        f"# Trail {_comment(each.name)}: left out, its name, ARN or bucket holds control characters."
        for each in every
        if each not in own
    ]
    if best := _candidate(own):
        lines += _account_wide(best, account.partition, failed)
    elif failed & {"cloudtrail_all_regions", *_DATA} and not every:
        home = next((each for each in account.regions.read if not hides(each)), None)
        lines += _new_trail(home, failed) if home else ()
    for trail in own:
        wrong = {
            each.code
            for each in found
            if each.status is Status.FAIL and each.resource == trail.arn
        }
        lines += list(_mended(trail, wrong))
    if not lines:
        return ""
    return "\n".join(["#!/usr/bin/env bash", "set -euo pipefail", *_asked(lines), *lines]) + "\n"


_HOLES = {
    "KEY_ARN": "a KMS key in {} whose policy lets cloudtrail.amazonaws.com generate data keys",
    "LOG_BUCKET": "a bucket in {} that takes access logs",
    "LOG_GROUP_ARN": "the ARN of a log group in {}, ending in :*",
    "LOG_ROLE_ARN": "a role that lets CloudTrail write to the log group in {}",
    "TRAIL_BUCKET": "a bucket in {} whose policy lets CloudTrail write to it",
}
_HOLE = re.compile(rf"\$({'|'.join(_HOLES)})__([A-Z0-9_]+)")


_DATA = {"s3_data_events_read", "s3_data_events_write"}


def _hole(name: str, region: str) -> str:
    """A variable for what only the owner can choose; keys, buckets and log groups belong to a Region."""
    return f"${name}__{re.sub(r'[^A-Z0-9]', '_', region.upper())}"


def _asked(lines: Sequence[str]) -> list[str]:
    found = dict.fromkeys(_HOLE.findall("\n".join(lines)))
    return [
        f': "${{{name}__{region}:?set it to {_HOLES[name].format(region.lower().replace("_", "-"))}}}"'
        for name, region in found
    ]


def _candidate(own: Sequence[Trail]) -> Trail | None:
    """The trail to build on: multi-Region before others, logging before stopped."""

    def rank(trail: Trail) -> tuple[bool, bool]:
        status: TrailStatus | Miss = trail.status
        return not trail.multi_region, isinstance(status, Miss) or not status.logging

    return min(own, key=rank, default=None)


def _account_wide(trail: Trail, partition: str, failed: set[str]) -> Iterator[str]:
    """What one trail must do for the whole account."""
    if "cloudtrail_all_regions" in failed:
        yield f"# Trail {_comment(trail.name)}: all Regions, logging, all management events."
        if not trail.multi_region:
            yield _trail(trail, "update-trail --name", "--is-multi-region-trail")
        yield _trail(trail, "start-logging --name")
    chosen = trail.selectors
    if isinstance(chosen, Miss):
        yield f"# Its event selectors could not be read ({_comment(str(chosen))}): left as they are."
        return
    yield from _selected(trail, chosen, partition, failed)


def _selected(trail: Trail, chosen: Selectors, partition: str, failed: set[str]) -> Iterator[str]:
    management = selectors.management_events(chosen)
    objects = selectors.object_events(chosen, partition)
    wants_objects = bool(failed & _DATA)
    if not wants_objects and ("cloudtrail_all_regions" not in failed or management.everything):
        return
    yield "# This replaces every selector of the trail: first note what `aws cloudtrail get-event-selectors` shows."
    parts = [_MANAGEMENT]
    if wants_objects:
        yield "# Data events of S3 objects are charged per event."
        parts.append(_OBJECTS)
    elif objects.reads or objects.writes:
        parts.append(_OBJECTS)
    yield _trail(trail, "put-event-selectors --trail-name", _advanced(parts))


_MANAGEMENT = (
    '{"Name":"Management events","FieldSelectors":'
    '[{"Field":"eventCategory","Equals":["Management"]}]}'
)
_OBJECTS = (
    '{"Name":"S3 objects","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},'
    '{"Field":"resources.type","Equals":["AWS::S3::Object"]}]}'
)


def _mended(trail: Trail, wrong: set[str]) -> Iterator[str]:
    lines = [line for key, mend in _MENDS.items() if key in wrong for line in mend(trail)]
    if lines:
        yield f"# Trail {_comment(trail.name)}, {_comment(trail.home_region)}"
        yield from lines


def _validation(trail: Trail) -> Iterator[str]:
    yield _trail(trail, "update-trail --name", "--enable-log-file-validation")


def _kms(trail: Trail) -> Iterator[str]:
    key = _hole("KEY_ARN", trail.home_region)
    yield _trail(trail, "update-trail --name", f'--kms-key-id "{key}"')


def _logs(trail: Trail) -> Iterator[str]:
    if trail.log_group_arn:
        yield "# The log group is set, the delivery fails: its role must allow logs:CreateLogStream and logs:PutLogEvents."
        yield _trail(trail, "get-trail-status --name")
        return
    group, role = (_hole(name, trail.home_region) for name in ("LOG_GROUP_ARN", "LOG_ROLE_ARN"))
    yield _trail(
        trail,
        "update-trail --name",
        f'--cloud-watch-logs-log-group-arn "{group}" --cloud-watch-logs-role-arn "{role}"',
    )


def _bucket_logging(trail: Trail) -> Iterator[str]:
    bucket = shlex.quote(trail.bucket or "")
    before = shlex.quote('{"LoggingEnabled":{"TargetBucket":"')
    target = _hole("LOG_BUCKET", trail.home_region)
    after = shlex.quote(f'","TargetPrefix":{json.dumps(f"s3/{trail.bucket}/")}}}}}')
    status = f'{before}"{target}"{after}'
    yield f"aws s3api put-bucket-logging --bucket {bucket} --bucket-logging-status {status}"


def _bucket_public(trail: Trail) -> Iterator[str]:
    flags = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    bucket = shlex.quote(trail.bucket or "")
    yield f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {flags}"


_MENDS: dict[str, Callable[[Trail], Iterator[str]]] = {
    "cloudtrail_bucket_public": _bucket_public,
    "cloudtrail_validation": _validation,
    "cloudtrail_kms": _kms,
    "cloudtrail_bucket_logging": _bucket_logging,
    "cloudtrail_cloudwatch": _logs,
}


def _new_trail(home: str, failed: set[str]) -> Iterator[str]:
    """A trail for what is recorded nowhere: everything, or only the objects beside another account's trail."""
    everything = "cloudtrail_all_regions" in failed
    name = "main" if everything else "s3-objects"
    bucket, key = _hole("TRAIL_BUCKET", home), _hole("KEY_ARN", home)
    options = f'--is-multi-region-trail --enable-log-file-validation --kms-key-id "{key}"'
    place = f"--region {shlex.quote(home)}"
    yield "# No trail of this account: a new one for all Regions."
    yield f'aws cloudtrail create-trail {place} --name {name} --s3-bucket-name "{bucket}" {options}'
    if failed & _DATA:
        yield "# Data events of S3 objects are charged per event."
        advanced = _advanced([_MANAGEMENT, _OBJECTS] if everything else [_OBJECTS])
        yield f"aws cloudtrail put-event-selectors {place} --trail-name {name} {advanced}"
    yield f"aws cloudtrail start-logging {place} --name {name}"


def _advanced(parts: Sequence[str]) -> str:
    return f"--advanced-event-selectors {shlex.quote('[' + ','.join(parts) + ']')}"


def _trail(trail: Trail, verb: str, options: str = "") -> str:
    place = f"{shlex.quote(trail.arn)} --region {shlex.quote(trail.home_region)}"
    return f"aws cloudtrail {verb} {place} {options}".rstrip()


def _is_plain(trail: Trail) -> bool:
    """Whether what the commands name can be shown as it is: quotes stop the shell, not the reader's terminal."""
    return not any(map(hides, (trail.name, trail.arn, trail.home_region, trail.bucket or "")))


def _comment(text: str) -> str:
    """Account text in a comment of a script: no line of its own."""
    return escaped(text, 120)
