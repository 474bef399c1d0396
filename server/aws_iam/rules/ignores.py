"""What the authors of policies have decided to leave as it is: comments in their files, and `aws-iam.toml` beside them.

ignores_of(files)                →   Ignores
ignores_of(files).muted(found)   →   the findings, those that are ignored with the reason as `muted`

# aws-iam: ignore[SERVICE_WILDCARD_ALLOWED] the break-glass role       on the line of the finding, or the one above

[[ignore]]                       every field but `code` and `reason` may be left out
code = "SERVICE_WILDCARD_ALLOWED"
path = "stacks/*.yaml"           files, as a pattern from the folder of aws-iam.toml on
where = "BreakGlass*"            the name of the policy, as a pattern
reason = "reviewed in May"
until = 2027-01-31               the last day
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from aws_iam.answer import Status
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.settings_file import folder_of, path_from, settings_table
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.sources.files import File

_FIELDS = frozenset({"code", "path", "where", "reason", "until"})
_COMMENT = re.compile(
    r"(?:^|\s)(?:#|//)[ \t]*aws-iam:[ \t]*ignore\[([^\[\]\n]{0,500})\][ \t]*(.*)$"
)
_MOST_IGNORES = 10_000
_OWN_CODES = ("ACCESS_GAINED", "ACCESS_LOST", "NOT_JUDGED")


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change that is reviewed renames: former names with those of now, of files, and of policies or their resources."""

    files: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)

    def path(self, pattern: str) -> str:
        """The pattern of one file as it would be now."""
        now = next((now for was, now in self.files.items() if pattern == _literal(was)), None)
        return pattern if now is None else _literal(now)

    def where(self, pattern: str) -> str:
        """The pattern of one policy as it would be now."""
        for was, now in self.policies.items():
            start = _literal(was)
            if pattern == start or pattern.startswith((f"{start}.", f"{start} ")):
                return _literal(now) + pattern.removeprefix(start)
        return pattern


@dataclass(slots=True)
class _Ignore:
    """One decision, where it stands, and whether it has muted anything."""

    code: str
    reason: str
    place: str
    path: str = ""
    where: str = ""
    until: date | None = None
    # A comment's file and the lines that it speaks of.
    file: str = ""
    lines: frozenset[int] = frozenset()
    # What stands on the line that it speaks of, by which a comment is known that moves along with it.
    says: str = ""
    used: bool = False
    # Whether a change that is reviewed brings it along.
    added: bool = False

    def key(self, moved: Moved) -> tuple[object, ...]:
        """What it mutes, without its reason and its line; a file or policy by the name that it has now."""
        if self.file:
            return self.code, self.says
        return self.code, moved.path(self.path), moved.where(self.where), self.until

    def takes(self, finding: Finding, path: str) -> bool:
        """Whether it speaks of the finding, in the file of that path from the settings on."""
        if finding.code != self.code:
            return False
        at = finding.where
        if self.file:
            return at is not None and at.file == self.file and at.line in self.lines
        return (not self.path or fnmatchcase(path, self.path)) and (
            not self.where or any(fnmatchcase(name, self.where) for name in _names(finding))
        )


_ADDED = ", added by this change"


def is_muted_by_change(finding: Finding) -> bool:
    """Whether the change that is reviewed mutes the finding itself."""
    return finding.muted is not None and finding.muted.endswith(f"{_ADDED})")


def _names(finding: Finding) -> Iterator[str]:
    """The name of the policy, and without the file or folder that a comparison writes before it."""
    name = finding.resource or ""
    yield name
    first, _, rest = name.partition(" ")
    file = finding.where.file if finding.where else None
    if rest and file and f"/{first}/" in f"/{file}/":
        yield rest


