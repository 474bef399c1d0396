"""What changed since an earlier snapshot: each finding's `change`, and the earlier failures that are gone.

Findings are matched by account, Region, control and resource, not by their text. What cannot be read now is `unreadable`,
never `fixed`; what could not be read then is `changed`, never `new`; what failed on a resource that is not there any more is
`gone`: nobody mended it, and it may come back with the next one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Finding, Severity, Status
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.account.reading.snapshot import Account

    Change = Literal["new", "fixed", "gone", "changed", "same", "unreadable"]
    Identity = tuple[str, str, str, str]

MOST_ROWS = 50
_NAME_END = re.compile("[/:]")
_SOLVED = frozenset({Status.PASS, Status.NOT_APPLICABLE})
# Messages give the time of the credential report, which differs between two runs.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?: UTC|Z|\+00:00)?")


class JudgedSnapshot:
    """One side of the comparison: a snapshot of the account, and the findings in it."""

    def __init__(self, account: Account, findings: Sequence[Finding]) -> None:
        self.account = account
        self.findings = tuple(findings)
        self._unknown: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            if finding.status is Status.UNKNOWN:
                self._unknown[finding.code].append(finding)
        self._judged = {
            finding.code for finding in self.findings if finding.status is not Status.UNKNOWN
        }

    def unknown_about(self, finding: Finding) -> Finding | None:
        """The finding that says that this side could not judge what the other side's finding is about."""
        return next(
            (unknown for unknown in self._unknown[finding.code] if _may_hide(unknown, finding)),
            None,
        )

    def read_region(self, finding: Finding) -> bool:
        """Whether this side read the finding's Region."""
        region = _region_of(finding)
        return not region or region in self.account.regions.read

    def has_resource(self, name: str) -> bool:
        """Whether the resource is still there, as far as its ARN or its own name occurs in what was read."""
        return not name or bool({name, _NAME_END.split(name)[-1]} & self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Every resource of a finding, and every text in the facts; results of many accounts have no facts."""
        resources = (finding.resource or "" for finding in self.findings)
        return frozenset((*resources, *_texts(self.account.facts)))

    def has_judged(self, code: str) -> bool:
        """Whether this side could judge the control at least in part."""
        return code in self._judged


def with_changes(now: JudgedSnapshot, before: JudgedSnapshot) -> tuple[Finding, ...]:
    """This run's findings with their changes, followed by the earlier failures that have no finding now."""
    _refuse_other_account(now.account, before.account)
    earlier = _by_identity(before.findings)
    changed: dict[int, Finding] = {}
    gone: list[Finding] = []
    for identity, found in _by_identity(now.findings).items():
        pairs, newer_left, older_left = _pairs(found, earlier.pop(identity, []))
        gone += older_left
        for finding, was in pairs:
            changed[id(finding)] = replace(finding, change=_change(was.status, finding.status))
        for finding in newer_left:
            changed[id(finding)] = replace(finding, change=_appeared(finding, before))
    gone += (finding for found in earlier.values() for finding in found)
    after = (_gone(finding, now) for finding in gone if finding.status is Status.FAIL)
    return (*(changed[id(finding)] for finding in now.findings), *after)


def changes_facts(findings: Iterable[Finding], before: Account) -> dict[str, Any]:
    """How many findings changed and how, and the most urgent of them."""
    listed = [finding for finding in findings if finding.change]
    counted = Counter(finding.change for finding in listed)
    failed = Counter(finding.change for finding in listed if finding.status is Status.FAIL)
    changes = {
        "since": before.collected_at.isoformat(timespec="seconds"),
        "new": counted["new"],
        "fixed": counted["fixed"],
        "gone": counted["gone"],
        "still_open": failed["same"],
        "unreadable": counted["unreadable"],
        # Neither new nor old: it could not be judged then.
        "fail_not_judged_then": failed["changed"],
        "changed": counted["changed"],
        "same": counted["same"],
    }
    by_order = sorted(filter(_is_listed, listed), key=_order)
    return {
        "changes": changes,
        "what_changed": [_row(finding) for finding in by_order[:MOST_ROWS]],
    }


def changes_sentence(changes: Mapping[str, Any]) -> str:
    """The counts as a sentence."""
    parts = [
        f"{changes['new']} new",
        f"{changes['fixed']} fixed",
        f"{changes['still_open']} still open",
    ]
    if changes["gone"]:
        parts.insert(2, f"{changes['gone']} gone with the resource")
    if changes["unreadable"]:
        parts.append(f"{changes['unreadable']} no longer readable")
    count = changes["fail_not_judged_then"]
    if count:
        parts.append(f"{count} fail{'s' if count == 1 else ''} that could not be judged then")
    return f"Since {changes['since']}: {', '.join(parts)}."


_LISTED_CHANGES = ("new", "changed", "fixed", "gone", "unreadable")


def _is_listed(finding: Finding) -> bool:
    """Whether `what_changed` lists the finding; one that is `changed` only if it fails now."""
    return finding.change in _LISTED_CHANGES and (
        finding.change != "changed" or finding.status is Status.FAIL
    )


def row_urgency(row: Mapping[str, Any]) -> tuple[int, int]:
    """The sort key of a row of `what_changed`."""
    return _LISTED_CHANGES.index(row["change"]), Severity(row["severity"]).rank


def _order(finding: Finding) -> tuple[int, int]:
    return _LISTED_CHANGES.index(finding.change or ""), finding.severity.rank


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "change": finding.change,
        "severity": finding.severity.value,
        "control": finding.code,
        "resource": finding.resource,
        "region": finding.region,
    }


