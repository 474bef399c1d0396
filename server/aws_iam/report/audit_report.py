"""What a report of an audit is made of, and what its formats share: identities, resource types, counts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Status, counts
from aws_iam.engine.reference.frameworks import CIS, Framework, framework
from aws_iam.escape import escaped
from aws_iam.frozen import slotted
from aws_iam.report.clean import FIX_LIMIT
from aws_iam.report.findings_on_disk import FindingsOnDisk
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from aws_iam.answer import Counts, Finding
    from aws_iam.report.access_report import AccessReport


@slotted
class AuditReport:
    """An audit of one account or many: its findings, worst first, and the facts about it that a report shows."""

    version: str
    """Of this tool."""
    benchmark: str
    """The version of the benchmark: `7.0`."""
    framework: str = CIS
    """The framework whose ids it shows."""
    versions: tuple[str, ...]
    """Every version of the benchmark, oldest first."""
    account: str
    """Its id; empty for a report on several."""
    accounts: int = 1
    alias: str = ""
    partition: str = "aws"
    regions: str = ""
    some_regions: Sequence[str] = ()
    """The Regions that were read, where others are enabled too."""
    home: str = "us-east-1"
    """The Region that a format for one Region names."""
    collected_at: datetime
    """When the account was read; of several, the last one."""
    collected_from: datetime | None = None
    """When the first of several accounts was read."""
    as_of: str
    """The date of the controls."""
    summary: str
    sections: Sequence[Mapping[str, Any]] = ()
    total: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    mutes: Sequence[Mapping[str, Any]] = ()
    partial: Sequence[str] = ()
    """What the report leaves out, and why: `1 of 70 controls asked for`."""
    to_add: str = ""
    """The policy that would allow the calls that AWS refused."""
    section_of: Mapping[str, str] = field(default_factory=dict)
    """Key of a control → its section."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Key of a control → why it matters."""
    fixes: Mapping[str, str] = field(default_factory=dict)
    """Key of a control → how to mend it in general."""
    findings: Collection[Finding] = ()
    """Worst first. Those of very many accounts are read from a file: a format goes over them as seldom as it can."""
    access: AccessReport | None = None
    """Who can become an administrator, in the formats that tell it."""
    answer: Answer = field(default=Answer(summary=""))
    """The answer of `audit run`; its findings may be above alone."""

    @property
    def several(self) -> bool:
        """Whether it covers more than one account."""
        return self.accounts != 1

    @property
    def subject(self) -> str:
        """What was audited: `account 111122223333`, `12 accounts`."""
        return f"{self.accounts} accounts" if self.several else f"account {self.account}"

    @property
    def collected(self) -> str:
        """When the accounts were read, and in which Regions."""
        moments = filter(None, (self.collected_from, self.collected_at))
        times = " to ".join(dict.fromkeys(f"{moment:%Y-%m-%d %H:%M}" for moment in moments))
        return ", ".join(filter(None, (f"Read {times} UTC", self.regions)))

    @property
    def standard(self) -> Framework:
        """The framework whose ids it shows, with its version."""
        return framework(self.framework, self.benchmark)

    @property
    def heading(self) -> str:
        """The benchmark, and the other framework whose ids stand in its place."""
        benchmark = f"CIS AWS Foundations Benchmark {self.benchmark}"
        return benchmark if self.framework == CIS else f"{benchmark}, ids of {self.standard.title}"

    @property
    def counts(self) -> Counts:
        """The counts of all findings."""
        found = self.findings
        return found.counts if isinstance(found, FindingsOnDisk) else counts(found)

    def by_account(self) -> Iterator[Collection[Finding]]:
        """The findings account by account, in the order of the accounts, each one's worst first."""
        if isinstance(self.findings, FindingsOnDisk):
            yield from self.findings.by_account()
            return
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            found[finding.account or ""].append(finding)
        for account in sorted(found):
            yield found[account]

    def number(self, finding: Finding) -> str:
        """The finding's ids in the framework that the report shows, empty when it has none."""
        return ", ".join(self.standard.ids(finding))

    def named_ids(self, finding: Finding) -> str:
        """The same after the framework's name: `PCI DSS 4.0: 8.4.2`."""
        number = self.number(finding)
        return f"{self.standard.title}: {number}" if number else ""


