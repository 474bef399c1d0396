"""The mute list: findings that their owner accepts, each with a reason and perhaps an end date.

    - control: root_hardware_mfa        # a key, or an id of any version
      reason: a hardware key is ordered
      until: 2026-12-31                 # the last day, in UTC; default: no end
      resource: arn:aws:iam::*:root     # default: every resource; `*` is any text, `?` any character
      account: "111122223333"
      region: eu-west-1

A muted finding keeps its status and shows the reason. A mute has ended if its last day is before the day on which the account
was read, so that a saved snapshot gives the same report every day.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Status
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.errors import InputError, closest
from aws_iam.escape import escaped, quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.controls import benchmark as catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.answer import Counts
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control

MOST_MUTES = 1_000
"""Entries of a list; a pattern in `resource` covers many findings with one."""
_MOST_TEXT = 500
_MOST_RESOURCE = 2048

_MUTABLE = frozenset({Status.FAIL, Status.MANUAL})
_FIELDS = ("control", "reason", "resource", "account", "region", "until", "benchmark")
_HINT = "an entry is {control, reason, resource?, account?, region?, until?}"
_ATTESTED_SINCE = 4
_ACCOUNT_DIGITS = 12
_UNREAD = "mutes nothing yet"
# The documented form; date.fromisoformat also takes `20261231` and week dates.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@slotted
class Mute:
    """One entry: which findings are muted, why, until when."""

    control: str
    reason: str
    written: str
    """The control as the list writes it: a key, or an id of some version."""
    resource: str | None = None
    account: str | None = None
    region: str | None = None
    until: date | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether control, resource, account and Region match, even if the mute has ended."""
        return (
            finding.code == self.control
            and self.account in {None, finding.account}
            and self.region in {None, finding.region}
            and (self.resource is None or matches(self.resource, finding.resource or ""))
        )

    def ended(self, on: date) -> bool:
        """Whether its last day is before that day."""
        return self.until is not None and self.until < on


def parse_mutes(given: object, benchmark: Benchmark) -> tuple[Mute, ...]:
    """The entries of a list in YAML or JSON; InputError names the entry that is wrong."""
    node = _node(given)
    listed = node.member("mutes") if node.form is Form.OBJECT else node
    if listed is None or listed.form is not Form.ARRAY:
        raise InputError("`mute` must be a list of mutes", hint=_HINT)
    _refuse_names(node, ("mutes",), "give only the list `mutes`")
    if len(listed.items) > MOST_MUTES:
        raise InputError(
            f"`mute` has {len(listed.items):,} entries, at most {MOST_MUTES:,} are allowed",
            hint="use a pattern in `resource`: `*` matches any text",
        )
    return tuple(_mute(item, benchmark) for item in listed.items)


def apply_mutes(
    findings: Iterable[Finding], mutes: Sequence[Mute], benchmark: Benchmark, on: date
) -> tuple[tuple[Finding, ...], list[dict[str, Any]]]:
    """The findings with their mutes' reasons, and a row on what each mute did."""
    mutes_of = _by_control(mutes)
    applied = tuple(
        _with_mute(
            finding, [m for _, m in mutes_of[finding.code] if m.covers(finding)], benchmark, on
        )
        for finding in findings
    )
    return applied, mute_rows(applied, mutes, on)


def mute_rows(
    findings: Iterable[Finding], mutes: Sequence[Mute], on: date
) -> list[dict[str, Any]]:
    """A row for each mute that says what it did; the findings must have their mutes applied."""
    mutes_of = _by_control(mutes)
    covered: list[Counter[Status]] = [Counter() for _ in mutes]
    judged = set()
    for finding in findings:
        judged.add(finding.code)
        for number, mute in mutes_of[finding.code]:
            if mute.covers(finding):
                covered[number][finding.status] += 1
    return [
        _row(mute, found, on, is_judged=mute.control in judged)
        for mute, found in zip(mutes, covered, strict=True)
    ]


def _by_control(mutes: Sequence[Mute]) -> Mapping[str, list[tuple[int, Mute]]]:
    found: dict[str, list[tuple[int, Mute]]] = defaultdict(list)
    for number, mute in enumerate(mutes):
        found[mute.control].append((number, mute))
    return found


def mutes_sentence(counts: Counts, rows: Sequence[Mapping[str, Any]]) -> str:
    """How many findings are muted, and how many mutes do nothing; empty without mutes."""
    if not rows:
        return ""
    muted = counts.muted or 0
    ended = sum(str(row["state"]).startswith("expired") for row in rows)
    idle = sum(str(row["state"]).startswith("matches nothing") for row in rows)
    unread = sum(str(row["state"]).startswith(_UNREAD) for row in rows)
    parts = [f"{muted} finding{'' if muted == 1 else 's'} muted"]
    parts += [f"{ended} mute{'' if ended == 1 else 's'} expired"] if ended else []
    parts += [f"{idle} mute{' matches' if idle == 1 else 's match'} nothing"] if idle else []
    if unread:
        parts.append(
            f"{unread} mute{' covers' if unread == 1 else 's cover'} what could not be judged"
        )
    return f"{', '.join(parts)}."