def _refuse_other_account(now: Account, before: Account) -> None:
    if now.id != before.id:
        raise InputError(
            f"`against` is a snapshot of account {before.id}, this is {now.id}",
            hint="give an earlier snapshot of the same account",
        )


def _by_identity(findings: Sequence[Finding]) -> dict[Identity, list[Finding]]:
    grouped: dict[Identity, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[
            finding.account or "", finding.region or "", finding.code, finding.resource or ""
        ].append(finding)
    return grouped


def _pairs(
    found: list[Finding], earlier: list[Finding]
) -> tuple[list[tuple[Finding, Finding]], list[Finding], list[Finding]]:
    """Pairs of findings with one identity: those with equal text first, then with equal status, then in order."""
    pairs: list[tuple[Finding, Finding]] = []
    newer_left, older_left = list(found), list(earlier)
    for key in (_text_key, lambda finding: finding.status, lambda _: None):
        waiting: dict[Any, list[Finding]] = defaultdict(list)
        for was in reversed(older_left):
            waiting[key(was)].append(was)
        matched = [(f, waiting[key(f)].pop()) for f in newer_left if waiting[key(f)]]
        taken = {id(finding) for pair in matched for finding in pair}
        newer_left = [finding for finding in newer_left if id(finding) not in taken]
        older_left = [finding for finding in older_left if id(finding) not in taken]
        pairs += matched
    return pairs, newer_left, older_left


def _text_key(finding: Finding) -> tuple[Status, str]:
    return finding.status, _TIME.sub("", finding.message)


def _change(was: Status, now: Status) -> Change:
    if now is was:
        return "same"
    if now is Status.UNKNOWN:
        return "unreadable"
    if was is Status.FAIL and now in _SOLVED:
        return "fixed"
    return "new" if now is Status.FAIL and was is not Status.UNKNOWN else "changed"


def _appeared(finding: Finding, before: JudgedSnapshot) -> Change:
    """The change of a finding that the earlier run lacks."""
    was_read = before.read_region(finding) and not before.unknown_about(finding)
    if finding.status is Status.UNKNOWN:
        return "unreadable" if before.has_judged(finding.code) else "changed"
    return "new" if finding.status is Status.FAIL and was_read else "changed"


def _gone(finding: Finding, now: JudgedSnapshot) -> Finding:
    """An earlier failure without a finding now: fixed, gone with its resource, or not readable."""
    hidden = now.unknown_about(finding)
    failed_before = f"failed before: {finding.message}"
    if hidden is None and now.read_region(finding):
        is_there = now.has_resource(finding.resource or "")
        return replace(
            finding,
            status=Status.NOT_APPLICABLE,
            message=f"{'no longer fails' if is_there else 'no longer there'}; {failed_before}",
            fix=None,
            change="fixed" if is_there else "gone",
        )
    reason = hidden.reason if hidden else f"{_region_of(finding)} was not read this time"
    return replace(
        finding,
        status=Status.UNKNOWN,
        message=f"could not be judged this time; {failed_before}",
        reason=reason,
        change="unreadable",
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in the value and in its parts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, (tuple, frozenset)):
        yield from (text for part in value for text in _texts(part))
    elif is_dataclass(value):
        yield from (text for field in fields(value) for text in _texts(getattr(value, field.name)))


def _may_hide(unknown: Finding, finding: Finding) -> bool:
    """Whether what could not be read may hide the other side's finding."""
    if unknown.resource and unknown.resource != finding.resource:
        return False
    region = _region_of(finding)
    return not (unknown.region and region) or unknown.region == region


def _region_of(finding: Finding) -> str:
    """The finding's Region, else the one in its resource's ARN."""
    if finding.region:
        return finding.region
    parts = (finding.resource or "").split(":", 5)
    return parts[3] if parts[0] == "arn" and len(parts) > 3 else ""  # noqa: PLR2004 - arn:partition:service:region
