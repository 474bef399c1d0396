"""The paths to administrator access within each of many accounts: a field of its line of results, and the report on all of them.

    "paths": {"summary": …, "counts": {…}, "paths": […], "cuts": […], …}     what `audit access --to admin` says, bounded

Paths from one account into another need all accounts at once: `audit access --accounts … --to admin` finds them.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer
from aws_iam.escape import escaped
from aws_iam.report.access_report import AccessReport
from aws_iam.report.path_section import MOST_PATHS
from aws_iam.tools.audit.access.access_file import access_report
from aws_iam.tools.audit.fleet.results_file import broken_line
from aws_iam.tools.audit.fleet.totals import NAMED_ACCOUNTS, named_accounts
from aws_iam.tools.audit.paths.found_paths import LEFT_OUT
from aws_iam.tools.audit.paths.hop import ADMIN
from aws_iam.tools.audit.paths.to_answer import paths_answer
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.account.reading.snapshot import Account

    Line = Mapping[str, Any]
    Row = dict[str, Any]
    _Ranked = tuple[tuple[int, ...], int, Row]

FIELD = "paths"
MOST_CUTS = 10
MOST_NOT_JUDGED = 20
_MOST_TEXT = 500
_LISTED = ("outsiders", "paths")
_BETWEEN = (
    "Paths from one account into another are not looked for here: `aws-iam audit access --to admin` finds them, with the same"
    " accounts."
)


def path_field(account: Account) -> Row:
    """What the line of an account says of its paths."""
    facts = paths_answer((account,)).facts
    kept = {name: facts.get(name, [])[:MOST_PATHS] for name in _LISTED}
    left_out = sum(len(facts.get(name, ())) - len(kept[name]) for name in _LISTED)
    starts = {row["from"] for rows in kept.values() for row in rows}
    ends = {row["to"] for rows in kept.values() for row in rows}
    return {
        "counts": facts["counts"],
        **{name: rows for name, rows in kept.items() if rows},
        "principals": [row for row in facts["principals"] if row["principal"] in starts | ends],
        "cuts": facts["cuts"][:MOST_CUTS],
        "paths_left_out": facts.get("paths_left_out", 0) + left_out,
        "not_judged": facts.get("not_judged", [])[:MOST_NOT_JUDGED],
        "not_judged_count": len(facts.get("not_judged", ())),
        **({"unread": True} if facts.get("nothing_evaluated") else {}),
    }


class AccountPaths:
    """The paths of the accounts so far: the first of each account before the second of any, within bounds."""

    def __init__(self) -> None:
        self.accounts = 0
        """Those whose lines tell their paths."""
        self._unread: list[str] = []
        self._without = 0
        """Those that were read for a report that tells none."""
        self._with: list[tuple[int, str]] = []
        self._counts: Counter[str] = Counter()
        self._left_out = self._paths = self._not_judged_count = 0
        self._chosen: list[_Ranked] = []
        self._cuts: list[_Ranked] = []
        self._principals: dict[str, dict[str, Row]] = {}
        self._not_judged: list[Row] = []
        self._number = count()

    def add(self, line: Line) -> None:
        """Take the paths of an account's line."""
        account = str(line["account"])
        if line["status"] != "read":
            self._unread.append(account)
        elif FIELD not in line:
            self._without += 1
        else:
            try:
                self._add(account, line[FIELD])
            except (AttributeError, KeyError, TypeError, ValueError):
                raise broken_line(line, "who can become an administrator") from None

    def report(self, collected_at: datetime | None) -> AccessReport:
        """The paths as the formats print them."""
        chosen = _best_first(self._chosen)
        facts = {
            "account": counted(self.accounts, "account"),
            "collected_at": (collected_at or datetime.now(UTC)).isoformat(timespec="seconds"),
            "to": ADMIN,
            "counts": dict(self._counts),
            "paths": [own["row"] for own in chosen if own["kind"] == "paths"],
            "outsiders": [own["row"] for own in chosen if own["kind"] == "outsiders"],
            "principals": list(self._principals_of_chosen()),
            "cuts": [own["row"] for own in _best_first(self._cuts)],
            "paths_left_out": self._left_out + self._paths - len(chosen),
            "not_judged": self._not_judged,
            "not_considered": LEFT_OUT if self.accounts else "",
        }
        return replace(
            access_report(Answer(summary=self._summary(), facts=facts)),
            answer=Answer(summary=""),
            accounts=self.accounts + len(self._unread) + self._without,
        )

    def _add(self, account: str, told: Row) -> None:
        if told.get("unread"):
            self._unread.append(account)
            return
        self.accounts += 1
        self._counts.update({name: int(number) for name, number in told["counts"].items()})
        if can := int(told["counts"]["can_become"]):
            self._with.append((can, account))
        self._left_out += int(told["paths_left_out"])
        self._not_judged_count += int(told["not_judged_count"])
        room = MOST_NOT_JUDGED - len(self._not_judged)
        self._not_judged += [_shown(row) for row in told["not_judged"][: max(room, 0)]]
        self._principals[account] = {row["principal"]: row for row in told["principals"]}
        for kind in _LISTED:
            self._add_paths(account, kind, told.get(kind, ()))
        for row in told["cuts"]:
            worth = (int(row["stops"]), int(row["closes"]))
            self._keep(self._cuts, MOST_CUTS, worth, {"row": row})
        self._forget()

    def _add_paths(self, account: str, kind: str, rows: list[Row]) -> None:
        for rank, row in enumerate(rows):
            self._paths += 1
            # Whoever comes from outside, then the first path of each account, then the shortest.
            worth = (kind == "outsiders", -rank, -len(row["hops"]))
            entry = {"account": account, "kind": kind, "row": row}
            self._keep(self._chosen, MOST_PATHS, worth, entry)

    def _keep(self, heap: list[_Ranked], most: int, worth: tuple[int, ...], row: Row) -> None:
        """Keep an entry if it is among the best; of those of the same worth the first that came."""
        entry = (worth, -next(self._number), row)
        if len(heap) < most:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)

    def _forget(self) -> None:
        """Keep the principals of the accounts whose paths are listed."""
        listed = {own["account"] for _, _, own in self._chosen}
        self._principals = {own: rows for own, rows in self._principals.items() if own in listed}

    def _principals_of_chosen(self) -> Iterator[Row]:
        for rows in self._principals.values():
            yield from rows.values()

    def _summary(self) -> str:
        return " ".join(filter(None, self._sentences()))

    def _sentences(self) -> Iterator[str]:
        can, there = self._counts["can_become"], self._counts["administrator"]
        if self._unread:
            accounts = named_accounts(sorted(self._unread)[:NAMED_ACCOUNTS], len(self._unread))
            yield f"Who can become an administrator is not known in {counted(len(self._unread), 'account')} ({accounts})."
        if self._without:
            yield (
                f"{counted(self._without, 'account')} of the results {'was' if self._without == 1 else 'were'} read without"
                " the paths: a report with another file of results reads them."
            )
        if not self.accounts:
            return
        if can:
            worst = [
                account for _, account in sorted(self._with, key=lambda own: (-own[0], own[1]))
            ]
            where = named_accounts(worst[:NAMED_ACCOUNTS], len(worst))
            yield f"{counted(can, 'principal')} can become an administrator, in {counted(len(worst), 'account')}: {where}."
        else:
            yield "No other user and no other role whose access could be judged can become an administrator."
        yield f"{counted(there, 'principal')} {'is an administrator' if there == 1 else 'are administrators'} already."
        if unknown := self._counts["unknown"]:
            yield f"Of {counted(unknown, 'principal')} it is not known."
        if self.accounts > 1:
            yield _BETWEEN
        if more := self._not_judged_count - len(self._not_judged):
            yield f"{counted(more, 'more gap')} {'is' if more == 1 else 'are'} not listed."


def _best_first(heap: list[_Ranked]) -> list[Row]:
    return [row for _, _, row in sorted(heap, reverse=True)]


def _shown(row: Mapping[str, Any]) -> Row:
    return {name: escaped(str(row[name]), _MOST_TEXT) for name in ("place", "why")}
