"""The results of a run over many accounts: a file of JSON lines that a killed run leaves whole and a new one continues.

    {"tool": "aws-iam audit run", "format": 1, "version": …, "job": {…}}     the job that the file belongs to
    {"account": "111122223333", "status": "read", "controls": {…}, …}        one line for each account
    {"account": "444455556666", "status": "unreadable", "reason": …}

A line is written at once and is on the disk before its account counts as done. What a killed run left half-written is
the last line, and is cut off. Accounts that could not be read are tried again by the run that continues. The files of
several parts put behind each other are the file of the whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status
from aws_iam.errors import InputError, why_of
from aws_iam.escape import escaped, quoted
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = 1
WAS = "was"
"""The field of a finding with its status before a mute changed it."""
MOST_LINE = 256 * 1024 * 1024
_TOOL = "aws-iam audit run"
_READ = "read"
_BEGINNING = f'{{"tool": "{_TOOL}", '.encode()
_BESIDE = "accounts are to be tried again, for which the file is written anew beside itself: its folder must take another file"
_HINT = "give another file, or the arguments of the run that began it"


class Results:
    """The open file: which accounts are done, and a place for the next line."""

    def __init__(self, path: Path, file: Any, job: Mapping[str, Any]) -> None:
        self.path = path
        self.done: set[str] = set()
        self._file = file
        self._job = job

    def lines(self) -> Iterator[dict[str, Any]]:
        """What earlier runs found, account by account."""
        with self.path.open("rb") as file:
            for number, raw in enumerate(_whole_lines(file, self.path), 1):
                line = _json(raw, self.path, number)
                if not _is_header(line):
                    yield line

    def add(self, line: str) -> None:
        """Write an account's line, once; return when it is on the disk."""
        account = json.loads(line)["account"]
        if account in self.done:
            return
        self._append(line)
        self.done.add(account)

    def _append(self, line: str) -> None:
        end = self._file.seek(0, os.SEEK_END)
        rest = memoryview(line.encode(errors="backslashreplace") + b"\n")
        after = end + len(rest)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
            end = after
        except OSError as error:
            raise _unwritable(self.path, error) from None
        finally:
            # Whatever ended the writing: a line that is not on the disk whole is no result.
            self._file.truncate(end)

    def repair(self) -> None:
        """Cut off a torn line, refuse another job's file, drop what is to be tried again."""
        whole, again = self._inspected()
        self._file.truncate(whole)
        if again:
            try:
                self._rewrite()
            except OSError as error:
                raise _unwritable(self.path, error, hint=_BESIDE) from None
        if not whole:
            header = {"tool": _TOOL, "format": FORMAT, "version": __version__, "job": self._job}
            self._append(json.dumps(header, ensure_ascii=False))

    def _inspected(self) -> tuple[int, bool]:
        """How many bytes are whole lines, and whether some accounts are to be tried again."""
        whole, again = 0, False
        with self.path.open("rb") as file:
            self._demand_a_beginning(file.read(len(_BEGINNING)))
            file.seek(0)
            for number, raw in enumerate(_whole_lines(file, self.path), 1):
                whole += len(raw)
                line = _json(raw, self.path, number)
                if number == 1 or _is_header(line):
                    self._demand_same_job(line, number)
                elif _is_read(line, self.path, number):
                    self._demand_once(line["account"], number)
                    self.done.add(line["account"])
                else:
                    again = True
        return whole, again

    def _demand_once(self, account: str, number: int) -> None:
        if account in self.done:
            raise InputError(
                f"{quoted(str(self.path))} line {number}: account {escaped(account, 40)} has a line already",
                hint="each account has one line: take one of the two out, or give another file",
            )

    def _demand_a_beginning(self, start: bytes) -> None:
        """Somebody else's file without an end of line would look like one torn line."""
        if start != _BEGINNING[: len(start)]:
            raise _no_results(self.path)

    def _demand_same_job(self, header: dict[str, Any], number: int) -> None:
        where = quoted(str(self.path)) + (f" from line {number} on" if number > 1 else "")
        if not isinstance(header.get("job"), dict):
            raise InputError(f"{where} names no job", hint="give another file")
        here = {"format": FORMAT, "version": __version__, **self._job}
        there = {"format": header.get("format"), "version": header.get("version"), **header["job"]}
        for name in dict.fromkeys((*here, *there)):
            if here.get(name) != there.get(name):
                raise InputError(
                    f"{where} belongs to another job: its {name} is "
                    f"{_shown(there.get(name))}, this one's {_shown(here.get(name))}",
                    hint=_HINT,
                )

    def _rewrite(self) -> None:
        """The same file without the accounts that could not be read; the old one stands until the new one is whole."""
        # The file that a link leads to, and not the link.
        path = self.path.resolve()
        with (
            path.open("rb") as old,
            tempfile.NamedTemporaryFile(dir=path.parent, prefix=".results-", delete=False) as new,
        ):
            fresh = Path(new.name)
            try:
                for number, raw in enumerate(_whole_lines(old, self.path), 1):
                    if number == 1 or _json(raw, self.path, number).get("status") == _READ:
                        new.write(raw)
                new.flush()
                os.fsync(new.fileno())
                new_file = _locked(fresh)
                fresh.replace(path)
            finally:
                fresh.unlink(missing_ok=True)
        self._file.close()
        self._file = new_file

    def close(self) -> None:
        """Let another run have the file."""
        self._file.close()


