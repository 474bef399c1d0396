"""The mute list: findings that their owner accepts, each with a reason and perhaps an end.

    - control: root_hardware_mfa        # a key, or an id of any version
      reason: a hardware key is ordered
      until: 2026-12-31                 # the last day, in UTC; absent: no end
      resource: arn:aws:iam::*:root     # absent: every resource; `*` and `?` stand for any text and one character
      account: "111122223333"
      region: eu-west-1

A muted finding keeps its place and status and shows the reason. Whether a mute has ended is asked of the day on which
the account was read, so that a saved snapshot gives the same report every day.
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Status
from aws_iam.engine.language.json_nodes import Form, Node
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.json_scan import Syntax, scan
from aws_iam.engine.sources.json_value import from_value
from aws_iam.engine.sources.yaml_text import scan_yaml
from aws_iam.errors import InputError, closest
from aws_iam.escape import escaped, quoted
from aws_iam.tools.audit.controls import benchmark as catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control

MOST = 1_000
"""Entries of a list; whoever needs more wants a pattern."""
MOST_TEXT = 500

_MUTABLE = frozenset({Status.FAIL, Status.MANUAL})
_FIELDS = ("control", "reason", "resource", "account", "region", "until", "benchmark")
_HINT = "an entry is {control, reason, resource?, account?, region?, until?}"
_ATTESTED_SINCE = 4
_ACCOUNT_DIGITS = 12
_UNREAD = "mutes nothing yet"
# As it is documented; the reader of dates takes `20261231` and the days of weeks as well.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """One entry: which findings, why, until when."""

    control: str
    reason: str
    written: str
    """The control as the list names it."""
    resource: str | None = None
    account: str | None = None
    region: str | None = None
    until: date | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is of its control and place; the end is another question."""
        return (
            finding.code == self.control
            and self.account in {None, finding.account}
            and self.region in {None, finding.region}
            and (self.resource is None or matches(self.resource, finding.resource or ""))
        )

    def ended(self, on: date) -> bool:
        """Whether it no longer holds on that day."""
        return self.until is not None and self.until < on


def read(given: object, benchmark: Benchmark) -> tuple[Mute, ...]:
    """The entries of a list in YAML or JSON; InputError says which entry is wrong, and how."""
    node = _node(given)
    listed = node.member("mutes") if node.form is Form.OBJECT else node
    if listed is None or listed.form is not Form.ARRAY:
        raise InputError("`mute` must be a list of mutes", hint=_HINT)
    _refuse_names(node, ("mutes",), "beside the list `mutes` nothing is read")
    if len(listed.items) > MOST:
        raise InputError(
            f"`mute` has {len(listed.items):,} entries, at most {MOST:,} are read",
            hint="give `resource` a pattern: `*` stands for any text",
        )
    return tuple(_mute(item, benchmark) for item in listed.items)


def applied(
    findings: Iterable[Finding], mutes: Sequence[Mute], benchmark: Benchmark, on: date
) -> tuple[tuple[Finding, ...], list[dict[str, Any]]]:
    """The findings, muted ones with the reason, and the table of what each mute did."""
    of_control = _by_control(mutes)
    told = tuple(
        _muted(
            finding, [m for _, m in of_control[finding.code] if m.covers(finding)], benchmark, on
        )
        for finding in findings
    )
    return told, table(told, mutes, on)


def table(findings: Iterable[Finding], mutes: Sequence[Mute], on: date) -> list[dict[str, Any]]:
    """What each mute did, told from findings to which the list was applied."""
    of_control = _by_control(mutes)
    met: list[list[Finding]] = [[] for _ in mutes]
    judged = set()
    for finding in findings:
        judged.add(finding.code)
        for number, mute in of_control[finding.code]:
            if mute.covers(finding):
                met[number].append(finding)
    return [
        _row(mute, found, on, judged=mute.control in judged)
        for mute, found in zip(mutes, met, strict=True)
    ]


def _by_control(mutes: Sequence[Mute]) -> Mapping[str, list[tuple[int, Mute]]]:
    found: dict[str, list[tuple[int, Mute]]] = defaultdict(list)
    for number, mute in enumerate(mutes):
        found[mute.control].append((number, mute))
    return found


