"""What a report of an audit is made of, and what its formats share: identities, kinds of resources, roll-ups."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status
from aws_iam.escape import escaped
from aws_iam.report.clean import FIX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from aws_iam.answer import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A run: its findings, worst first, and the facts of the run that a report shows."""

    version: str
    """Of this tool."""
    benchmark: str
    """The version of the benchmark."""
    versions: tuple[str, ...]
    """Every version of the benchmark, oldest first."""
    account: str
    """Its id; empty when there are several."""
    accounts: int = 1
    alias: str = ""
    partition: str = "aws"
    regions: str = ""
    home: str = "us-east-1"
    """The Region that a file for one Region is meant for."""
    collected_at: datetime
    """When the last account was read."""
    collected_from: datetime | None = None
    """When the first of several was read."""
    as_of: str
    summary: str
    sections: Sequence[Mapping[str, Any]] = ()
    total: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    mutes: Sequence[Mapping[str, Any]] = ()
    partial: Sequence[str] = ()
    """What the run was not asked for, or leaves out: `1 of 70 controls asked for`."""
    to_add: str = ""
    """The policy that would make readable what was refused."""
    section_of: Mapping[str, str] = field(default_factory=dict)
    """Code of a control → its section."""
    whys: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def several(self) -> bool:
        """Whether the run is over more than one account."""
        return self.accounts != 1

    @property
    def subject(self) -> str:
        """What was audited: `account 111122223333`, `12 accounts`."""
        return f"{self.accounts} accounts" if self.several else f"account {self.account}"

    @property
    def read(self) -> str:
        """When, and which Regions."""
        moments = (each for each in (self.collected_from, self.collected_at) if each)
        times = " to ".join(dict.fromkeys(f"{moment:%Y-%m-%d %H:%M}" for moment in moments))
        return ", ".join(filter(None, (f"Read {times} UTC", self.regions)))

    def number(self, finding: Finding) -> str:
        """The finding's number in the benchmark, empty when it has none."""
        return (finding.controls or {}).get(self.benchmark, "")


def identity(finding: Finding) -> str:
    """The same for the same problem in every run: account, Region, control and resource, never the text."""
    parts = (finding.account, finding.region, finding.code, finding.resource)
    whole = "\0".join(part or "" for part in parts).encode(errors="backslashreplace")
    return hashlib.sha256(whole).hexdigest()[:32]


def identities(findings: Iterable[Finding]) -> list[str]:
    """The identity of each; further findings of one control on one resource are numbered."""
    seen: Counter[str] = Counter()
    named = []
    for finding in findings:
        name = identity(finding)
        seen[name] += 1
        named.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return named


# The names of the AWS Security Finding Format; what is not here is `Other` there.
# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources.html
_KINDS = {
    ("cloudtrail", "trail"): "AwsCloudTrailTrail",
    ("ec2", "instance"): "AwsEc2Instance",
    ("ec2", "network-acl"): "AwsEc2NetworkAcl",
    ("ec2", "security-group"): "AwsEc2SecurityGroup",
    ("ec2", "volume"): "AwsEc2Volume",
    ("ec2", "vpc"): "AwsEc2Vpc",
    ("ec2", "vpc-peering-connection"): "AwsEc2VpcPeeringConnection",
    ("elasticloadbalancing", "loadbalancer"): "AwsElbLoadBalancer",
    ("elasticloadbalancing", "loadbalancer/app"): "AwsElbv2LoadBalancer",
    ("elasticloadbalancing", "loadbalancer/gwy"): "AwsElbv2LoadBalancer",
    ("elasticloadbalancing", "loadbalancer/net"): "AwsElbv2LoadBalancer",
    ("iam", "group"): "AwsIamGroup",
    ("iam", "policy"): "AwsIamPolicy",
    ("iam", "role"): "AwsIamRole",
    ("iam", "user"): "AwsIamUser",
    ("kms", "key"): "AwsKmsKey",
    ("lambda", "function"): "AwsLambdaFunction",
    ("rds", "db"): "AwsRdsDbInstance",
    ("s3", ""): "AwsS3Bucket",
    ("secretsmanager", "secret"): "AwsSecretsManagerSecret",
    ("sns", ""): "AwsSnsTopic",
    ("sqs", ""): "AwsSqsQueue",
}
OTHER = "Other"
ACCOUNT = "AwsAccount"
_ARN_PARTS = 6


def parts_of(arn: str) -> tuple[str, str, str] | None:
    """Service, kind and id of a resource from its ARN; None for what is no ARN."""
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[0] != "arn":
        return None
    rest = parts[5]
    cut = min((rest.find(mark) for mark in "/:" if mark in rest), default=-1)
    kind, name = ("", rest) if cut < 0 or parts[2] == "s3" else (rest[:cut], rest[cut + 1 :])
    return parts[2], kind, name


def kind_of(finding: Finding) -> str:
    """The kind of the finding's resource as Security Hub names it; what concerns no resource is the account's."""
    parts = parts_of(finding.resource or "")
    if not finding.resource or (parts and parts[:2] == ("iam", "") and parts[2] == "root"):
        return ACCOUNT
    if not parts:
        return OTHER
    service, kind, name = parts
    # The ARN of a classic load balancer ends in its name, that of any other in its kind, name and id.
    narrower = f"{kind}/{name.partition('/')[0]}" if "/" in name else kind
    return _KINDS.get((service, narrower)) or _KINDS.get((service, kind), OTHER)


def left_out(*, asked: int, of: int, below: str = "", count: int | None = None) -> tuple[str, ...]:
    """What a report says when it tells of a part: controls, and findings below a severity (`count`, where known)."""
    said = [f"{asked} of {of} controls asked for"] if asked < of else []
    if below and count != 0:
        many = "findings" if count is None else f"{count:,} finding{'' if count == 1 else 's'}"
        said.append(f"{many} below {below} {'is' if count == 1 else 'are'} left out")
    return tuple(said)


def fix_within(finding: Finding, limit: int) -> str:
    """The fix, or where it stands whole: a command that is cut must not be run."""
    fix = escaped(finding.fix or "", FIX_LIMIT)
    if len(fix) <= limit:
        return fix
    return f"More than fits here: `aws-iam audit control --id {finding.code}` and the other reports show the commands."


def tallies(
    findings: Iterable[Finding], by: Callable[[Finding], str]
) -> dict[str, Counter[Status | None]]:
    """How many controls have each status, by a name of the finding's, as its account; None: muted."""
    rolled: dict[tuple[str, str, str], Status | None] = {}
    muted = set()
    for finding in findings:
        place = (by(finding), finding.account or "", finding.code)
        if finding.muted is not None:
            muted.add(place)
            rolled.setdefault(place, None)
        else:
            so_far = rolled.get(place) or finding.status
            rolled[place] = min(so_far, finding.status, key=lambda status: status.rank)
    counted: dict[str, Counter[Status | None]] = defaultdict(Counter)
    for place, status in rolled.items():
        # A control that would pass but for what is muted does not pass.
        counted[place[0]][None if place in muted and status in _GOOD else status] += 1
    return counted


_GOOD = frozenset({Status.PASS, Status.NOT_APPLICABLE})


def score(counted: Mapping[Status | None, int]) -> float | None:
    """Pass / (pass + fail), None where nothing was evaluated."""
    passed, failed = counted.get(Status.PASS, 0), counted.get(Status.FAIL, 0)
    return passed / (passed + failed) if passed + failed else None