class Saved:
    """The results of an earlier run, for reading: where the line of each account that was read stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job: dict[str, Any] = {}
        self.unread: set[str] = set()
        self._places: dict[str, int] = {}
        with _readable(path) as file:
            place = 0
            for number, raw in enumerate(_whole_lines(file, path), 1):
                line = _json(raw, path, number) if number > 1 else _first(raw, path)
                self._note(line, number, place)
                place += len(raw)
        if not self.job:
            raise _no_results(path)

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that were read."""
        return frozenset(self._places)

    def line(self, account: str) -> dict[str, Any]:
        """What was found in an account that was read."""
        with _readable(self.path) as file:
            file.seek(self._places[account])
            return parsed(file.readline())

    def _note(self, line: dict[str, Any], number: int, place: int) -> None:
        if _is_header(line):
            self._demand_format(line, number)
            job = line.get("job")
            if not isinstance(job, dict) or self.job not in ({}, job):
                raise InputError(
                    f"{quoted(str(self.path))} line {number} begins the results of another job",
                    hint="compare with the file of one run",
                )
            self.job = job
        elif _is_read(line, self.path, number):
            self._places[line["account"]] = place
        else:
            self.unread.add(line["account"])

    def _demand_format(self, header: Mapping[str, Any], number: int) -> None:
        # Results of another version of the program may be compared: what it judges otherwise has changed.
        if header.get("format") != FORMAT:
            raise InputError(
                f"{quoted(str(self.path))} line {number}: format {_shown(header.get('format'))} of results is not"
                f" {FORMAT}, the one read here",
                hint="compare with results of this version",
            )


