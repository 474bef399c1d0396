"""The comment for a pull request: the verdict and what is gained first, everything else folded.

A comment on GitHub holds 65,536 characters; this one keeps below 60 KB, and says what it leaves out.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from aws_iam.answer import Severity, Status
from aws_iam.escape import escaped, quoted
from aws_iam.report.markup import code_span, escaped_markup, table
from aws_iam.rules.ignores import is_muted_by_change
from aws_iam.tools.policy.evaluate.compared_findings import urgency
from aws_iam.tools.policy.evaluate.relation_in_words import stopped_in_words
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.tools.policy.review.reviewed import Reviewed

MARK = "<!-- aws-iam review -->"
"""By this line a pipeline finds the comment again, to write it anew."""
_MOST_BYTES = 60_000
_MOST_ROWS = 25
# Of one section that is folded; in the order of parts the first ones have all of it.
_MOST_FOLDED_BYTES = 12_000
_MOST_FOLDED_GAINS_BYTES = 24_000
_MOST_TOGETHER = 3
_LONGEST = 400
_GAINS = ("severity", "who or what", "gains", "where")
_OPEN = ("severity", "who or what", "why", "where")
_PROBLEMS = ("severity", "policy", "problem", "where")


def comment(reviewed: Reviewed) -> str:
    """The review as Markdown."""
    parts: list[str] = []
    size = 0
    left_out = 0
    for part in _parts(reviewed):
        longer = size + len(part.encode())
        if longer > _MOST_BYTES:
            left_out += 1
        else:
            parts.append(part)
            size = longer
    if left_out:
        parts.append(
            f"{counted(left_out, 'section')} left out for length: `--json` has everything."
        )
    return "\n\n".join(parts) + "\n"


def _parts(reviewed: Reviewed) -> Iterator[str]:
    access = [finding for finding in reviewed.access if finding.muted is None]
    added = [finding for finding in reviewed.added if finding.muted is None]
    gained = [f for f in access if f.code == "ACCESS_GAINED" and f.status is Status.FAIL]
    open_ = [f for f in access if f.status is Status.UNKNOWN]
    lost = [f for f in access if f.code == "ACCESS_LOST" and f.status is Status.FAIL]
    yield f"{MARK}\n### {_verdict(reviewed, gained, open_, added)}"
    yield from _findings(reviewed, gained, open_, added)
    yield from _beside(reviewed)
    if lost:
        yield _folded("Access that is lost", ("who or what", "loses", "where"), _lost(reviewed))
    if changing := list(_policies(reviewed)):
        yield _folded(
            "Every policy that changes", ("policy or principal", "change", "access"), changing
        )
    unchanged = counted(reviewed.unchanged, "unchanged policy")
    proved = ": each gain is proved by a request" if gained else ""
    yield f"<sub>Compared with {_text(reviewed.base)}; {unchanged}. Written by aws-iam{proved}.</sub>"


def _findings(
    reviewed: Reviewed,
    gained: Sequence[Finding],
    open_: Sequence[Finding],
    added: Sequence[Finding],
) -> Iterator[str]:
    """What a reviewer has to see, and folded below it what did not fit."""
    rows = _in_rows(gained)
    grave = [row for row in rows if row[0].severity.rank <= Severity.MEDIUM.rank] or rows
    if gained:
        yield "\n".join(_rows(_GAINS, map(_gains, grave)))
    # What is grave and did not fit stands before what is mild.
    further = [*grave[_MOST_ROWS:], *(row for row in rows if row not in grave)]
    may_gain = [*map(_row, open_), *_unread(reviewed)]
    if may_gain:
        yield "**May be gained, could not be compared**\n\n" + "\n".join(_rows(_OPEN, may_gain))
    problems = [_row(own, codes=True) for own in added]
    if added:
        yield "**New problems**\n\n" + "\n".join(_rows(_PROBLEMS, problems))
    if further:
        title = "Further access that is gained"
        yield _folded(title, _GAINS, map(_gains, further), _MOST_FOLDED_GAINS_BYTES)
    if len(may_gain) > _MOST_ROWS:
        yield _folded("Further access that may be gained", _OPEN, may_gain[_MOST_ROWS:])
    if len(problems) > _MOST_ROWS:
        yield _folded("Further new problems", _PROBLEMS, problems[_MOST_ROWS:])


def _beside(reviewed: Reviewed) -> Iterator[str]:
    """What a boundary stops, what was decided before, and what was left out."""
    yield from map(_text, stopped_in_words(reviewed.found))
    muted = [f for f in (*reviewed.access, *reviewed.added) if f.muted is not None]
    if muted:
        told = [
            [code_span(f.code), _text(f.message or f.title), _text(f.muted or "")] for f in muted
        ]
        yield _folded(f"Muted: {len(muted):,}", ("code", "what", "reason"), told)
    if reviewed.not_judged:
        title = f"Not judged: {counted(len(reviewed.not_judged), 'place')}"
        places = (
            [_text(row["place"]), _text(row["why"]), _file(row.get("file", ""))]
            for row in reviewed.not_judged
        )
        yield _folded(title, ("place", "why", "where"), places)
    if excluded := (*reviewed.excluded, *reviewed.newly_excluded):
        title = f"Excluded by the settings: {counted(len(excluded), 'file')}"
        judged = (
            [_text(name), "yes" if name in reviewed.newly_excluded else "no"] for name in excluded
        )
        yield _folded(title, ("file", "judged all the same"), judged)


def _verdict(
    reviewed: Reviewed,
    gained: Sequence[Finding],
    open_: Sequence[Finding],
    added: Sequence[Finding],
) -> str:
    """One line for who reads nothing else."""
    said = []
    if gained:
        said.append(f"IAM: access is gained {_graded(gained)}")
    said += _muted_by_change(reviewed, is_more=bool(gained))
    if open_:
        said.append(f"{counted(len(open_), 'change')} could not be compared")
    if added:
        said.append(counted(len(added), "new problem"))
    changes = (change.says for change in reviewed.found.unjudged)
    silent = reviewed.not_told_by((*changes, *(finding.reason or "" for finding in open_)))
    if not gained:
        said += _without_gain(reviewed, is_sure=not silent, compares_all=not open_)
    if silent:
        said.append(f"{counted(len(silent), 'place')} not judged")
    if reviewed.excluded:
        said.append(f"{counted(len(reviewed.excluded), 'changed file')} excluded by the settings")
    if reviewed.newly_excluded:
        files = counted(len(reviewed.newly_excluded), "file")
        said.append(f"this change itself excludes {files}, judged all the same")
    said += map(_text, reviewed.limits)
    text = "; ".join(said)
    return text if text.startswith("IAM") else f"IAM: {text}"


def _without_gain(reviewed: Reviewed, *, is_sure: bool, compares_all: bool) -> Iterator[str]:
    """What happens to the access where none is gained that is not muted; `is_sure` where nothing was left unread."""
    codes = {(f.code, f.muted is None) for f in reviewed.access}
    by_change = [f for f in reviewed.access if is_muted_by_change(f) and f.code == "ACCESS_GAINED"]
    other = "other " if by_change else ""
    if any(f.muted and f.code == "ACCESS_GAINED" and f not in by_change for f in reviewed.access):
        yield f"what {'else ' if other else ''}is gained is muted"
        other = "other "
    if not compares_all:
        return
    so_far = "" if is_sure else " in what was judged"
    if ("ACCESS_LOST", True) in codes:
        yield f"{other}access is only lost{so_far}"
    else:
        yield f"no {other}access is gained or lost{so_far}"


def _muted_by_change(reviewed: Reviewed, *, is_more: bool) -> Iterator[str]:
    """What the change gains or does wrong and mutes in the same breath, which stops nothing."""
    by_change = sorted(reviewed.muted_by_change, key=urgency)
    gained = [own for own in by_change if own.code == "ACCESS_GAINED"]
    if gained:
        more = "more " if is_more else ""
        yield f"{more}access is gained {_graded(gained)}, which this change itself mutes"
    if len(gained) < len(by_change):
        problems = counted(len(by_change) - len(gained), "problem")
        yield f"{problems} that this change itself mutes"
    if reviewed.ignores_added:
        yield f"this change adds {counted(reviewed.ignores_added, 'ignore')}"


def _graded(gained: Sequence[Finding]) -> str:
    """How many of each severity, and the worst."""
    counts = Counter(str(finding.severity) for finding in gained)
    graded = joined([f"{number} {severity}" for severity, number in counts.items()])
    return f"({graded}), at worst {_risk(gained[0])}"


def _risk(finding: Finding) -> str:
    return _text(finding.title.partition(": ")[2] or finding.message or finding.title)


def _in_rows(gained: Sequence[Finding]) -> list[tuple[Finding, ...]]:
    """What one policy gains of one severity, which is a row; what is worst comes first."""
    rows: dict[object, list[Finding]] = {}
    for number, finding in enumerate(gained):
        key = (finding.resource, finding.severity) if finding.resource else number
        rows.setdefault(key, []).append(finding)
    return [tuple(row) for row in rows.values()]


def _gains(row: Sequence[Finding]) -> list[str]:
    shown = row[:_MOST_TOGETHER]
    says = [_text(own.message or own.title) for own in shown]
    if len(row) > len(shown):
        says.append(f"and {counted(len(row) - len(shown), 'more gain')}: `--json` has them")
    first = row[0]
    places = dict.fromkeys(filter(None, map(_place, shown)))
    return [*_head(first), "<br>".join(says), "<br>".join(places)]


def _row(finding: Finding, *, codes: bool = False) -> list[str]:
    says = _text(finding.message or finding.reason or finding.title)
    return [
        *_head(finding),
        f"{code_span(finding.code)} {says}" if codes else says,
        _place(finding),
    ]


def _head(finding: Finding) -> tuple[str, str]:
    return f"**{finding.severity}**", code_span(escaped(finding.resource or "", _LONGEST))


def _unread(reviewed: Reviewed) -> Iterator[list[str]]:
    """The places that the change touches and that could not be read: any access may be gained there."""
    told = " ".join(own.reason or "" for own in reviewed.access)
    for own in reviewed.unread:
        if own.is_none or quoted(own.place) in told:
            continue
        file = _file(own.file or "")
        place = "" if own.place == own.file else code_span(escaped(own.place, _LONGEST))
        yield [f"**{Severity.MEDIUM}**", place or file, f"not judged: {_text(own.why)}", file]


def _rows(columns: tuple[str, ...], rows: Iterable[list[str]]) -> Iterator[str]:
    """The first rows; the rest is folded."""
    listed = list(rows)
    yield from table(columns, listed[:_MOST_ROWS])
    if len(listed) > _MOST_ROWS:
        yield f"\n… and {len(listed) - _MOST_ROWS:,} more, folded below"


def _place(finding: Finding) -> str:
    where = finding.where
    if where is None:
        return ""
    if where.file:
        line = f":{where.line}" if where.line else ""
        return code_span(f"{escaped(where.file, _LONGEST)}{line}")
    return code_span(escaped(where.pointer, _LONGEST)) if where.pointer else ""


def _file(name: str) -> str:
    return code_span(escaped(name, _LONGEST)) if name else ""


def _lost(reviewed: Reviewed) -> Iterator[list[str]]:
    for own, change, places in reviewed.lost():
        where = str(places.where(change).file or change.statement)
        yield [
            code_span(escaped(own.was or own.name or "the policy", _LONGEST)),
            _text(change.in_words()),
            code_span(escaped(where, _LONGEST)),
        ]


def _policies(reviewed: Reviewed) -> Iterator[list[str]]:
    for own in reviewed.policies():
        name = code_span(escaped(own["name"] or "the policy", _LONGEST))
        values = f" with {_text(own['with_values'])}" if "with_values" in own else ""
        yield [name, own["change"], f"{own['relation']}{values}"]


def _folded(
    title: str,
    columns: tuple[str, ...],
    rows: Iterable[list[str]],
    most_bytes: int = _MOST_FOLDED_BYTES,
) -> str:
    """A section that is opened by a click, with as many of its rows as fit."""
    listed = list(rows)
    sizes = accumulate(len(" | ".join(row).encode()) for row in listed)
    shown = sum(1 for _ in takewhile(lambda size: size <= most_bytes, sizes))
    lines = list(table(columns, listed[:shown]))
    if len(listed) > shown:
        lines.append(f"\n… and {len(listed) - shown:,} more: `--json` has them")
    body = "\n".join(lines)
    return f"<details><summary>{_text(title)}</summary>\n\n{body}\n\n</details>"


def _text(text: str) -> str:
    return escaped_markup(escaped(text, _LONGEST))