def said(findings: Iterable[Finding], rows: Sequence[Mapping[str, Any]]) -> str:
    """How much is muted, and which mutes do nothing; empty when there is no list."""
    if not rows:
        return ""
    muted = sum(finding.muted is not None for finding in findings)
    ended = sum(str(row["state"]).startswith("expired") for row in rows)
    idle = sum(str(row["state"]).startswith("matches nothing") for row in rows)
    unread = sum(str(row["state"]).startswith(_UNREAD) for row in rows)
    parts = [f"{muted} finding{'' if muted == 1 else 's'} muted"]
    parts += [f"{ended} mute{'' if ended == 1 else 's'} expired"] if ended else []
    parts += [f"{idle} mute{'' if idle == 1 else 's'} matching nothing"] if idle else []
    parts += [f"{unread} over what could not be judged"] if unread else []
    return f"{', '.join(parts)}."


def _muted(finding: Finding, covering: Sequence[Mute], benchmark: Benchmark, on: date) -> Finding:
    if not covering or finding.status not in _MUTABLE:
        return finding
    holding = next((mute for mute in covering if not mute.ended(on)), None)
    if holding is None:
        last = max(covering, key=lambda mute: mute.until or date.min)
        told = f"its mute expired on {last.until} ({escaped(last.reason, MOST_TEXT)})"
        return replace(finding, message=f"{finding.message}; {told}")
    muted = replace(finding, muted=_reason(holding))
    if finding.status is Status.FAIL and _attests(finding, benchmark):
        # The requirement asks that the events are watched, by whatever: the owner's word makes it a person's decision.
        return replace(muted, status=Status.MANUAL)
    return muted


def _attests(finding: Finding, benchmark: Benchmark) -> bool:
    major = catalogue.order(benchmark.version)[0]
    return finding.code.startswith("alarm_") and major >= _ATTESTED_SINCE


def _reason(mute: Mute) -> str:
    end = f" (until {mute.until})" if mute.until else ""
    return f"{escaped(mute.reason, MOST_TEXT)}{end}"


def _row(mute: Mute, found: Sequence[Finding], on: date, *, judged: bool) -> dict[str, Any]:
    place = ", ".join(filter(None, (mute.resource, mute.region, mute.account)))
    return {
        "control": mute.control,
        "number": None if mute.written == mute.control else mute.written,
        "where": place or "everywhere",
        "until": mute.until.isoformat() if mute.until else None,
        "state": _state(mute, found, on, judged=judged),
        "reason": mute.reason,
    }


def _state(mute: Mute, found: Sequence[Finding], on: date, *, judged: bool) -> str:
    count = sum(finding.status in _MUTABLE for finding in found)
    some = f"{count} finding{'' if count == 1 else 's'}"
    if mute.ended(on):
        return f"expired on {mute.until}" + (f", {some} no longer muted" if count else "")
    if count:
        return f"mutes {some}"
    if not judged:
        return "matches nothing: the control was not judged in this run"
    if any(finding.status is Status.UNKNOWN for finding in found):
        return f"{_UNREAD}: what it covers could not be judged"
    return f"matches nothing{': what it covers did not fail' if found else ''}"


def _node(given: object) -> Node:
    if not isinstance(given, str):
        return from_value(given)
    found: Node | Syntax | tuple[Node, ...]
    found = scan(given) if given.lstrip().startswith(("{", "[")) else _yaml(given)
    if isinstance(found, Syntax):
        where = f" (line {found.where.line}:{found.where.column})" if found.where.line else ""
        raise InputError(f"`mute`: {found.message}{where}", hint=found.hint)
    return found


def _yaml(text: str) -> Node | Syntax:
    if len(text) > MOST * MOST_TEXT * 4:
        raise InputError(f"`mute` has {len(text):,} characters", hint="give a shorter list")
    found = scan_yaml(text)
    if isinstance(found, Syntax):
        return found
    if len(found) != 1:
        raise InputError(f"`mute` holds {len(found)} YAML documents, not one", hint=_HINT)
    return found[0]


