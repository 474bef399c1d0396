"""The forms of what AWS itself names: a snapshot is a file, and a file may have been written by anybody."""

from __future__ import annotations

import re

from aws_iam.engine.language.arn import Arn

_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_PARTITION = re.compile(r"aws(?:-[a-z]{1,12}){0,3}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_SERVICE = re.compile(r"[a-z0-9-]{1,63}")
# `aws` owns the managed policies; a resource such as a bucket has no account in its ARN.
_OWNER = re.compile(r"(?:[0-9]{12}|aws)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

ARN = "an ARN"
REGION = "the name of an AWS Region"
PARTITION = "the name of an AWS partition"
ACCOUNT = "an account id of 12 digits"

_FIELDS = {
    "arn": ARN,
    "log_group_arn": ARN,
    "user_arn": ARN,
    "profile_arn": ARN,
    "home_region": REGION,
    "region": REGION,
    "primary_region": REGION,
}
# Before a subscription is confirmed a word stands where its ARN will be.
_FREE = frozenset({("Subscription", "arn")})
# Most may be empty, where AWS's answer lacked them; commands are built from these.
_NEVER_EMPTY = frozenset({("Trail", "arn"), ("Trail", "home_region")})


def fits(form: str, text: str) -> bool:
    """Whether the text has the form."""
    if form == ARN:
        return _is_arn(text)
    return _PATTERNS[form].fullmatch(text) is not None


def broken(of: type, name: str, value: object) -> str:
    """The form that a field of a fact should have and has not; empty when all is well."""
    form = _FIELDS.get(name, "")
    if not form or not isinstance(value, str) or (of.__name__, name) in _FREE:
        return ""
    if not value and (of.__name__, name) not in _NEVER_EMPTY:
        return ""
    return "" if fits(form, value) else form


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