def findings_of(line: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the line of an account that was read says was found; a file may have been changed by hand."""
    try:
        return tuple(_finding(row, str(line["account"])) for row in line["findings"])
    except (KeyError, TypeError, ValueError):
        raise broken(line, "its findings") from None


def judged_of(line: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The same before the mutes: none is muted, and each has the status that it was given."""
    found = findings_of(line)
    try:
        status = [Status(_unmuted(row)) for row in line["findings"]]
    except ValueError:
        raise broken(line, "its findings") from None
    return tuple(
        replace(finding, status=was, muted=None)
        for finding, was in zip(found, status, strict=True)
    )


def _unmuted(data: Mapping[str, Any]) -> Any:
    """The status before a mute; of a line from before it was written, that of an alarm that somebody attests to."""
    attested = data.get("muted") and data["status"] == Status.MANUAL and WAS not in data
    if attested and str(data["code"]).startswith("alarm_"):
        return Status.FAIL
    return data.get(WAS, data["status"])


def broken(line: Mapping[str, Any], what: str) -> InputError:
    """The refusal of a line that does not tell what every line tells."""
    return InputError(
        f"the results of account {quoted(str(line['account']))} do not tell {what}",
        hint="take the account's line out of the file: the same command reads it again",
    )


def _finding(data: Mapping[str, Any], account: str) -> Finding:
    texts = {**data, **data.get("controls", {})}
    if not all(isinstance(text, str) for name, text in texts.items() if name != "controls"):
        raise TypeError
    known = {"severity": Severity(data["severity"]), "status": Status(data["status"])}
    told = {name: value for name, value in data.items() if name != WAS}
    return Finding(**{**told, **known, "account": account})


@contextmanager
def results(path: Path, job: Mapping[str, Any]) -> Iterator[Results]:
    """The file of this job, made or continued, held against a second run."""
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{quoted(str(path))} is no regular file", hint="give another file")
        # It describes the weaknesses of every account.
        path.touch(mode=0o600)
        file = _locked(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    except ValueError:
        raise InputError(f"{quoted(str(path))} is no file's name") from None
    held = Results(path, file, job)
    try:
        try:
            held.repair()
        except OSError as error:
            raise _unwritable(path, error) from None
        yield held
    finally:
        held.close()


@contextmanager
def _readable(path: Path) -> Iterator[Any]:
    try:
        # A device or a pipe may never end, or never begin.
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{quoted(str(path))} is no regular file", hint="give another file")
        file = path.open("rb")
    except OSError as error:
        why = why_of(error)
        raise InputError(f"{quoted(str(path))} cannot be read: {why}") from None
    except ValueError:
        raise InputError(f"{quoted(str(path))} is no file's name") from None
    with file:
        yield file


def _no_results(path: Path, *, hint: str = "give another file") -> InputError:
    return InputError(f"{quoted(str(path))} holds no results of `{_TOOL}`", hint=hint)


def _locked(path: Path) -> Any:
    file = path.open("r+b", buffering=0)
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, its owner may have put another file in its place.
        ours = os.path.samestat(os.fstat(file.fileno()), path.stat())
    except BlockingIOError:
        ours = False
    if not ours:
        file.close()
        raise InputError(
            f"{quoted(str(path))} is being written by another run",
            hint="wait for it, or give this one its own file and `--shard`",
        )
    return file


def _whole_lines(file: Any, path: Path) -> Iterator[bytes]:
    """The lines that end; what follows the last end of a line was torn."""
    while raw := file.readline(MOST_LINE + 1):
        if len(raw) > MOST_LINE:
            raise InputError(f"{quoted(str(path))} has a line too long for results")
        if raw.endswith(b"\n"):
            yield raw


def _is_header(line: Mapping[str, Any]) -> bool:
    return line.get("tool") == _TOOL


def _is_read(line: Mapping[str, Any], path: Path, number: int) -> bool:
    """Whether the line is of an account that was read, and not of one to be tried again."""
    fits = isinstance(line.get("account"), str) and line.get("status") in {_READ, "unreadable"}
    if not fits or not isinstance(line.get("controls", {}), dict):
        raise InputError(
            f"{quoted(str(path))} line {number} is no account's result", hint="give another file"
        )
    return bool(line["status"] == _READ)


def _first(raw: bytes, path: Path) -> dict[str, Any]:
    """The line that makes a file one of results, and not a snapshot or somebody else's."""
    line = _object(raw)
    if line is None or not _is_header(line):
        raise _no_results(path, hint="give the file that an earlier run wrote with `--out`")
    return line


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _json(raw: bytes, path: Path, number: int) -> dict[str, Any]:
    value = _object(raw)
    if value is None:
        raise InputError(
            f"{quoted(str(path))} line {number} is no JSON object",
            hint="a part whose run was killed ends in half a line: take line"
            f" {number} out, and the same command reads its account again; or give another file",
        )
    return value


def _shown(value: Any) -> str:
    return (
        "not given"
        if value is None
        else quoted(json.dumps(value) if not isinstance(value, str) else value)
    )


def _unwritable(path: Path, error: OSError, *, hint: str = "") -> InputError:
    why = why_of(error)
    return InputError(f"{quoted(str(path))} cannot be written: {why}", hint=hint)


def parsed(line: str | bytes) -> dict[str, Any]:
    """A line of results as data."""
    data: dict[str, Any] = json.loads(line)
    return data


def fingerprint(text: str) -> str:
    """A short mark of a text that is too long for the first line."""
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
