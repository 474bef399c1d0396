"""The holes of a fix: capitals that stand for a name, filled where the finding's resource tells the name."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_AWS = "aws"
_NAMED = tuple(
    (hole, re.compile(pattern, re.DOTALL))
    for hole, pattern in (
        ("USER", r"arn:[^:]+:iam::\d+:user/(?:.*/)?([^/]+)"),
        ("BUCKET", r"arn:[^:]+:s3:::([^/]+)"),
        # The commands of a trail take its ARN as its name, which holds from every account of an organization.
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
# What a name of AWS can be and more; anything else stays a hole that its owner fills.
_PLAIN = re.compile(r"[!-_a-~][ -_a-~]{0,511}")


def filled(  # noqa: PLR0913 - what a finding knows
    fix: str,
    *,
    resource: str | None,
    region: str | None,
    account: str,
    partition: str = _AWS,
    more: Iterable[tuple[str, str]] = (),
) -> str:
    """The fix with every hole filled that the resource, the Region or the account names; others keep their capitals.

    ARNs that the fix names itself, such as those of AWS's policies, are those of the partition.
    """
    if partition != _AWS:
        fix = fix.replace(f"arn:{_AWS}:", f"arn:{partition}:")
    names = dict([*_names(resource or "", fix), ("ACCOUNT_ID", account), *more])
    if region:
        names["REGION"] = region
    return _fill(fix, names)


def _names(resource: str, fix: str) -> Iterator[tuple[str, str]]:
    """What the resource says of the holes that the fix may have."""
    for hole, pattern in _NAMED:
        found = pattern.fullmatch(resource) if hole in fix else None
        if found:
            yield hole, found[1]


def _fill(fix: str, names: Mapping[str, str]) -> str:
    """All holes at once: what fills one may look like another."""
    known = {hole: name for hole, name in names.items() if _PLAIN.fullmatch(name)}
    if not known:
        return fix

    def word(found: re.Match[str]) -> str:
        name = known[found[0]]
        quoted = shlex.quote(name)
        within_quotes = fix.count("'", 0, found.start()) % 2
        return found[0] if within_quotes and quoted != name else quoted

    holes = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    return re.sub(rf"(?<![\w$-])(?:{holes})(?![\w-])", word, fix)