def _with_mute(
    finding: Finding, covering: Sequence[Mute], benchmark: Benchmark, on: date
) -> Finding:
    if not covering or finding.status not in _MUTABLE:
        return finding
    active = next((mute for mute in covering if not mute.ended(on)), None)
    if active is None:
        last = max(covering, key=lambda mute: mute.until or date.min)
        expired = f"its mute expired on {last.until} ({escaped(last.reason, _MOST_TEXT)})"
        return replace(finding, message=f"{finding.message}; {expired}")
    muted = replace(finding, muted=_reason(active))
    if finding.status is Status.FAIL and _is_attested(finding, benchmark):
        # The benchmark accepts any means of monitoring: the owner states that there is one, which needs manual review.
        return replace(muted, status=Status.MANUAL)
    return muted


def _is_attested(finding: Finding, benchmark: Benchmark) -> bool:
    major = catalogue.order(benchmark.version)[0]
    return finding.code.startswith("alarm_") and major >= _ATTESTED_SINCE


def _reason(mute: Mute) -> str:
    end = f" (until {mute.until})" if mute.until else ""
    return f"{escaped(mute.reason, _MOST_TEXT)}{end}"


def _row(mute: Mute, found: Counter[Status], on: date, *, is_judged: bool) -> dict[str, Any]:
    place = ", ".join(filter(None, (mute.resource, mute.region, mute.account)))
    return {
        "control": mute.control,
        "number": None if mute.written == mute.control else mute.written,
        "where": place or "everywhere",
        "until": mute.until.isoformat() if mute.until else None,
        "state": _state(mute, found, on, is_judged=is_judged),
        "reason": mute.reason,
    }


def _state(mute: Mute, found: Counter[Status], on: date, *, is_judged: bool) -> str:
    count = sum(found[status] for status in _MUTABLE)
    counted = f"{count} finding{'' if count == 1 else 's'}"
    if mute.ended(on):
        return f"expired on {mute.until}" + (f", {counted} no longer muted" if count else "")
    if count:
        return f"mutes {counted}"
    if not is_judged:
        return "matches nothing: the control was not judged in this run"
    if found[Status.UNKNOWN]:
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
    if len(text) > MOST_MUTES * _MOST_TEXT * 4:
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
        # A number no longer shows how it was written: 2.1 may have been 2.10.
        raise InputError(f"{_at(control)} is a number", hint='write it in quotes: "2.10"')
    fields = {name: _text(item, name) for name in _FIELDS}
    named, reason = fields["control"], fields["reason"]
    if not named or not reason:
        missing = "control" if not named else "reason"
        raise InputError(f"{_at(item)} needs `{missing}`", hint=_HINT)
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
    """Refuse unknown names and repeated ones, which would otherwise be ignored silently."""
    seen = set()
    for member in item.members:
        name = member.key
        if name not in known:
            near = closest(name, known)
            raise InputError(
                f"{_at(item)} has the unknown field {quoted(name)}",
                hint=f"did you mean `{near}`?" if near else hint,
            )
        if name in seen:
            raise InputError(
                f"{_at(member.name)} repeats {quoted(name)}",
                hint="give it once, or start a new entry",
            )
        seen.add(name)


def _text(item: Node, name: str) -> str | None:
    """The field as text; numbers as they were written, such as `2.10`."""
    node = item.member(name)
    if node is None or node.form is Form.NULL:
        return None
    value = node.text.strip()
    if node.form not in {Form.STRING, Form.NUMBER} or not value:
        wanted = "text" if value or node.form is not Form.STRING else "text that is not empty"
        raise InputError(f"{_at(node)} must be {wanted}", hint=f"write `{name}` in quotes")
    if len(value) > (_MOST_RESOURCE if name == "resource" else _MOST_TEXT):
        raise InputError(f"{_at(node)} has {len(value):,} characters", hint="shorten it")
    return value


def _control(item: Node, named: str, version: str | None, benchmark: Benchmark) -> Control:
    """The control by its key, or by its id in the entry's version, else in this run's, else in the only other one."""
    try:
        if version is not None:
            return _only(item, named, catalogue.benchmark(version).named(named))
        meanings = catalogue.meanings(named)
        in_version = tuple(
            meaning.control
            for meaning in meanings
            if benchmark.version in meaning.versions or meaning.control.key == named.lower()
        )
        return _only(item, named, in_version or tuple(meaning.control for meaning in meanings))
    except InputError as error:
        if error.message.startswith("`mute`"):
            raise
        raise InputError(f"{_at(item)}: {error.message}", hint=error.hint) from None


def _only(item: Node, named: str, found: Sequence[Control]) -> Control:
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{_at(item)}: {quoted(named)} names {len(found)} controls",
        hint=f"name one by its key: {', '.join(f'`{control.key}`' for control in found)}",
    )


def _account(item: Node, given: str | None) -> str | None:
    if given is None or (given.isascii() and given.isdecimal() and len(given) == _ACCOUNT_DIGITS):
        return given
    raise InputError(
        f"{_at(item)}: {quoted(given)} is not an account id",
        hint="an account id has 12 digits; write it in quotes",
    )


def _until(item: Node, given: str | None) -> date | None:
    if given is None:
        return None
    if _DAY.fullmatch(given):
        with suppress(ValueError):
            return date.fromisoformat(given)
    raise InputError(
        f"{_at(item)}: {quoted(given)} is not a date", hint="write `until` as 2026-12-31"
    )


def _at(node: Node) -> str:
    where = node.where
    line = f" (line {where.line}:{where.column})" if where.line else ""
    return f"`mute` {where.pointer or '/'}{line}"
