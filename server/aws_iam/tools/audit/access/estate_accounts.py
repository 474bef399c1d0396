"""The accounts that a question is about: one that is read, or the snapshots of several, in a folder or named one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.account_source import read_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

_ENDINGS = (".json", ".json.gz")


def estate_accounts(
    source: Source, facts: Iterable[Fact[Any]], progress: Progress
) -> Iterator[Account]:
    """The accounts to judge together: one, or those of several snapshots."""
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