def _mute(item: Node, benchmark: Benchmark) -> Mute:
    if item.form is not Form.OBJECT:
        raise InputError(f"{_at(item)} must be an object, not {item.form}", hint=_HINT)
    _refuse_names(item, _FIELDS, _HINT)
    control = item.member("control")
    if control and control.form is Form.NUMBER and control.at.lines is None:
        # A value has lost how it was written: 2.1 may have been 2.10.
        raise InputError(f"{_at(control)} is a number", hint='write it in quotes: "2.10"')
    fields = {name: _text(item, name) for name in _FIELDS}
    named, reason = fields["control"], fields["reason"]
    if not named or not reason:
        lacking = "control" if not named else "reason"
        raise InputError(f"{_at(item)} needs `{lacking}`", hint=_HINT)
    return Mute(
        control=_control(item, named, fields["benchmark"], benchmark).key,
        reason=reason,
        written=named,
        resource=fields["resource"],
        account=_account(item, fields["account"]),
        region=fields["region"],
        until=_until(item, fields["until"]),
    )


def _refuse_names(item: Node, known: Sequence[str], hint: str) -> None:
    """A name that nobody reads, or of which the last value would be read in silence."""
    met = set()
    for member in item.members:
        name = member.key
        if name not in known:
            near = closest(name, known)
            raise InputError(
                f"{_at(item)} has the unknown field {quoted(name)}",
                hint=f"did you mean `{near}`?" if near else hint,
            )
        if name in met:
            raise InputError(
                f"{_at(member.name)} repeats {quoted(name)}",
                hint="give it once, or begin a new entry",
            )
        met.add(name)


def _text(item: Node, name: str) -> str | None:
    """The field as text; numbers stand as they were written, `2.10` too."""
    node = item.member(name)
    if node is None or node.form is Form.NULL:
        return None
    value = node.text.strip()
    if node.form not in {Form.STRING, Form.NUMBER} or not value:
        wanted = "text" if value or node.form is not Form.STRING else "text that is not empty"
        raise InputError(f"{_at(node)} must be {wanted}", hint=f"write `{name}` in quotes")
    if len(value) > (MOST_TEXT if name != "resource" else 2048):
        raise InputError(f"{_at(node)} has {len(value):,} characters", hint="shorten it")
    return value


def _control(item: Node, named: str, version: str | None, benchmark: Benchmark) -> Control:
    """The control by its key, or by its number in the entry's version, else this run's, else the only other meaning."""
    try:
        if version is not None:
            return _only(item, named, catalogue.benchmark(version).selected([named]))
        meant = catalogue.meanings(named)
        here = tuple(
            covered.control
            for covered in meant
            if benchmark.version in covered.versions or covered.control.key == named.lower()
        )
        return _only(item, named, here or tuple(covered.control for covered in meant))
    except InputError as error:
        if error.message.startswith("`mute`"):
            raise
        raise InputError(f"{_at(item)}: {error.message}", hint=error.hint) from None


def _only(item: Node, named: str, found: Sequence[Control]) -> Control:
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{_at(item)}: {quoted(named)} stands for {len(found)} controls",
        hint=f"name one by its key: {', '.join(f'`{control.key}`' for control in found)}",
    )


def _account(item: Node, given: str | None) -> str | None:
    if given is None or (given.isascii() and given.isdecimal() and len(given) == _ACCOUNT_DIGITS):
        return given
    raise InputError(
        f"{_at(item)}: {quoted(given)} is no account id",
        hint="it has 12 digits: write it in quotes",
    )


def _until(item: Node, given: str | None) -> date | None:
    if given is None:
        return None
    if _DAY.fullmatch(given):
        with suppress(ValueError):
            return date.fromisoformat(given)
    raise InputError(
        f"{_at(item)}: {quoted(given)} is no date", hint="write `until` as 2026-12-31"
    )


def _at(node: Node) -> str:
    where = node.where
    line = f" (line {where.line}:{where.column})" if where.line else ""
    return f"`mute` {where.pointer or '/'}{line}"
