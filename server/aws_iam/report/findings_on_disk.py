"""The findings of very many accounts, kept in a file without a name: each pass reads them again, and memory holds one account.

add(findings of an account)      →   one chunk in the file for each degree of urgency
iter(…)                          →   all of them, worst first; of the same urgency by account
by_account()                     →   account by account
"""

from __future__ import annotations

import os
import pickle
import tempfile
import weakref
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Counts, Finding, counts, summed
from aws_iam.report.order import by_urgency, urgency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.report.order import Urgency


class FindingsOnDisk:
    """A collection of findings that is written once and then read as often as a report needs."""

    def __init__(self) -> None:
        self._file: Any = tempfile.TemporaryFile()  # noqa: SIM115
        # It is open as long as its findings may be asked for.
        weakref.finalize(self, self._file.close)
        self._places: defaultdict[Urgency, list[tuple[str, int]]] = defaultdict(list)
        self._of_accounts: defaultdict[str, list[int]] = defaultdict(list)
        self._length = 0
        self.counts = Counts()
        """The counts of all findings."""

    def add(self, account: str, findings: Iterable[Finding]) -> None:
        """Write the findings of an account."""
        for degree, group in groupby(by_urgency(findings), urgency):
            found = tuple(group)
            place = self._file.seek(0, os.SEEK_END)
            pickle.dump(found, self._file, pickle.HIGHEST_PROTOCOL)
            self._places[degree].append((account, place))
            self._of_accounts[account].append(place)
            self._length += len(found)
            self.counts = summed(self.counts, counts(found))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Finding]:
        for degree in sorted(self._places):
            for _, place in sorted(self._places[degree]):
                yield from self._read(place)

    def __contains__(self, finding: object) -> bool:
        return any(own == finding for own in self)

    def by_account(self) -> Iterator[tuple[Finding, ...]]:
        """The findings of each account, in the order of the accounts, worst first."""
        for account in sorted(self._of_accounts):
            places = self._of_accounts[account]
            yield tuple(finding for place in places for finding in self._read(place))

    def _read(self, place: int) -> tuple[Finding, ...]:
        self._file.seek(place)
        # INVARIANT: only `add` writes to this file, which nobody else can open: it has no name.
        found: tuple[Finding, ...] = pickle.load(self._file)  # noqa: S301
        return found
