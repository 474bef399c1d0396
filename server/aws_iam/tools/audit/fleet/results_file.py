"""The results of a run over many accounts: a JSON lines file that survives a killed run, and that a new run continues.

    {"tool": "aws-iam audit run", "format": 1, "version": …, "job": {…}}     the job that the file belongs to
    {"account": "111122223333", "status": "read", "controls": {…}, …}        one line for each account
    {"account": "444455556666", "status": "unreadable", "reason": …}

A line is on the disk before its account counts as done. A run killed while writing leaves half a line at the end, which the
next run cuts off. The next run also retries the accounts that could not be read, or in which nothing could be evaluated. The files of all shards, concatenated, are a
file of the whole.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
import weakref
import zlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status
from aws_iam.errors import InputError, system_reason
from aws_iam.escape import escaped, quoted
from aws_iam.regular_files import open_regular
from aws_iam.tools.audit.fleet.result_rows import STATUS_BEFORE_MUTE, finding_of
from aws_iam.version import __version__
from aws_iam.whole_files import refuse_special

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Finding

FORMAT = 1
NOTHING_EVALUATED = "nothing_evaluated"
"""The field of an account that could be entered, but in which everything was refused."""
MOST_LINE = 256 * 1024 * 1024
_TOOL = "aws-iam audit run"
_GZIP = b"\x1f\x8b"
_READ = "read"
_HEADER_START = f'{{"tool": "{_TOOL}", '.encode()
_REWRITE_HINT = (
    "to retry accounts, the file is rewritten through a new file: its folder must be writable"
)
_OTHER_JOB_HINT = "give another file, or the arguments of the run that started it"


class ResultsFile:
    """The open file: which accounts are done, and how to add the next line."""

    def __init__(
        self, path: Path, file: Any, job: Mapping[str, Any], *, is_packed: bool = False
    ) -> None:
        self.path = path
        self.done: set[str] = set()
        self._file = file
        self._job = job
        self._is_packed = is_packed
        """Whether `file` is what a compressed file holds: it can be read, and nothing added."""

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of the accounts, as earlier runs wrote them."""
        with self._opened() as file:
            for number, raw in enumerate(_whole_lines(file, self.path), 1):
                line = _parse_json(raw, self.path, number)
                if not _is_header(line):
                    yield line

    def add(self, line: str) -> None:
        """Write an account's line if it has none yet; return when it is on the disk."""
        account = json.loads(line)["account"]
        if account in self.done:
            return
        if self._is_packed:
            raise _packed(self.path)
        self._append(line)
        self.done.add(account)

    def _append(self, line: str) -> None:
        end = self._file.seek(0, os.SEEK_END)
        unwritten = memoryview(line.encode(errors="backslashreplace") + b"\n")
        after = end + len(unwritten)
        try:
            while unwritten:
                unwritten = unwritten[self._file.write(unwritten) :]
            os.fsync(self._file.fileno())
            end = after
        except OSError as error:
            raise _unwritable(self.path, error) from None
        finally:
            # Whatever interrupted the writing, a partial line must not stay.
            self._file.truncate(end)

    def repair(self) -> None:
        """Cut off a partial line, refuse another job's file, drop the accounts to retry."""
        whole_bytes, retries = self._inspect()
        if self._is_packed:
            if retries or whole_bytes != self._file.seek(0, os.SEEK_END):
                raise _packed(self.path)
            return
        self._file.truncate(whole_bytes)
        if retries:
            try:
                self._rewrite()
            except OSError as error:
                raise _unwritable(self.path, error, hint=_REWRITE_HINT) from None
        if not whole_bytes:
            header = {"tool": _TOOL, "format": FORMAT, "version": __version__, "job": self._job}
            self._append(json.dumps(header, ensure_ascii=False))

    def _inspect(self) -> tuple[int, bool]:
        """How many bytes are whole lines, and whether there are accounts to retry."""
        whole_bytes, retries = 0, False
        with self._opened() as file:
            self._require_header(file.read(len(_HEADER_START)))
            file.seek(0)
            for number, raw in enumerate(_whole_lines(file, self.path), 1):
                whole_bytes += len(raw)
                line = _parse_json(raw, self.path, number)
                if number == 1 or _is_header(line):
                    self._require_same_job(line, number)
                elif _is_done(line, self.path, number):
                    self._require_once(line["account"], number)
                    self.done.add(line["account"])
                else:
                    retries = True
        return whole_bytes, retries

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """What the file holds, from its beginning."""
        if self._is_packed:
            self._file.seek(0)
            yield self._file
        else:
            with self.path.open("rb") as file:
                yield file

    def _require_once(self, account: str, number: int) -> None:
        if account in self.done:
            raise InputError(
                f"{quoted(str(self.path))} line {number}: account {escaped(account, 40)} has a line already",
                hint="each account has one line: remove one of the two, or give another file",
            )

    def _require_header(self, start: bytes) -> None:
        """Refuse other files: one without a line break would look like a partial line and be cut off."""
        if start != _HEADER_START[: len(start)]:
            raise _no_results(self.path)

    def _require_same_job(self, header: dict[str, Any], number: int) -> None:
        where = quoted(str(self.path)) + (f" from line {number} on" if number > 1 else "")
        if not isinstance(header.get("job"), dict):
            raise InputError(f"{where} names no job", hint="give another file")
        this_job = {"format": FORMAT, "version": __version__, **self._job}
        other_job = {
            "format": header.get("format"),
            "version": header.get("version"),
            **header["job"],
        }
        for name in dict.fromkeys((*this_job, *other_job)):
            if this_job.get(name) != other_job.get(name):
                raise InputError(
                    f"{where} belongs to another job: its {name} is "
                    f"{_value_words(other_job.get(name))}, this one's {_value_words(this_job.get(name))}",
                    hint=_OTHER_JOB_HINT,
                )

    def _rewrite(self) -> None:
        """Drop the accounts that could not be read; the old file is replaced once the new one is complete."""
        path = self.path
        with (
            path.open("rb") as old,
            tempfile.NamedTemporaryFile(dir=path.parent, prefix=".results-", delete=False) as new,
        ):
            new_path = Path(new.name)
            try:
                for number, raw in enumerate(_whole_lines(old, self.path), 1):
                    line = _parse_json(raw, self.path, number)
                    if number == 1 or (not _is_header(line) and _is_done(line, self.path, number)):
                        new.write(raw)
                new.flush()
                os.fsync(new.fileno())
                new_file = _locked(new_path)
                new_path.replace(path)
            finally:
                new_path.unlink(missing_ok=True)
        self._file.close()
        self._file = new_file

    def close(self) -> None:
        """Close the file and release its lock."""
        self._file.close()


