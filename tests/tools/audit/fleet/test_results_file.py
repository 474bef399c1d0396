from __future__ import annotations

import errno
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.audit.fleet.results_file import findings_before_mutes, open_results

if TYPE_CHECKING:
    from pathlib import Path

JOB: dict[str, Any] = {"benchmark": "7.0", "controls": None, "regions": ["eu-west-1"]}


def line(account: str, status: str = "read") -> str:
    return json.dumps({"account": account, "status": status, "controls": {"root_mfa": "pass"}})


def written(path: Path, *lines: str, job: dict[str, Any] | None = None) -> bytes:
    with open_results(path, job or JOB) as file:
        for line in lines:
            file.add(line)
    return path.read_bytes()


def accounts(path: Path) -> list[str]:
    with open_results(path, JOB) as file:
        return [line["account"] for line in file.lines()]


def test_a_file_begins_with_its_job_and_has_a_line_for_each_account(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    content = written(file, line("1"), line("2"))
    header, *rest = map(json.loads, content.splitlines())
    assert (header["tool"], header["job"]) == ("aws-iam audit run", JOB)
    assert [line["account"] for line in rest] == ["1", "2"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_account_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    written(file, line("1"), line("1"))
    written(file, line("1"), line("2"))
    assert accounts(file) == ["1", "2"]


def test_a_run_that_was_killed_at_any_byte_continues_and_loses_no_whole_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "r.jsonl"
    whole = written(file, line("1"), line("2"))
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        kept = [name for name, end in zip("12", ends[1:], strict=True) if end <= length]
        with open_results(file, JOB) as held:
            assert held.done == set(kept)
            for name in "12":
                held.add(line(name))
        assert file.read_bytes() == whole


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    written(file, line("1"), line("2", "unreadable"), line("3"))
    with open_results(file, JOB) as held:
        assert held.done == {"1", "3"}
        held.add(line("2"))
    assert accounts(file) == ["1", "3", "2"]
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_files_of_several_parts_behind_each_other_are_one_file(tmp_path: Path) -> None:
    parts = [
        written(tmp_path / "1.jsonl", line("1"), line("2", "unreadable")),
        written(tmp_path / "2.jsonl", line("3")),
        written(tmp_path / "3.jsonl", line("2")),
    ]
    whole = tmp_path / "r.jsonl"
    whole.write_bytes(b"".join(parts))
    assert accounts(whole) == ["1", "3", "2"]
    whole.write_bytes(b"".join([*parts, parts[1]]))
    with pytest.raises(InputError, match=r"line 9: account 3 has a line already"):
        accounts(whole)
    other = written(tmp_path / "4.jsonl", line("4"), job=JOB | {"benchmark": "6.0"})
    whole.write_bytes(b"".join([*parts, other]))
    with pytest.raises(InputError, match=r"from line 8 on belongs to another job: its benchmark"):
        accounts(whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"benchmark": "6.0"}, "its benchmark is `7.0`, this one's `6.0`"),
        ({"controls": ["root_mfa"]}, "its controls is not given, this one's"),
        ({"regions": None}, "its regions is .*eu-west-1.*, this one's not given"),
    ],
)
def test_the_file_of_another_job_is_refused_by_what_differs(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    file = tmp_path / "r.jsonl"
    before = written(file, line("1"))
    with pytest.raises(InputError, match=words), open_results(file, JOB | change):
        pass
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"precious",
        b"precious\n",
        b"{}\n",
        b"[]\n",
        b"\0\0\0",
        b'{"tool": "other"}\n',
        b"{" * 10_000,
    ],
)
def test_a_file_that_holds_something_else_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(content)
    with pytest.raises(InputError, match="holds no results"), open_results(file, JOB):
        pass
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"nonsense\n", "line 3 is not a JSON object"),
        (b"[" * 100_000 + b"\n", "line 3 is not a JSON object"),
        (b'{"account": 1}\n', "line 3 is not the result of an account"),
        (
            b'{"account": "2", "status": "read", "controls": []}\n',
            "line 3 is not the result of an account",
        ),
        (b'{"account": "1", "status": "read"}\n', "line 3: account 1 has a line already"),
    ],
)
def test_a_line_that_was_changed_is_named(tmp_path: Path, bad: bytes, words: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes(written(file, line("1")) + bad)
    with pytest.raises(InputError, match=words), open_results(file, JOB):
        pass


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    written(file, line("1", "unreadable"))
    with (
        open_results(file, JOB) as first,
        pytest.raises(InputError, match="being written by another run"),
        open_results(file, JOB),
    ):
        pass
    first.close()
    assert accounts(file) == []


def test_a_file_that_is_replaced_while_another_run_opens_it_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    file = tmp_path / "r.jsonl"
    before = written(file, line("1"))
    lock = fcntl.flock

    def slow(opened: Any, how: int) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_bytes(before)
        fresh.replace(file)
        lock(opened, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with pytest.raises(InputError, match="being written by another run"), open_results(file, JOB):
        pass
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", [".", "no/such/folder/r.jsonl", "a\0b", "/dev/full"])
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError), open_results(tmp_path / name, JOB):
        pass


@pytest.mark.parametrize(
    ("end", "seen", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), InputError, "no space left"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_a_full_disk_or_ctrl_c_leaves_whole_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: BaseException,
    seen: type[BaseException],
    words: str,
) -> None:
    file = tmp_path / "r.jsonl"
    before = written(file, line("1"))

    def ended(_file: int) -> None:
        raise end

    with open_results(file, JOB) as held:
        monkeypatch.setattr(os, "fsync", ended)
        with pytest.raises(seen, match=words):
            held.add(line("2"))
        assert held.done == {"1"}
    assert file.read_bytes() == before


def test_a_folder_that_takes_no_other_file_is_refused_and_the_results_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "r.jsonl"
    before = written(file, line("1"), line("2", "unreadable"))

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refused)
    with (
        pytest.raises(InputError, match="cannot be written: permission denied") as told,
        open_results(file, JOB),
    ):
        pass
    assert "its folder must be writable" in (told.value.hint or "")
    assert file.read_bytes() == before


