"""Totals over many accounts, added up line by line: memory grows with the controls, not with the accounts."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Status
from aws_iam.engine.reference.frameworks import with_cis
from aws_iam.escape import escaped
from aws_iam.report import audit_report
from aws_iam.tools.audit.fleet.results_file import NOTHING_EVALUATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.answer import Severity
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control

NAMED_ACCOUNTS = 5
"""Accounts that a sentence names."""
LISTED_ACCOUNTS = 20
"""Rows of a table of accounts."""
_MUTED = "muted"
_COUNTED = (Status.PASS, Status.FAIL, Status.MANUAL, Status.UNKNOWN, Status.NOT_APPLICABLE)


@dataclass(slots=True)
class ControlTotals:
    """One control over all accounts: how many have each status, and the first accounts that fail or are unknown."""

    status: Counter[str] = field(default_factory=Counter)
    accounts: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, status: str, account: str) -> None:
        """Count one account's status."""
        self.status[status] += 1
        if status in {Status.FAIL, Status.UNKNOWN}:
            # The smallest ids, so that the order in which accounts are done makes no difference.
            bisect.insort(self.accounts[status], account)
            del self.accounts[status][NAMED_ACCOUNTS:]


class Totals:
    """The totals over the accounts so far."""

    def __init__(self, benchmark: Benchmark, controls: Iterable[Control]) -> None:
        self.benchmark = benchmark
        self.controls = tuple(controls)
        self.read = self.unread = self.reads = 0

        self.unjudged = 0
        """Accounts that were read, but in which nothing could be evaluated."""
        self.first_unjudged: list[str] = []
        self.not_read: list[dict[str, Any]] = []
        self._rows = {control.key: ControlTotals() for control in self.controls}
        self._worst: list[dict[str, Any]] = []

    def add(self, line: Mapping[str, Any]) -> None:
        """Count one account."""
        account = str(line["account"])
        if line["status"] != "read":
            self.unread += 1
            why = escaped(str(line.get("reason", "")), 300)
            bisect.insort(self.not_read, {"account": account, "why": why}, key=_id)
            del self.not_read[LISTED_ACCOUNTS:]
            return
        self.read += 1
        self.reads += line.get("reads", 0)
        if line.get(NOTHING_EVALUATED):
            self.unjudged += 1
            bisect.insort(self.first_unjudged, account)
            del self.first_unjudged[NAMED_ACCOUNTS:]
        for key, status in line.get("controls", {}).items():
            if key in self._rows:
                self._rows[key].add(str(status), account)
        self._rank(account, line)

    def _rank(self, account: str, line: Mapping[str, Any]) -> None:
        statuses = Counter(line.get("controls", {}).values())
        row = {
            "account": account,
            "alias": escaped(str(line["alias"]), 63) if line.get("alias") else None,
            "score": line.get("score"),
            "fail": statuses[Status.FAIL.value],
            "unknown": statuses[Status.UNKNOWN.value],
        }
        bisect.insort(self._worst, row, key=lambda row: (-row["fail"], row["account"]))
        del self._worst[LISTED_ACCOUNTS:]

    @property
    def accounts(self) -> int:
        """How many accounts were tried, read or not."""
        return self.read + self.unread

    @property
    def score(self) -> float | None:
        """The part of the controls of all accounts that passes; what is unknown counts as not passed."""
        return _score(self._sum(self.controls), self.unread * len(self.controls))

    @property
    def evaluated(self) -> int:
        """How many controls of all accounts pass or fail."""
        total = self._sum(self.controls)
        return total[Status.PASS.value] + total[Status.FAIL.value]

    @property
    def unknown(self) -> int:
        """How many controls of all accounts are unknown: each one of an account that could not be read."""
        total = self._sum(self.controls)
        return total[Status.UNKNOWN.value] + self.unread * len(self.controls)

    @property
    def not_evaluated(self) -> int:
        """How many controls of all accounts neither pass nor fail, including those of accounts that could not be read."""
        return self.accounts * len(self.controls) - self.evaluated

    def worst(self) -> list[dict[str, Any]]:
        """The accounts with the most failed controls, worst first."""
        return list(self._worst)

    def sections(self) -> list[dict[str, Any]]:
        """How often each section has each status, over all accounts."""
        groups: dict[str, list[Control]] = {}
        for control in self.controls:
            groups.setdefault(self.benchmark.section_of(control), []).append(control)
        return [
            _section(name, self._sum(members), self.unread * len(members))
            for name, members in groups.items()
        ]

    def findings(self, least: Severity | None = None) -> tuple[Finding, ...]:
        """One finding for each control: its state over all accounts."""
        return tuple(
            self._finding(control)
            for control in self.controls
            if least is None or control.severity.rank <= least.rank
        )

    def _sum(self, controls: Iterable[Control]) -> Counter[str]:
        total: Counter[str] = Counter()
        for control in controls:
            total += self._rows[control.key].status
        return total

    def _finding(self, control: Control) -> Finding:
        row = self._rows[control.key]
        status, muted = self._state(row)
        return Finding(
            code=control.key,
            title=control.title,
            severity=control.severity,
            status=status,
            message=self._message(row),
            reason=self._reason(row) if status is Status.UNKNOWN else None,
            fix=control.fix if status is Status.FAIL else None,
            source=control.source,
            controls=dict(control.ids),
            frameworks=with_cis(control.key, control.ids.get(self.benchmark.version)),
            muted=muted,
        )

    def _state(self, row: ControlTotals) -> tuple[Status, str | None]:
        """The worst status of any account; a control is unknown in an account that could not be read."""
        statuses = [status for status in Status if row.status[status.value]]
        if self.unread:
            statuses.append(Status.UNKNOWN)
        if not statuses and row.status[_MUTED]:
            return Status.FAIL, f"muted in every account ({row.status[_MUTED]})"
        return min(statuses, key=lambda status: status.rank, default=Status.NOT_APPLICABLE), None

    def _message(self, row: ControlTotals) -> str:
        failed = row.status[Status.FAIL.value]
        statuses = (status for status in _COUNTED if row.status[status.value])
        parts = [f"{row.status[s.value]} {s.value.replace('_', ' ')}" for s in statuses]
        parts += [f"{row.status[_MUTED]} muted"] if row.status[_MUTED] else []
        parts += [f"{self.unread} not read"] if self.unread else []
        counted = f"of {self.accounts} accounts: {', '.join(parts)}"
        if not failed:
            return counted
        return f"fails in {named_accounts(row.accounts[Status.FAIL.value], failed)}; {counted}"

    def _reason(self, row: ControlTotals) -> str:
        unknown = row.status[Status.UNKNOWN.value]
        parts = []
        if unknown:
            parts.append(
                f"unknown in {named_accounts(row.accounts[Status.UNKNOWN.value], unknown)}"
            )
        if self.unread:
            first = [unread["account"] for unread in self.not_read]
            parts.append(f"not read: {named_accounts(first, self.unread)}")
        return "; ".join(parts)


def _id(row: Mapping[str, Any]) -> str:
    return str(row["account"])


def named_accounts(accounts: list[str], count: int) -> str:
    """The first of `count` accounts, and how many more there are."""
    shown = accounts[:NAMED_ACCOUNTS]
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return f"{', '.join(shown)}{more}"


def _score(total: Mapping[str, int], unread: int) -> float | None:
    """The score, with the controls of accounts that could not be read among the unknown ones."""
    counted = {status: total[status.value] for status in Status}
    counted[Status.UNKNOWN] += unread
    return audit_report.score(counted)


def _section(name: str, total: Counter[str], unread: int) -> dict[str, Any]:
    return {
        "section": name,
        **{status.value: total[status.value] for status in _COUNTED},
        **({"muted": total[_MUTED]} if total[_MUTED] else {}),
        "score": _score(total, unread),
    }