class EarlierResults:
    """The results of an earlier run, for reading: the position of each account's line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job: dict[str, Any] = {}
        self.unread: set[str] = set()
        self._places: dict[str, int] = {}
        self._file = _earlier_file(path)
        # Open as long as its lines may be asked for: a compressed file is unpacked once.
        weakref.finalize(self, self._file.close)
        place = 0
        for number, raw in enumerate(_whole_lines(self._file, path), 1):
            line = _parse_json(raw, path, number) if number > 1 else _parse_first(raw, path)
            self._note(line, number, place)
            place += len(raw)
        if not self.job:
            raise _no_results(path)

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that were read."""
        return frozenset(self._places)

    def line(self, account: str) -> dict[str, Any]:
        """The line of an account that was read."""
        self._file.seek(self._places[account])
        return parse_line(self._file.readline())

    def _note(self, line: dict[str, Any], number: int, place: int) -> None:
        if _is_header(line):
            self._require_format(line, number)
            job = line.get("job")
            if not isinstance(job, dict) or self.job not in ({}, job):
                raise InputError(
                    f"{quoted(str(self.path))} line {number} starts the results of another job",
                    hint="compare with the results of one run",
                )
            self.job = job
        elif _is_read(line, self.path, number):
            self._places[line["account"]] = place
        else:
            self.unread.add(line["account"])

    def _require_format(self, header: Mapping[str, Any], number: int) -> None:
        # Results of another program version may be compared: if it judges something differently, that is a change.
        if header.get("format") != FORMAT:
            raise InputError(
                f"{quoted(str(self.path))} line {number}: results in format {_value_words(header.get('format'))} cannot be"
                f" read, only format {FORMAT}",
                hint="compare with results of this version",
            )


