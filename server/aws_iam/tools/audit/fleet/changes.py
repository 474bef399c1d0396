"""Compares many accounts with the results of an earlier run: what is new, fixed and still open in each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.snapshot import Account, Regions
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.fleet.result_rows import row_of
from aws_iam.tools.audit.fleet.results_file import (
    EarlierResults,
    broken_line,
    findings_before_mutes,
    findings_of,
    partition_of,
)
from aws_iam.tools.audit.fleet.totals import LISTED_ACCOUNTS
from aws_iam.tools.audit.run import changes as audit_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Finding

_MUST_BE_EQUAL = ("benchmark", "controls", "severity")
"""What must be equal in both runs: a finding that one of them did not judge or keep is neither new nor fixed."""


class ResultsComparison:
    """The earlier results, and the changes counted so far."""

    def __init__(self, earlier: EarlierResults) -> None:
        self._earlier = earlier
        self._since: list[str] = []
        self._counts: Counter[str] = Counter()
        self._rows: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._accounts: list[dict[str, Any]] = []
        self._first_time = self._unread_now = self._unread_then = 0

    def with_changes(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        """The account's line with the change of each finding, and with the findings that are gone."""
        account = str(line["account"])
        if line["status"] != "read":
            self._unread_now += 1
            return line
        if account not in self._earlier.accounts:
            was_unread = account in self._earlier.unread
            self._unread_then += was_unread
            self._first_time += not was_unread
            return line
        then = self._earlier.line(account)
        both = audit_changes.with_changes(_judged_snapshot(line), _judged_snapshot(then))
        self._count(account, both, str(then["collected_at"]))
        found = findings_of(line)
        # The line has its findings with the mutes applied, the comparison without.
        compared = [
            replace(finding, change=changed.change)
            for finding, changed in zip(found, both, strict=False)
        ]
        return {
            **line,
            "findings": [
                row_of(finding, finding.status, partition_of(line))
                for finding in (*compared, *both[len(found) :])
            ],
        }

    def facts(self) -> dict[str, Any]:
        """How many findings changed and how, which, and the accounts with the most changes."""
        if not self._accounts:
            return {"changes": {"accounts": 0, **self._uncompared()}}
        worst = sorted(
            self._accounts, key=lambda row: (-row["new"], -row["fixed"], row["account"])
        )
        return {
            "changes": {
                "since": min(self._since),
                "accounts": len(self._accounts),
                **{name: self._counts[name] for name in _COUNTED},
                **self._uncompared(),
            },
            "what_changed": [row for _, row in self._rows],
            "changed_accounts": [row for row in worst if row["new"] or row["fixed"]][
                :LISTED_ACCOUNTS
            ],
        }

    def sentence(self) -> str:
        """The counts in a sentence or two."""
        changes = self.facts()["changes"]
        labels = {
            "first_time": "not in the earlier results",
            "not_read_then": "not read then",
            "not_read_now": "not read now",
        }
        uncompared = ", ".join(
            f"{changes[name]} {label}" for name, label in labels.items() if name in changes
        )
        sentences = []
        if changes["accounts"]:
            counted = audit_changes.changes_sentence(changes)
            sentences.append(f"In {changes['accounts']} accounts, {_lower(counted)}")
        if uncompared:
            sentences.append(f"Accounts without a comparison: {uncompared}.")
        return " ".join(sentences)

    def _count(self, account: str, both: tuple[Finding, ...], since: str) -> None:
        facts = audit_changes.changes_facts(both, _account(account, since, ()))
        counts = {name: facts["changes"][name] for name in _COUNTED}
        self._since.append(since)
        self._counts.update(counts)
        self._accounts.append(
            {"account": account, **{name: counts[name] for name in ("new", "fixed", "still_open")}}
        )
        rows = [{"account": account, **row} for row in facts["what_changed"]]
        # Sorted, so that the order in which accounts are done makes no difference; the rest is not kept.
        self._rows = sorted(
            [*self._rows, *((audit_changes.row_urgency(row), row) for row in rows)],
            key=lambda pair: (pair[0], pair[1]["account"], pair[1]["control"]),
        )[: audit_changes.MOST_ROWS]

    def _uncompared(self) -> dict[str, int]:
        counted = {
            "first_time": self._first_time,
            "not_read_then": self._unread_then,
            "not_read_now": self._unread_now,
        }
        return {name: count for name, count in counted.items() if count}


_COUNTED = (
    "new",
    "fixed",
    "gone",
    "still_open",
    "unreadable",
    "fail_not_judged_then",
    "changed",
    "same",
)


def compare_with_results(file: str, job: Mapping[str, Any], out: str | None) -> ResultsComparison:
    """A comparison with the results in the file, whose run must have judged and kept the same."""
    path = Path(file)
    if out is not None and _is_same(path, Path(out)):
        raise InputError(
            f"`against` and `out` are the same file, {quoted(file)}",
            hint="write this run's results to another file",
        )
    earlier = EarlierResults(path)
    for name in _MUST_BE_EQUAL:
        if earlier.job.get(name) != job[name]:
            raise InputError(
                f"{quoted(file)} holds the results of a run with another `{name}`",
                hint=f"run with the same `{name}` to compare",
            )
    return ResultsComparison(earlier)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _judged_snapshot(line: Mapping[str, Any]) -> audit_changes.JudgedSnapshot:
    """The findings before the run's mutes: muting one is no change of the account."""
    read, since = line.get("regions_read"), line.get("collected_at")
    if not isinstance(read, list) or not isinstance(since, str):
        raise broken_line(line, "which Regions were read, and when")
    account = _account(str(line["account"]), since, tuple(map(str, read)))
    return audit_changes.JudgedSnapshot(account, findings_before_mutes(line))


def _account(account: str, since: str, regions: tuple[str, ...]) -> Account:
    """The parts of an account that a comparison of findings needs."""
    try:
        collected_at = datetime.fromisoformat(since)
    except ValueError:
        raise broken_line({"account": account}, "when it was read") from None
    return Account(
        id=account, collected_at=collected_at, regions=Regions(read=regions, enabled=regions)
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
