"""The account that an action reads: live from AWS, a saved snapshot, or the demonstration account."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, NextCall, next_call
from aws_iam.errors import InputError, system_reason
from aws_iam.escape import escaped, quoted
from aws_iam.whole_files import refuse_special
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

_FRESH_DAYS = 7
ACCOUNT_ARGUMENTS = ("profile", "regions", "role_arn", "external_id", "demo", "snapshot")
_LIVE = ("profile", "regions", "role_arn", "external_id", "demo")
_NOT_WITH_DEMO = ("profile", "role_arn", "external_id")


def read_account(
    source: Source,
    needs: Iterable[Fact[Any]],
    progress: Progress,
    *,
    save: str | None = None,
    principal: str = "",
) -> Account:
    """The account with these facts, also written to the file `save`, which after an interruption holds what was read so far.

    With `principal` only what that user or role has used is read from AWS.
    """
    account, not_saved = read_and_save(source, needs, progress, save=save, principal=principal)
    if not_saved:
        raise not_saved
    return account


def read_and_save(
    source: Source,
    needs: Iterable[Fact[Any]],
    progress: Progress,
    *,
    save: str | None,
    principal: str = "",
) -> tuple[Account, InputError | None]:
    """As `read_account`, but if the account cannot be saved it is returned with the error."""
    _refuse_contradictions(source)
    if save is not None:
        _refuse_unwritable(save)
    if source.snapshot is not None:
        from aws_iam.account.reading.snapshot import load

        account = load(Path(source.snapshot))
        return account, _not_saved(account, save)
    if source.demo:
        from aws_iam.account.reading.demonstration import demonstration

        account = demonstration(needs, source.regions or ())
        return account, _not_saved(account, save)
    # Importing boto3 takes a third of a second: only live actions pay for it.
    from aws_iam.account.reading.collect_account import PartlyRead

    facts = tuple(needs)
    try:
        account = _collected(source, facts, progress, principal)
    except PartlyRead as stopped:
        if save is None:
            raise
        not_saved = _not_saved(_mark_interrupted(stopped.account, facts), save)
        done = f"{len(stopped.account.facts)} of {stopped.wanted} facts"
        saved = f"but not saved: {not_saved}" if not_saved else f"and saved in {quoted(save)}"
        raise KeyboardInterrupt(f"{done} were read {saved}") from None
    return account, _not_saved(account, save)


def _not_saved(account: Account, save: str | None) -> InputError | None:
    """Write the file if one is named; the error when that fails."""
    if save is None:
        return None
    from aws_iam.account.reading import snapshot

    try:
        snapshot.save(account, Path(save))
    except InputError as error:
        return error
    return None


def _mark_interrupted(account: Account, needs: Iterable[Fact[Any]]) -> Account:
    """The account of an interrupted reading; each fact that was not read says so."""
    from aws_iam.account.collect.fact import Miss, MissKind, RegionFact
    from aws_iam.account.guard.allowlist import actions_of

    rest = {
        (fact.name, region): Miss(
            kind=MissKind.UNASKED,
            call=fact.name,
            permission=", ".join(actions_of(fact.name)),
            message="not part of this snapshot: its reading was interrupted before this call",
            region=region,
        )
        for fact in needs
        for region in (account.regions.read if isinstance(fact, RegionFact) else ("",))
        if (fact.name, region) not in account.facts
    }
    return replace(account, facts={**account.facts, **rest})


def _refuse_unwritable(save: str) -> None:
    # Checked before the account is read: a typo must not cost a minute.
    if not save:
        raise InputError("`save` is empty", hint="name a file")
    path = Path(save)
    try:
        if not path.absolute().parent.is_dir():
            raise InputError(f"{quoted(save)} cannot be written: there is no such folder")
        if path.is_dir() and not path.is_symlink():
            raise InputError(
                f"{quoted(save)} is a folder",
                hint="name a file, for example one in this folder",
            )
        refuse_special(path)
        if path.exists() and not os.access(path, os.W_OK):
            raise InputError(f"{quoted(save)} cannot be written: permission denied")
        # The file is replaced by a complete one, which is first written beside it.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".save-"):
            pass
    except OSError as error:
        why = system_reason(error)
        raise InputError(f"{quoted(save)} cannot be written: {why}") from None
    except ValueError:
        raise InputError(f"{quoted(save)} is not a valid file name") from None


class _Watched:
    """A progress callback that is also called before each request to AWS: once it raises, no thread starts another."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last = (0, 1, "opening the account")
        self._lock = threading.Lock()

    def __call__(self, done: int, total: int, text: str) -> None:
        with self._lock:
            self._last = (done, total, text)
            self._progress(done, total, text)

    def before_call(self, **_event: Any) -> None:
        """Handle the SDK's event before a request."""
        with self._lock:
            self._progress(*self._last)


def _collected(
    source: Source, needs: Iterable[Fact[Any]], progress: Progress, principal: str
) -> Account:
    from aws_iam.account.reading.collect_account import collect_from
    from aws_iam.account.session.connect import connect
    from aws_iam.account.session.permitted import regions_of

    session = connect(source)
    watched = _Watched(progress)
    session.events.register("before-parameter-build", watched.before_call)
    return collect_from(needs, session, regions_of(source), watched, principal)


def dated(answer: Answer, account: Account, source: Source) -> Answer:
    """The answer, which says of a saved snapshot that is far from today that it is judged as of its own day."""
    note = age_words(account) if source.snapshot is not None else ""
    return replace(answer, summary=f"{answer.summary} {note}") if note else answer


def age_words(account: Account) -> str:
    """How old the snapshot is, in a sentence; empty if it is of these days."""
    day = account.collected_at.astimezone(UTC).date()
    days = (datetime.now(UTC).date() - day).days
    if -1 <= days <= _FRESH_DAYS:
        return ""
    far = (
        f"{counted(days, 'day')} old"
        if days > 0
        else f"from the future by {counted(-days, 'day')}: a clock is wrong"
    )
    return f"The snapshot of {day} is {far}; everything is judged as of that day."


def account_words(account: Account) -> str:
    """The account's id, and its alias where it has one."""
    return f"{account.id} ({escaped(account.alias, 63)})" if account.alias else account.id


def audit_call(action: str, why: str, same: tuple[str, ...] = ()) -> NextCall:
    """Another `audit` action on the same account, with what else of the call it repeats."""
    return next_call("audit", action, why, (*ACCOUNT_ARGUMENTS, *same))


def _refuse_contradictions(source: Source) -> None:
    for chosen, others in (("snapshot", _LIVE), ("demo", _NOT_WITH_DEMO)):
        if not getattr(source, chosen):
            continue
        for other in others:
            if getattr(source, other):
                raise InputError(
                    f"`{chosen}` and `{other}` exclude each other",
                    hint=f"leave out `{other}` to judge the {_WORDS[chosen]}",
                )


_WORDS = {"snapshot": "saved snapshot", "demo": "demonstration account"}
