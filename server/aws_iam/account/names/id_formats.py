"""Formats of ids and ARNs, checked when a snapshot is loaded, because anybody may have written the file."""

from __future__ import annotations

import re

from aws_iam.engine.language.arn import Arn

_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_PARTITION = re.compile(r"aws(?:-[a-z]{1,12}){0,3}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_SERVICE = re.compile(r"[a-z0-9-]{1,63}")
# `aws` owns the managed policies; the ARN of a bucket, for example, has no account.
_OWNER = re.compile(r"(?:[0-9]{12}|aws)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

ARN = "an ARN"
REGION = "the name of an AWS Region"
PARTITION = "the name of an AWS partition"
ACCOUNT = "an account id of 12 digits"

_FIELD_FORMATS = {
    "arn": ARN,
    "log_group_arn": ARN,
    "user_arn": ARN,
    "profile_arn": ARN,
    "home_region": REGION,
    "region": REGION,
    "primary_region": REGION,
}
# Until a subscription is confirmed, AWS sends a word in place of its ARN.
_EXCEPTIONS = frozenset({("Subscription", "arn")})
# Most may be empty, where AWS did not send them, but commands are built from these.
_REQUIRED = frozenset({("Trail", "arn"), ("Trail", "home_region")})


def has_format(expected: str, text: str) -> bool:
    """Whether the text has the format."""
    if expected == ARN:
        return _is_arn(text)
    return _PATTERNS[expected].fullmatch(text) is not None


def may_violate_format(of: type, name: str) -> bool:
    """Whether a field of that name has a format."""
    return name in _FIELD_FORMATS and (of.__name__, name) not in _EXCEPTIONS


def violated_format(of: type, name: str, value: object) -> str:
    """The format that a field of a fact should have but does not; empty when it has it."""
    expected = _FIELD_FORMATS[name] if may_violate_format(of, name) else ""
    if not expected or not isinstance(value, str):
        return ""
    if not value and (of.__name__, name) not in _REQUIRED:
        return ""
    return "" if has_format(expected, value) else expected


def _is_arn(text: str) -> bool:
    arn = Arn.of(text)
    return (
        arn is not None
        and not _CONTROL.search(text)
        and _PARTITION.fullmatch(arn.partition) is not None
        and _SERVICE.fullmatch(arn.service) is not None
        and (not arn.region or _REGION.fullmatch(arn.region) is not None)
        and _OWNER.fullmatch(arn.account) is not None
        and bool(arn.resource)
    )


_PATTERNS = {REGION: _REGION, PARTITION: _PARTITION, ACCOUNT: _ACCOUNT}
