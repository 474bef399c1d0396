"""The accounts that a question is about: one or several that are read, or the snapshots of several, in a folder or named one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.account_set import ReadAccounts
from aws_iam.tools.audit.run.arguments import ManyAccounts
from aws_iam.tools.kit.account_source import read_account
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Answer
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

_ENDINGS = (".json", ".json.gz")
_OF_ONE = ("demo", "snapshot")
_MOST_NAMED = 5


@slotted
class AskedAccounts:
    """The accounts that a question is about."""

    source: Source
    many: ManyAccounts
    progress: Progress

    def read(self, facts: Sequence[Fact[Any]]) -> ReadAccounts:
        """Those that could be read, and why others were not."""
        if self.many == ManyAccounts():
            return ReadAccounts(accounts=tuple(_of_source(self.source, facts, self.progress)))
        self.many.refuse_contradictions()
        for name in _OF_ONE:
            if getattr(self.source, name):
                raise InputError(
                    f"`{name}` is for accounts that are not read now",
                    hint="leave out `accounts` and `org`, or give `snapshot` a folder of the accounts' snapshots alone",
                )
        # Only what is read now pays for the SDK.
        from aws_iam.tools.audit.fleet.read_accounts import read_accounts

        return read_accounts(self.source, self.many, facts, self.progress)


def with_unread(answer: Answer, read: ReadAccounts) -> Answer:
    """The answer, which says first of which accounts nothing is known."""
    if not read.not_read:
        return answer
    accounts = joined([row["account"] for row in read.not_read], shown=_MOST_NAMED)
    number = counted(len(read.not_read), "account")
    first = read.not_read[0]
    known = answer.facts.get("not_judged", ())
    rows = [{"place": row["account"], "why": f"not read: {row['why']}"} for row in read.not_read]
    return replace(
        answer,
        summary=f"{number} could not be read, and nothing is known of what {'it holds' if len(rows) == 1 else 'they hold'}: {accounts} ({first['why']}). {answer.summary}",
        facts={
            **answer.facts,
            "accounts": {"read": len(read.accounts), "not_read": len(read.not_read)},
            "not_judged": [*rows, *known],
        },
    )


def _of_source(
    source: Source, facts: Iterable[Fact[Any]], progress: Progress
) -> Iterator[Account]:
    """One account, or those of several snapshots."""
    files = _files(source.snapshot) if source.snapshot else None
    if files is None:
        yield read_account(source, facts, progress)
        return
    from aws_iam.account.reading.snapshot import load

    seen: dict[str, str] = {}
    for file in files:
        try:
            account = load(file)
        except InputError as error:
            raise InputError(f"{quoted(file.name)}: {error.message}", hint=error.hint) from None
        if account.id in seen:
            raise InputError(
                f"{quoted(seen[account.id])} and {quoted(file.name)} are both of account {account.id}",
                hint="leave one of them out",
            )
        seen[account.id] = file.name
        yield account


def _files(snapshot: str) -> list[Path] | None:
    """The files of several snapshots: those of a folder, or those named with commas between; None for a single one."""
    folder = Path(snapshot)
    if folder.is_dir():
        files = sorted(file for file in folder.iterdir() if file.name.endswith(_ENDINGS))
        if not files:
            raise InputError(
                f"the folder {quoted(str(folder))} has no snapshot",
                hint="save some with `audit run --save`",
            )
        return files
    names = [name.strip() for name in snapshot.split(",") if name.strip()]
    return [Path(name) for name in names] if len(names) > 1 and not folder.exists() else None