def test_results_are_not_written_through_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "r.jsonl", tmp_path / "latest.jsonl"
    written(file, line("1"))
    link.symlink_to(file)
    with pytest.raises(InputError, match="symbolic link"):
        written(link, line("3"))
    assert accounts(file) == ["1"]


def test_a_part_that_was_killed_in_front_of_another_says_how_to_go_on(tmp_path: Path) -> None:
    killed, other, whole = (tmp_path / name for name in ("1.jsonl", "2.jsonl", "r.jsonl"))
    written(killed, line("1"))
    written(other, line("3"))
    whole.write_bytes(killed.read_bytes() + line("2").encode()[:20] + other.read_bytes())
    with (
        pytest.raises(InputError, match="line 3 is not a JSON object") as told,
        open_results(whole, JOB),
    ):
        pass
    assert "remove line 3" in (told.value.hint or "")
    kept = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join(kept[:2] + kept[3:]))
    assert accounts(whole) == ["1", "3"]


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        ({"code": "alarm_root_usage", "status": "manual", "muted": "seen to"}, "fail"),
        ({"code": "federation", "status": "manual", "muted": "seen to"}, "manual"),
        ({"code": "root_mfa", "status": "fail", "muted": "seen to"}, "fail"),
        ({"code": "alarm_root_usage", "status": "manual"}, "manual"),
        ({"code": "root_mfa", "status": "manual", "muted": "seen to", "was": "fail"}, "fail"),
    ],
)
def test_a_line_says_what_was_found_before_the_mutes_whenever_it_was_written(
    finding: dict[str, str], status: str
) -> None:
    whole = {"title": "t", "severity": "low", "message": "m"} | finding
    (found,) = findings_before_mutes({"account": "1", "findings": [whole]})
    assert (found.status.value, found.muted) == (status, None)
