"""Many accounts beside the results of an earlier run: what is new, fixed and still open in each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.snapshot import Account, Regions
from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.fleet.results_file import Saved, broken, findings_of, judged_of
from aws_iam.tools.audit.run import changes as audit_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Finding

LISTED = 20
"""Rows of the table of accounts."""
_SAME = ("benchmark", "controls", "severity")
"""What must be the same in both runs: what one of them did not judge or keep is neither new nor fixed."""


class Against:
    """The earlier results, and what has been told apart from them by now."""

    def __init__(self, saved: Saved) -> None:
        self._saved = saved
        self._since: list[str] = []
        self._counts: Counter[str] = Counter()
        self._rows: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._accounts: list[dict[str, Any]] = []
        self._first_time = self._unread_now = self._unread_then = 0

    def beside(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        """The account's line with the change of each finding, and with what is gone since then."""
        account = str(line["account"])
        if line["status"] != "read":
            self._unread_now += 1
            return line
        if account not in self._saved.accounts:
            then_too = account in self._saved.unread
            self._unread_then += then_too
            self._first_time += not then_too
            return line
        earlier = self._saved.line(account)
        both = audit_changes.compared(_side(line), _side(earlier))
        self._count(account, both, str(earlier["collected_at"]))
        found = findings_of(line)
        # As the mutes left them; what is gone is muted by none.
        told = [
            replace(finding, change=also.change)
            for finding, also in zip(found, both, strict=False)
        ]
        return {**line, "findings": [to_json(finding) for finding in (*told, *both[len(found) :])]}

    def facts(self) -> dict[str, Any]:
        """How many findings changed and how, which, and in which accounts most."""
        if not self._accounts:
            return {"changes": {"accounts": 0, **self._apart()}}
        worst = sorted(
            self._accounts, key=lambda row: (-row["new"], -row["fixed"], row["account"])
        )
        return {
            "changes": {
                "since": min(self._since),
                "accounts": len(self._accounts),
                **{name: self._counts[name] for name in _COUNTED},
                **self._apart(),
            },
            "what_changed": [row for _, row in self._rows],
            "changed_accounts": [row for row in worst if row["new"] or row["fixed"]][:LISTED],
        }

    def said(self) -> str:
        """The counts as a sentence or two."""
        changes = self.facts()["changes"]
        words = {
            "first_time": "not in the earlier results",
            "not_read_then": "not read then",
            "not_read_now": "not read now",
        }
        apart = [f"{changes[name]} {told}" for name, told in words.items() if name in changes]
        left = f" Accounts without a comparison: {', '.join(apart)}." if apart else ""
        if not changes["accounts"]:
            return left.strip()
        return f"In {changes['accounts']} accounts, {_lower(audit_changes.said(changes))}{left}"

    def _count(self, account: str, both: tuple[Finding, ...], since: str) -> None:
        facts = audit_changes.facts(both, _account(account, since, ()))
        counts = {name: facts["changes"][name] for name in _COUNTED}
        self._since.append(since)
        self._counts.update(counts)
        self._accounts.append(
            {"account": account, **{name: counts[name] for name in ("new", "fixed", "still_open")}}
        )
        told = [{"account": account, **row} for row in facts["what_changed"]]
        # The same rows in whichever order the accounts were done; what does not fit is not kept.
        self._rows = sorted(
            [*self._rows, *((audit_changes.urgency(row), row) for row in told)],
            key=lambda pair: (pair[0], pair[1]["account"], pair[1]["control"]),
        )[: audit_changes.MOST_ROWS]

    def _apart(self) -> dict[str, int]:
        counted = {
            "first_time": self._first_time,
            "not_read_then": self._unread_then,
            "not_read_now": self._unread_now,
        }
        return {name: count for name, count in counted.items() if count}


_COUNTED = (
    "new",
    "fixed",
    "still_open",
    "unreadable",
    "fail_not_judged_then",
    "changed",
    "same",
)


def against(file: str, job: Mapping[str, Any], out: str | None) -> Against:
    """The earlier results in the file, of a run that judged and kept the same."""
    path = Path(file)
    if out is not None and _is_same(path, Path(out)):
        raise InputError(
            f"`against` and `out` are the same file, {quoted(file)}",
            hint="write this run's results to a new file",
        )
    saved = Saved(path)
    for name in _SAME:
        if saved.job.get(name) != job[name]:
            raise InputError(
                f"{quoted(file)} is of a run with another `{name}`",
                hint=f"run with the same `{name}` to compare",
            )
    return Against(saved)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _side(line: Mapping[str, Any]) -> audit_changes.Side:
    """The run's findings before its mutes: which are accepted is no change of the account."""
    read, since = line.get("regions_read"), line.get("collected_at")
    if not isinstance(read, list) or not isinstance(since, str):
        raise broken(line, "which Regions were read, and when")
    account = _account(str(line["account"]), since, tuple(map(str, read)))
    return audit_changes.Side(account, judged_of(line))


def _account(account: str, since: str, regions: tuple[str, ...]) -> Account:
    """As much of the account as a comparison of findings looks at."""
    try:
        collected_at = datetime.fromisoformat(since)
    except ValueError:
        raise broken({"account": account}, "when it was read") from None
    return Account(
        id=account, collected_at=collected_at, regions=Regions(read=regions, enabled=regions)
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
