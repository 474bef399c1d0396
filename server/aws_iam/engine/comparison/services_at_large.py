"""Services of AWS that a policy lets in without saying for whom: they may come on behalf of any account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Policy, Principal, Statement

AT_LARGE = "access for a service on behalf of any account"
"""The name of the risk."""
# Requests have these whoever they are made for; any other condition may be what ties a service to somebody.
_OF_ANYBODY = frozenset(
    {"aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:securetransport"}
)
_SOURCES = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")
# Of load balancers: AWS's policy for such buckets has no condition.
_OWN_LOGS = re.compile(r".*AWSLogs/\d{12}/.*")


def is_at_large(
    statement: Statement, principals: Iterable[Principal], policies: Sequence[Policy]
) -> bool:
    """Whether a service is among them that nothing in the policies ties to one account; roles are for services."""
    if not any(own.type == "Service" for own in principals):
        return False
    if any(policy.kind is Kind.TRUST for policy in policies):
        return False
    tied = any(own.name not in _OF_ANYBODY for own in statement.conditions)
    kept_out = any(
        own.denies and own.conditions_on(*_SOURCES)
        for policy in policies
        for own in policy.statements
    )
    words = statement.resource_words
    of_own_logs = bool(words) and all(map(_OWN_LOGS.fullmatch, words))
    return not (tied or kept_out or of_own_logs)