def findings_of(line: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings in the line of an account that was read; InputError if the line is damaged."""
    try:
        account, partition = str(line["account"]), partition_of(line)
        return tuple(finding_of(row, account, partition) for row in line["findings"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise broken_line(line, "what was found") from None


def findings_before_mutes(line: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The same before mutes: none is muted, and each has its original status."""
    found = findings_of(line)
    try:
        status = [Status(_unmuted(row)) for row in line["findings"]]
    except ValueError:
        raise broken_line(line, "what was found") from None
    return tuple(
        replace(finding, status=was, muted=None)
        for finding, was in zip(found, status, strict=True)
    )


def _unmuted(data: Mapping[str, Any]) -> Any:
    """The status before a mute. Older lines do not hold it; there a muted manual alarm was a failure."""
    attested = (
        data.get("muted") and data["status"] == Status.MANUAL and STATUS_BEFORE_MUTE not in data
    )
    if attested and str(data["code"]).startswith("alarm_"):
        return Status.FAIL
    return data.get(STATUS_BEFORE_MUTE, data["status"])


def broken_line(line: Mapping[str, Any], what: str) -> InputError:
    """The error for a line that lacks what every line must have."""
    return InputError(
        f"the results of account {quoted(str(line['account']))} do not say {what}",
        hint="remove the account's line from the file: the same command reads the account again",
    )


def partition_of(line: Mapping[str, Any]) -> str:
    """The partition of the role that read the account."""
    parts = str(line.get("caller", "")).split(":")
    return parts[1] if len(parts) > 1 else "aws"


@contextmanager
def open_results(path: Path, job: Mapping[str, Any]) -> Iterator[ResultsFile]:
    """The file of this job, created or continued, locked against a second run."""
    try:
        refuse_special(path)
        # Private: it lists the weaknesses of every account.
        path.touch(mode=0o600)
        file = _locked(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    except ValueError:
        raise InputError(f"{quoted(str(path))} is not a valid file name") from None
    is_packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    opened = ResultsFile(
        path, _unpacked(file, path) if is_packed else file, job, is_packed=is_packed
    )
    try:
        try:
            opened.repair()
        except OSError as error:
            raise _unwritable(path, error) from None
        yield opened
    finally:
        opened.close()


def _packed(path: Path) -> InputError:
    return InputError(
        f"{quoted(str(path))} is compressed, and lines would be added to the file",
        hint="unpack it first: `gunzip FILE`; results that lack no account are taken as they are",
    )


def _earlier_file(path: Path) -> Any:
    """The file, open for reading; of a compressed one its content."""
    try:
        file: Any = open_regular(path)
    except OSError as error:
        why = system_reason(error)
        raise InputError(f"{quoted(str(path))} cannot be read: {why}") from None
    except ValueError:
        raise InputError(f"{quoted(str(path))} is not a valid file name") from None
    is_packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return _unpacked(file, path) if is_packed else file


def _unpacked(packed: Any, path: Path) -> Any:
    """The content in a file without a name: in a compressed one no line can be jumped to."""
    whole = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open for the caller
    with packed:
        try:
            shutil.copyfileobj(gzip.GzipFile(fileobj=packed), whole)
        except (OSError, EOFError, zlib.error):
            whole.close()
            why = "it may not be complete, or the disk is full"
            raise InputError(f"{quoted(str(path))} cannot be unpacked", hint=why) from None
    whole.seek(0)
    return whole


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
        # Between opening and locking, another run may have replaced the file.
        ours = os.path.samestat(os.fstat(file.fileno()), path.stat())
    except BlockingIOError:
        ours = False
    if not ours:
        file.close()
        raise InputError(
            f"{quoted(str(path))} is being written by another run",
            hint="wait for it, or give this one its own file and `shard`",
        )
    return file


def _whole_lines(file: Any, path: Path) -> Iterator[bytes]:
    """The complete lines; whatever follows the last line break is a partial line."""
    while raw := file.readline(MOST_LINE + 1):
        if len(raw) > MOST_LINE:
            raise InputError(f"{quoted(str(path))} has a line that is too long for results")
        if raw.endswith(b"\n"):
            yield raw


def _is_header(line: Mapping[str, Any]) -> bool:
    return line.get("tool") == _TOOL


def _is_done(line: Mapping[str, Any], path: Path, number: int) -> bool:
    """Whether the account need not be retried."""
    return _is_read(line, path, number) and not line.get(NOTHING_EVALUATED)


def _is_read(line: Mapping[str, Any], path: Path, number: int) -> bool:
    """Whether the account was read."""
    fits = isinstance(line.get("account"), str) and line.get("status") in {_READ, "unreadable"}
    if not fits or not isinstance(line.get("controls", {}), dict):
        raise InputError(
            f"{quoted(str(path))} line {number} is not the result of an account",
            hint="give another file",
        )
    return bool(line["status"] == _READ)


def _parse_first(raw: bytes, path: Path) -> dict[str, Any]:
    """The header, which no other kind of file has."""
    line = _json_object(raw)
    if line is None or not _is_header(line):
        raise _no_results(path, hint="give the file that an earlier run wrote with `out`")
    return line


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parse_json(raw: bytes, path: Path, number: int) -> dict[str, Any]:
    value = _json_object(raw)
    if value is None:
        raise InputError(
            f"{quoted(str(path))} line {number} is not a JSON object",
            hint=f"if the run of a shard was killed, its file may end in an incomplete line: remove line {number}, and the same"
            " command reads that account again; or give another file",
        )
    return value


def _value_words(value: Any) -> str:
    return (
        "not given"
        if value is None
        else quoted(json.dumps(value) if not isinstance(value, str) else value)
    )


def _unwritable(path: Path, error: OSError, *, hint: str = "") -> InputError:
    why = system_reason(error)
    return InputError(f"{quoted(str(path))} cannot be written: {why}", hint=hint)


def parse_line(line: str | bytes) -> dict[str, Any]:
    """A line of results as data."""
    data: dict[str, Any] = json.loads(line)
    return data


def fingerprint(text: str) -> str:
    """A short hash of a text that is too long for the header."""
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