def identity(finding: Finding) -> str:
    """A hash of account, Region, control and resource: stable across runs, whatever the texts become."""
    parts = (finding.account, finding.region, finding.code, finding.resource)
    whole = "\0".join(part or "" for part in parts).encode(errors="backslashreplace")
    return hashlib.sha256(whole).hexdigest()[:32]


def identities(findings: Iterable[Finding]) -> list[str]:
    """The identity of each finding; a second finding of a control on the same resource gets `-2`."""
    seen: Counter[str] = Counter()
    names = []
    for finding in findings:
        name = identity(finding)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return names


# Resource types of the AWS Security Finding Format; it calls every other type `Other`.
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
    """Service, kind and id of a resource from its ARN; None for anything else."""
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[0] != "arn":
        return None
    rest = parts[5]
    cut = min((rest.find(mark) for mark in "/:" if mark in rest), default=-1)
    kind, name = ("", rest) if cut < 0 or parts[2] == "s3" else (rest[:cut], rest[cut + 1 :])
    return parts[2], kind, name


def kind_of(finding: Finding) -> str:
    """The finding's resource type as Security Hub names it; without a resource, the account."""
    parts = parts_of(finding.resource or "")
    if not finding.resource or (parts and parts[:2] == ("iam", "") and parts[2] == "root"):
        return ACCOUNT
    if not parts:
        return OTHER
    service, kind, name = parts
    # The ARN of a classic load balancer ends in its name, that of other types in type, name and id.
    narrower = f"{kind}/{name.partition('/')[0]}" if "/" in name else kind
    return _KINDS.get((service, narrower)) or _KINDS.get((service, kind), OTHER)


def left_out(*, asked: int, of: int, below: str = "", count: int | None = None) -> tuple[str, ...]:
    """What a partial report leaves out: controls, and findings below a severity (`count`, where known)."""
    notes = [f"{asked} of {of} controls asked for"] if asked < of else []
    if below and count != 0:
        many = "findings" if count is None else counted(count, "finding")
        notes.append(f"{many} below {below} {'is' if count == 1 else 'are'} left out")
    return tuple(notes)


def fix_within(finding: Finding, limit: int) -> str:
    """The fix, or where to find it: a command that was cut must not be in a report."""
    fix = escaped(finding.fix or "", FIX_LIMIT)
    if len(fix) <= limit:
        return fix
    return f"The commands do not fit here: `aws-iam audit control --id {finding.code}` and the other formats show them."


def tally(findings: Iterable[Finding]) -> Counter[Status | None]:
    """How many controls of an account have each status (None: muted)."""
    statuses: dict[str, Status | None] = {}
    muted = set()
    for finding in findings:
        if finding.muted is not None:
            muted.add(finding.code)
            statuses.setdefault(finding.code, None)
        else:
            so_far = statuses.get(finding.code) or finding.status
            statuses[finding.code] = min(so_far, finding.status, key=lambda status: status.rank)
    # A control that passes only because a failure is muted counts as muted.
    return Counter(
        None if code in muted and status in _GOOD else status for code, status in statuses.items()
    )


_GOOD = frozenset({Status.PASS, Status.NOT_APPLICABLE})


def score(counted: Mapping[Status, int] | Mapping[Status | None, int]) -> float | None:
    """Pass / (pass + fail + unknown): a refused reading never makes it better. None when nothing was evaluated."""
    passed, failed = counted.get(Status.PASS, 0), counted.get(Status.FAIL, 0)
    tried = passed + failed + counted.get(Status.UNKNOWN, 0)
    return round(passed / tried, 3) if passed + failed else None