@dataclass(slots=True)
class Ignores:
    """The decisions of some files; it remembers which of them were of use."""

    own: Sequence[_Ignore] = ()
    # The folder of the settings, from which their paths start, and the files that were read, from there on.
    folder: str = ""
    files: tuple[str, ...] = ()
    # Whether the files are all those of a folder, so that an entry for none of them is for none at all.
    whole: bool = False
    # How often each line stands in the files that have comments, without the comments.
    spoken: Counter[str] = field(default_factory=Counter)
    # How many of them a change that is reviewed brings along, and what it renames.
    number_added: int = 0
    moved: Moved = field(default_factory=Moved)
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def muted(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings; one that fails and is ignored has the reason in `muted`."""
        return tuple(map(self._muted, findings))

    def _muted(self, finding: Finding) -> Finding:
        if finding.status is not Status.FAIL or finding.muted is not None:
            return finding
        path = self._path(finding)
        found = [own for own in self.own if own.takes(finding, path)]
        for own in found:
            own.used = True
        for own in found:
            if own.until is None or own.until >= self.today:
                place = f"{own.place}{_ADDED}" if own.added else own.place
                return replace(finding, muted=f"{own.reason} ({place})")
        return finding

    def _path(self, finding: Finding) -> str:
        file = finding.where.file if finding.where and finding.where.file else ""
        return path_from(self.folder, file)

    def mark_added(self, before: Ignores, moved: Moved) -> None:
        """Mark the decisions that were not there before a change, or not as often.

        A comment is the same where it speaks of the same line, wherever that stands now, and where that line was edited below it.
        """
        self.moved = moved
        left = Counter(own.key(moved) for own in before.own)
        new: list[_Ignore] = []
        for own in self.own:
            key = own.key(moved)
            if left[key]:
                left[key] -= 1
            else:
                new.append(own)
        edited = Counter(
            (own.code, own.file)
            for own in before.own
            if own.file and left[own.key(moved)] and self._is_gone(own, before)
        )
        for own in new:
            place = (own.code, own.file)
            if own.file and edited[place]:
                edited[place] -= 1
            else:
                own.added = True
        self.number_added = sum(own.added for own in self.own)

    def _is_gone(self, comment: _Ignore, before: Ignores) -> bool:
        """Whether what a comment spoke of stands less often than it did, so that it was not the comment alone that moved."""
        return self.spoken[comment.says] < before.spoken[comment.says]

    def rows(self) -> list[dict[str, str]]:
        """The decisions that do nothing: those that are over, of no known code, or of no finding."""
        return [
            {"ignore": own.code, "at": own.place, "why": why}
            for own in self.own
            if (why := self._idle(own))
        ]

    def _idle(self, own: _Ignore) -> str:
        if own.until is not None and own.until < self.today:
            return f"over since {own.until}"
        if own.used:
            return ""
        if own.code in _codes():
            # Its finding may be in a file that was not read.
            is_read = (
                own.file
                or self.whole
                or (own.path and any(fnmatchcase(file, own.path) for file in self.files))
            )
            for was, now in (
                (own.path, self.moved.path(own.path)),
                (own.where, self.moved.where(own.where)),
            ):
                if was != now:
                    return f"{quoted(was)} is {quoted(now)} now"
            return "silences nothing" if is_read else ""
        near = closest(own.code, sorted(_codes()))
        return f"no such code{f'; did you mean {near}?' if near else ''}"

    def note(self) -> str:
        """A sentence about the decisions that do nothing; empty when each does."""
        idle = [f"`{row['ignore']}` at {row['at']}: {row['why']}" for row in self.rows()]
        return f"Not in use: {joined(idle, shown=3)}." if idle else ""


@cache
def _codes() -> frozenset[str]:
    return frozenset({*(rule.code for rule in POLICY_RULES), *RISK_CODES, *_OWN_CODES})


def ignores_of(document: object) -> Ignores:
    """The decisions in files and their settings; none for a document of another kind. InputError for settings that are wrong."""
    if not isinstance(document, Files):
        return Ignores()
    found = [own for file in document.files for own in _in_comments(file.name, file.text)]
    settings = document.settings
    folder = ""
    if settings:
        folder = folder_of(settings)
        found += _in_settings(settings)
    if len(found) > _MOST_IGNORES:
        raise InputError(
            f"there are more than {_MOST_IGNORES:,} `ignore` entries", hint="review fewer files"
        )
    names = (path_from(folder, file.name) for file in document.files if file.name)
    is_all = bool(document.folder) and not document.chosen
    return Ignores(
        own=found,
        folder=folder,
        files=tuple(names),
        spoken=Counter(
            _without_comment([line])
            for file in (document.files if any(own.file for own in found) else ())
            for line in file.text.splitlines()
        ),
        whole=is_all and _is_above(document.folder, folder),
    )


def _is_above(one: str, other: str) -> bool:
    """Whether a folder is another one or one above it."""
    return not path_from(one, other or ".").startswith("..")


def _in_comments(file: str, text: str) -> Iterator[_Ignore]:
    if "aws-iam:" not in text:
        return
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        met = _COMMENT.search(line)
        if met is None:
            continue
        alone = not line[: met.start()].strip()
        place = f"{file}:{number}" if file else f"line {number}"
        reason = met[2].strip()
        if not reason:
            raise InputError(
                f"{place}: `aws-iam: ignore[{met[1]}]` has no reason",
                hint="write why behind the bracket",
            )
        next_ = _next_line(lines, number)
        for code in filter(None, (part.strip() for part in met[1].split(","))):
            yield _Ignore(
                code=code,
                reason=reason,
                place=place,
                file=file,
                lines=frozenset({number, next_}) if alone else frozenset({number}),
                says=_without_comment(lines[next_ - 1 : next_] if alone else [line]),
            )


def _without_comment(lines: Sequence[str]) -> str:
    return "".join(_COMMENT.sub("", line).strip() for line in lines)


def _next_line(lines: Sequence[str], number: int) -> int:
    """The line below a comment, or below several."""
    while number < len(lines) and _COMMENT.search(lines[number]):
        number += 1
    return number + 1


def _in_settings(file: File) -> Iterator[_Ignore]:
    name = file.name
    rows = settings_table(file).get("ignore", [])
    if not isinstance(rows, list):
        raise InputError(f"{quoted(name)}: `ignore` is no list", hint="write `[[ignore]]`")
    for number, row in enumerate(rows, 1):
        place = f"{os.path.basename(name)}, ignore {number}"  # noqa: PTH119 - a name, not a file
        unknown = sorted(set(row) - _FIELDS) if isinstance(row, dict) else ["?"]
        if unknown:
            near = closest(unknown[0], sorted(_FIELDS))
            raise InputError(
                f"{place} has the unknown field {quoted(unknown[0])}",
                hint=f"did you mean `{near}`?"
                if near
                else f"known are {', '.join(sorted(_FIELDS))}",
            )
        for needed in ("code", "reason"):
            if not isinstance(row.get(needed), str) or not row[needed].strip():
                raise InputError(f"{place} has no `{needed}`", hint=f'write {needed} = "…"')
        until = row.get("until")
        if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
            raise InputError(f"{place}: `until` is no day", hint="write until = 2027-01-31")
        texts = {own: row.get(own, "") for own in ("path", "where")}
        for own, value in texts.items():
            if not isinstance(value, str):
                raise InputError(f"{place}: `{own}` is no text")
        yield _Ignore(
            code=row["code"].strip(),
            reason=row["reason"].strip(),
            place=place,
            until=until,
            **texts,
        )


def as_baseline(findings: Iterable[Finding], folder: str, today: date) -> str:
    """`[[ignore]]` entries for the findings that fail and are not muted, one for each code, file and policy."""
    seen: dict[tuple[str, str, str], None] = {}
    for finding in findings:
        if finding.status is Status.FAIL and finding.muted is None:
            file = finding.where.file if finding.where and finding.where.file else ""
            path = path_from(folder, file)
            seen.setdefault((finding.code, path, finding.resource or ""))
    entries = []
    for code, path, where in seen:
        lines = ["[[ignore]]", f"code = {_toml(code)}"]
        lines += [f"path = {_toml(_literal(path))}"] if path else []
        lines += [f"where = {_toml(_literal(where))}"] if where else []
        entries.append(
            "\n".join([*lines, f'reason = "there on {today}, when this list was begun"'])
        )
    return "\n\n".join(entries) + ("\n" if entries else "")


def _literal(text: str) -> str:
    """A pattern that matches the text alone."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _toml(text: str) -> str:
    """A basic string of TOML."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", shown) + '"'
