"""The placeholders of a fix: words in capitals, filled with names from the resource of the finding."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_AWS = "aws"
_NAMED = tuple(
    (placeholder, re.compile(pattern, re.DOTALL))
    for placeholder, pattern in (
        ("USER", r"arn:[^:]+:iam::\d+:user/(?:.*/)?([^/]+)"),
        ("BUCKET", r"arn:[^:]+:s3:::([^/]+)"),
        # The commands for a trail accept its ARN as its name, and the ARN works in every account of an organization.
        ("NAME", r"(arn:[^:]+:cloudtrail:[^:]+:\d+:trail/.+)"),
        ("NAME", r"arn:[^:]+:iam::\d+:server-certificate/(?:.*/)?([^/]+)"),
        ("ARN", r"(arn:[^:]+:iam::(?:\d+|aws):policy/.+)"),
        ("ARN", r"(arn:[^:]+:(?:elasticloadbalancing|cloudfront):.+)"),
        ("KEY", r"arn:[^:]+:kms:[^:]+:\d+:key/(.+)"),
        ("SG", r"arn:[^:]+:ec2:[^:]+:\d+:security-group/(.+)"),
        ("ACL", r"arn:[^:]+:ec2:[^:]+:\d+:network-acl/(.+)"),
        ("VPC_ID", r"arn:[^:]+:ec2:[^:]+:\d+:vpc/(.+)"),
        ("ID", r"arn:[^:]+:ec2:[^:]+:\d+:instance/(.+)"),
        ("ID", r"arn:[^:]+:rds:[^:]+:\d+:db:(.+)"),
        ("REGION", r"arn:[^:]+:[^:]+:([a-z0-9-]+):.*"),
    )
)
# Accepts every AWS name; for any other text the placeholder stays, and the reader fills it in.
_PLAIN = re.compile(r"[!-_a-~][ -_a-~]{0,511}")


def fill_placeholders(  # noqa: PLR0913 - all that a finding contains
    fix: str,
    *,
    resource: str | None,
    region: str | None,
    account: str,
    partition: str = _AWS,
    more: Iterable[tuple[str, str]] = (),
) -> str:
    """The fix with placeholders filled from the resource, the Region and the account; the others stay.

    ARNs in the fix itself, such as those of AWS's managed policies, get the partition.
    """
    if partition != _AWS:
        fix = fix.replace(f"arn:{_AWS}:", f"arn:{partition}:")
    names = dict([*_names(resource or "", fix), ("ACCOUNT_ID", account), *more])
    if region:
        names["REGION"] = region
    return _fill(fix, names)


def _names(resource: str, fix: str) -> Iterator[tuple[str, str]]:
    """The names that the resource gives for placeholders of the fix."""
    for placeholder, pattern in _NAMED:
        match = pattern.fullmatch(resource) if placeholder in fix else None
        if match:
            yield placeholder, match[1]


def _fill(fix: str, names: Mapping[str, str]) -> str:
    """The fix with all placeholders filled in one pass, because a name may look like another placeholder."""
    known = {placeholder: name for placeholder, name in names.items() if _PLAIN.fullmatch(name)}
    if not known:
        return fix

    def name_for(placeholder: re.Match[str]) -> str:
        name = known[placeholder[0]]
        quoted = shlex.quote(name)
        within_quotes = fix.count("'", 0, placeholder.start()) % 2
        return placeholder[0] if within_quotes and quoted != name else quoted

    placeholders = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    return re.sub(rf"(?<![\w$-])(?:{placeholders})(?![\w-])", name_for, fix)
