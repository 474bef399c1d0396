"""What conditions say about callers: whether they require a key, and whether they keep strangers out."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.misspelt_names import is_misspelt_key
from aws_iam.engine.evaluation.conditions import CLOCKS, has_passed
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.placeholders import with_placeholders_filled

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Condition, Statement

# S3 does not count a policy as public when such a key has a fixed value; other services have similar keys.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_ARNS = frozenset(
    {"aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "s3:dataaccesspointarn"}
)
_IDS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
    }
)
_PROVIDER = "aws:federatedprovider"
_NETWORKS = frozenset({"aws:sourceip", "aws:vpcsourceip"})
TRUSTED_KEYS = _ARNS | _IDS | _NETWORKS
"""The keys, in lower case, whose fixed values keep strangers out; a provider depends on the caller."""
_OF_CALLERS = _ARNS | _IDS | _NETWORKS | {_PROVIDER}
# True only for AWS services, or for clients that mount the file system from its network.
_SWITCHES = frozenset({"aws:principalisawsservice", "elasticfilesystem:accessedviamounttarget"})
# S3 counts a broader range as public:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_BROADEST = {4: 8, 6: 32}
# AWS fills these variables from the resource, so they stand for a text of its owner; other variables depend on the caller.
_OWN = re.compile(r"\$\{aws:Resource(Account|OrgID)\}", re.IGNORECASE)
_OWN_TEXT = "0" * 12
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_ACCOUNT = re.compile(r"[0-9]{12}\**")
_ACCOUNT_FIELD = 4
_RESOURCE_FIELD = 5
# The path of an organization starts with its id, and the user id of a session with the role's: "AROAID:session".
_AFTER_ID = {
    "aws:principalorgpaths": "/",
    "aws:sourceorgpaths": "/",
    "aws:userid": ":",
    "aws:vpceorgpaths": "/",
}


def is_present(statement: Statement, key: str) -> bool:
    """Whether a Null condition requires the key, given in lower case."""
    return any(
        condition.base == "Null"
        and [value.value.lower() for value in condition.values] == ["false"]
        for condition in statement.conditions_on(key)
    )


def is_fixed(key: str, value: str) -> bool:
    """Whether no stranger can have this value of the key, which is given in lower case.

    A placeholder that nobody filled in matches no caller as it stands.
    """
    pattern = _VARIABLE.sub("*", with_placeholders_filled(_OWN.sub(_OWN_TEXT, value), _OWN_TEXT))
    if key in _ARNS:
        return _is_fixed_arn(pattern)
    if key in _NETWORKS:
        return _is_narrow(pattern)
    if key == _PROVIDER:
        # Any account can use the providers that have no ARN, such as accounts.google.com.
        return pattern.startswith("arn:") and _is_fixed_arn(pattern)
    return key in _IDS and _is_spelled(pattern.partition(_AFTER_ID.get(key, "\n"))[0])


def _is_narrow(network: str) -> bool:
    """Whether the range is narrow enough to belong to one owner; text that is no range matches no caller."""
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return is_literal(network)
    return parsed.prefixlen >= _BROADEST[parsed.version]


def _is_spelled(text: str) -> bool:
    return bool(text) and is_literal(text)


def _is_fixed_arn(arn: str) -> bool:
    """Whether an ARN pattern is limited to one account, or to one bucket, whose name is unique."""
    if is_literal(arn):
        return bool(arn)
    fields = arn.split(":", _RESOURCE_FIELD)
    if len(fields) <= _ACCOUNT_FIELD:
        return False
    if _ACCOUNT.fullmatch(fields[_ACCOUNT_FIELD]):
        return True
    if len(fields) <= _RESOURCE_FIELD:
        return False
    service, account, resource = fields[2], fields[_ACCOUNT_FIELD], fields[_RESOURCE_FIELD]
    if service != "s3":
        return not account and _is_spelled(resource)
    # A bucket ARN has neither Region nor account; one with an account and a slash is an access point.
    bucket, slash, _ = resource.partition("/")
    return _is_spelled(bucket) and not (account and slash)


def keeps_strangers_out(condition: Condition) -> bool:
    """Whether the condition, in an Allow, keeps strangers out: only others can satisfy it, or nobody can."""
    if never_holds(condition):
        return True
    if not condition.demanded:
        return False
    if condition.name in _SWITCHES:
        return [value.value.lower() for value in condition.values] == ["true"]
    return all(is_fixed(condition.name, value.value) for value in condition.values)


def never_holds(condition: Condition) -> bool:
    """Whether no request satisfies it: a misspelt key, a time that has passed, no value, or only empty ones."""
    if not condition.demanded:
        return condition.is_never_met
    return is_misspelt_key(condition.name) or all(
        (condition.name in CLOCKS and has_passed(condition.base, value.value))
        # AWS sends no empty value of these keys.
        or (condition.name in _OF_CALLERS and not value.value)
        for value in condition.values
    )


def is_closed_to_strangers(statement: Statement) -> bool:
    """Whether a condition of the Allow keeps strangers out."""
    return any(map(keeps_strangers_out, statement.conditions))
