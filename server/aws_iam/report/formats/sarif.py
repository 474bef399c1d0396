"""Findings as SARIF 2.1.0 for GitHub code scanning.

    severity                              level     security-severity
    critical                              error     9.5
    ERROR, SECURITY_WARNING, high         error     8.0
    WARNING, medium                       warning   5.5
    SUGGESTION, low                       note      3.0
    info                                  note      0.0

GitHub opens an alert for every result and ignores `kind` and `suppressions`
(https://github.com/microsoft/PSRule/issues/955, https://github.com/github/codeql-action/issues/1230), so only findings
that fail and are not muted become results, and unknown ones where `SarifRun.alerts` says so (kind `open`, level `none`).
Each other unknown finding becomes a notification of the run; one more notification counts the rest.

https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aws_iam.answer import Finding, Status, Where
from aws_iam.escape import escaped
from aws_iam.frozen import slotted
from aws_iam.report.audit_report import identity, parts_of
from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.clean import FIX_LIMIT
from aws_iam.report.json_parts import json_list
from aws_iam.report.policy_report import NO_FILE
from aws_iam.report.worst_findings import WorstFindings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.report.audit_report import AuditReport
    from aws_iam.report.policy_report import PolicyReport, SkippedPlace

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub rejects a run with more, and shows the worst 5,000 of them."""
MOST_NOTES = 1_000
MOST_TEXT = 1_000

_LEVELS = ("error", "error", "warning", "note", "note")
_SCORES = ("9.5", "8.0", "5.5", "3.0", "0.0")
_ROOT = "%SRCROOT%"
_NUMBER = re.compile(r"/\d+(?=/|$)")
_MARKUP = re.compile(r"([\\*_<>\[\]|])")


@slotted
class SarifRun:
    """What the log says besides its findings: who wrote it, and why each rule matters."""

    version: str
    category: str
    """Distinguishes this analysis from others of the same commit; an upload replaces the alerts of its own category only."""
    root: str = ""
    """The folder that relative paths start from; absolute paths inside it become relative."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → what it finds, where its findings have titles of their own."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → why it matters."""
    fixes: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → how to mend it, where its findings may have fixes of their own."""
    ids: Callable[[Finding], str] | None = None
    """The ids of a rule in the framework whose ids are shown, after its name; empty where it has none."""
    notes: Sequence[str] = ()
    """What was not judged, and why: a report without results must not look complete."""
    alerts: frozenset[Status] = frozenset({Status.FAIL, Status.UNKNOWN})
    """The statuses that become results."""
    incomplete: bool = False
    """Whether what was to be judged could not all be judged: then the absence of a result proves nothing."""
    identify: Callable[[Finding], str] | None = None
    """The fingerprint that GitHub matches an alert by; default: of code, resource, place and message."""


def sarif(findings: Iterable[Finding], run: SarifRun, files: Iterable[str] = ()) -> Iterator[str]:
    """The log as JSON, worst findings first; `files` are all that were read, with or without findings."""
    others = _Others(notes=[*run.notes[:MOST_NOTES]], count=len(run.notes))
    results = WorstFindings(MOST_RESULTS)
    for finding in findings:
        if _is_result(finding, run):
            results.add(finding)
        else:
            others.add(finding)
    shown = results.sorted()
    rules = _rules(shown, run)
    places = _Places(run.root, [*files, *map(_file, shown)])
    context = _Context(
        rule_numbers={code: number for number, code in enumerate(rules)},
        rule_fixes={code: rule.fix for code, rule in rules.items()},
        places=places,
        identify=run.identify or _fingerprint_of,
    )
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(run, rules)},
                "automationDetails": {"id": f"aws-iam/{run.category}/"},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The folder that the analysis ran in."}}
                },
                "invocations": [_invocation(others, run, results.count - len(shown))],
                "artifacts": places.artifacts(),
            }
        ],
    }
    # The results are the last field of the last run.
    ending = "\n  }\n ]\n}"
    yield json.dumps(log, indent=1).removesuffix(ending)
    yield ',\n   "results": '
    yield from json_list((_result(finding, context) for finding in shown), depth=3)
    yield f"{ending}\n"


def _is_result(finding: Finding, run: SarifRun) -> bool:
    return finding.status in run.alerts and finding.muted is None


def _driver(run: SarifRun, rules: Mapping[str, Finding]) -> dict[str, Any]:
    return {
        "name": "aws-iam",
        "version": run.version,
        "semanticVersion": run.version,
        "rules": [_rule(rule, run) for rule in rules.values()],
    }


@dataclass(slots=True, kw_only=True)
class _Others:
    """What is no result: notes on what was not judged, and how many findings have which status."""

    notes: list[str]
    count: int
    """Of all notes, those beyond the limit too."""
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Count a finding, and note one that could not be judged."""
        self.statuses["muted" if finding.muted is not None else finding.status.value] += 1
        if finding.status is Status.UNKNOWN and finding.muted is None:
            self.count += 1
            if len(self.notes) < MOST_NOTES:
                self.notes.append(_not_judged(finding))


def _invocation(others: _Others, run: SarifRun, left_out: int) -> dict[str, Any]:
    warnings = [*others.notes]
    if others.count > MOST_NOTES:
        warnings.append(f"{others.count - MOST_NOTES:,} more places were not judged")
    if left_out:
        warnings.append(
            f"{left_out:,} more findings are left out: a report holds the {MOST_RESULTS:,} worst"
        )
    notices = [_notice("warning", text) for text in warnings]
    if others.statuses:
        notices.append(_notice("note", _counted(others.statuses)))
    invocation: dict[str, Any] = {"executionSuccessful": not run.incomplete}
    return invocation | ({"toolExecutionNotifications": notices} if notices else {})


def _notice(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": _plain(text)}}


def _not_judged(finding: Finding) -> str:
    return (
        f"{finding.code} could not be judged: {finding.reason or finding.message or finding.title}"
    )


def _counted(statuses: Mapping[str, int]) -> str:
    words = (f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(statuses.items()))
    return f"findings without a result in this run: {', '.join(words)}"


def _rules(findings: Iterable[Finding], run: SarifRun) -> dict[str, Finding]:
    """The worst finding of each code with the rule's words, sorted by code so that equal runs give equal files."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    return {
        code: replace(
            min(by_code[code], key=lambda finding: finding.severity.rank),
            title=run.titles.get(code) or _common_title(by_code[code]),
            fix=run.fixes.get(code) or _common_fix(by_code[code]),
        )
        for code in sorted(by_code)
    }


def _common_title(findings: Sequence[Finding]) -> str:
    """The title of all findings of a code; the code in words where they differ."""
    titles = {finding.title for finding in findings}
    return titles.pop() if len(titles) == 1 else findings[0].code.replace("_", " ").capitalize()


def _common_fix(findings: Sequence[Finding]) -> str | None:
    """The fix of all findings of a code; None where they differ."""
    fixes = {finding.fix for finding in findings}
    return fixes.pop() if len(fixes) == 1 else None


def _rule(finding: Finding, run: SarifRun) -> dict[str, Any]:
    why = run.whys.get(finding.code, "")
    ids = run.ids(finding) if run.ids else ""
    title = _text(finding.title or finding.code)
    explained = _paragraphs(why, _text)
    parts = filter(None, (explained, _text(finding.fix or "", FIX_LIMIT), _text(ids)))
    rule: dict[str, Any] = {
        "id": escaped(finding.code),
        "name": _pascal(finding.code),
        "shortDescription": {"text": title},
        "fullDescription": {"text": explained or title},
        "help": {"text": "\n\n".join(parts) or title, "markdown": _help(finding, why, ids)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity.rank]},
        "properties": {
            "tags": ["security", "aws", "iam"],
            "security-severity": _SCORES[finding.severity.rank],
            "precision": "medium" if finding.confidence == "low" else "high",
            "severity": finding.severity.value,
        },
    }
    return rule | ({"helpUri": uri} if (uri := _uri(finding.source)) else {})


def _help(finding: Finding, why: str, ids: str) -> str:
    uri = _uri(finding.source)
    fix = f"**Fix:** {_markdown(finding.fix, FIX_LIMIT)}" if finding.fix else ""
    parts = (
        f"**{_markdown(finding.title or finding.code)}**",
        _paragraphs(why, _markdown),
        fix,
        _markdown(ids),
    )
    return "\n\n".join([*filter(None, parts), *([f"[Source]({uri})"] if uri else [])])


def _result(finding: Finding, context: _Context) -> dict[str, Any]:
    failed = finding.status is Status.FAIL
    result: dict[str, Any] = {
        "ruleId": escaped(finding.code),
        "ruleIndex": context.rule_numbers[finding.code],
        "kind": "fail" if failed else "open",
        "level": _LEVELS[finding.severity.rank] if failed else "none",
        "message": {"text": _message(finding) + _own_fix(finding, context)},
        "locations": [_location(finding, context.places)],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding, context)},
    }
    properties = _properties(finding)
    return result | ({"properties": properties} if properties else {})


def _message(finding: Finding) -> str:
    text = finding.message or finding.title or finding.code
    if finding.status is Status.FAIL and finding.message and finding.title:
        text = f"{finding.title}: {finding.message}"
    return _plain(f"{text} ({finding.reason})" if finding.reason else text)


def _own_fix(finding: Finding, context: _Context) -> str:
    """The fix of the finding, where it is not that of the rule."""
    if not finding.fix or finding.fix == context.rule_fixes[finding.code]:
        return ""
    return f"; fix: {_plain(finding.fix, FIX_LIMIT)}"


def _properties(finding: Finding) -> dict[str, Any]:
    names = ("resource", "region", "account", "confidence", "change")
    values = {name: getattr(finding, name) for name in names}
    texts = {name: _text(value) for name, value in values.items() if value}
    controls = {
        escaped(version): escaped(number) for version, number in (finding.controls or {}).items()
    }
    frameworks = {
        escaped(name): [escaped(own) for own in ids]
        for name, ids in (finding.frameworks or {}).items()
    }
    return (
        texts
        | ({"controls": controls} if controls else {})
        | ({"frameworks": frameworks} if frameworks else {})
    )


def _location(finding: Finding, places: _Places) -> dict[str, Any]:
    where = finding.where
    # GitHub requires a line in every location; line 1 stands for the whole file.
    region = {"startLine": max((where.line if where else None) or 1, 1)}
    if where and where.line and where.column:
        region["startColumn"] = max(where.column, 1)
    physical = {"artifactLocation": places.location(_file(finding)), "region": region}
    logical = list(_logical(finding))
    location: dict[str, Any] = {"physicalLocation": physical}
    return location | ({"logicalLocations": logical} if logical else {})


def _logical(finding: Finding) -> Iterable[dict[str, Any]]:
    resource = _text(finding.resource or "")
    pointer = _text(finding.where.pointer) if finding.where else ""
    if resource:
        yield {"name": resource, "kind": "resource"}
    if pointer:
        yield {
            "name": pointer.rpartition("/")[2],
            "fullyQualifiedName": f"{resource}#{pointer}" if resource else pointer,
            "kind": "value",
        }


def _fingerprint(finding: Finding, context: _Context) -> str:
    """The fingerprint with a number that tells equal ones in a file apart."""
    name = context.identify(finding)
    context.seen[_file(finding), name] += 1
    return f"{name}:{context.seen[_file(finding), name]}"


def _fingerprint_of(finding: Finding) -> str:
    """A hash that stays the same when lines, statements and list entries move."""
    pointer = _NUMBER.sub("/*", finding.where.pointer) if finding.where else ""
    # Without its numbers the pointer is ambiguous; the message tells the problems apart.
    parts = (finding.code, finding.resource or "", finding.region or "", pointer, finding.message)
    whole = "\0".join(parts).encode(errors="backslashreplace")
    return hashlib.sha256(whole).hexdigest()[:16]


def _file(finding: Finding) -> str:
    return (finding.where.file if finding.where else None) or ""


class _Places:
    """The files of a log with their numbers, as SARIF names them."""

    def __init__(self, root: str, files: Iterable[str]) -> None:
        self._root = root
        self._numbers = {file: number for number, file in enumerate(dict.fromkeys(files))}

    def artifacts(self) -> list[dict[str, Any]]:
        """The list of files of a run."""
        return [{"location": self._location(file)} for file in self._numbers]

    def location(self, file: str) -> dict[str, Any]:
        """How a result refers to a file."""
        return {**self._location(file), "index": self._numbers[file]}

    def _location(self, file: str) -> dict[str, Any]:
        path = posixpath.normpath(posixpath.join(self._root, file)) if file else NO_FILE
        inside = f"{self._root.rstrip('/')}/" if self._root else ""
        if inside and path.startswith(inside):
            path = path[len(inside) :]
        if path.startswith("/"):
            return {"uri": f"file://{_percent(path)}"}
        return {"uri": _percent(path), "uriBaseId": _ROOT}


@slotted
class _Context:
    """What the results of a log share; `seen` counts equal fingerprints."""

    rule_numbers: Mapping[str, int]
    rule_fixes: Mapping[str, str | None]
    places: _Places
    identify: Callable[[Finding], str]
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)


def _percent(path: str) -> str:
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "backslashreplace")
    quoted = quote(raw, safe="/-._~!$&'()*+,;=@")
    # `quote` has escaped colons: one in the first part would read as a URI scheme.
    return quoted or "."


def _plain(text: str, limit: int = MOST_TEXT) -> str:
    # Even in a plain SARIF message `[text](1)` is a link.
    return _text(text, limit).replace("](", r"\](")


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return escaped(text, limit)


def _paragraphs(why: str, shown: Callable[[str], str]) -> str:
    """What a rule says of itself, its lines joined: other line breaks are escaped, and indented text is code."""
    return "\n\n".join(shown(" ".join(part.split())) for part in why.split("\n\n"))


def _markdown(text: str, limit: int = MOST_TEXT) -> str:
    return _MARKUP.sub(r"\\\1", _text(text, limit))


def _uri(source: str | None) -> str:
    """The address, unable to close a Markdown link; empty unless it is an https address."""
    if not source or not source.startswith("https://"):
        return ""
    return quote(source[:MOST_TEXT], safe="/:?#=&%-._~+,;@!$*", errors="replace")


def _pascal(code: str) -> str:
    """`INVALID_ACTION` in the case that SARIF uses for names: `InvalidAction`."""
    return "".join(part.capitalize() for part in re.split(r"[^0-9A-Za-z]+", code)) or "Rule"


MOST_PATH = 400
"""Characters of a resource used as a path, which GitHub shows as the name of a file."""


def audit_sarif(report: AuditReport) -> Iterator[str]:
    """The failed findings of an audit as results."""
    incomplete = any(finding.status is Status.UNKNOWN for finding in report.findings)
    run = SarifRun(
        version=report.version,
        category=_category(report, incomplete=incomplete),
        incomplete=incomplete,
        whys=report.whys,
        fixes=report.fixes,
        ids=report.named_ids,
        notes=[f"not the whole audit: {note}" for note in report.partial],
        alerts=frozenset({Status.FAIL}),
        identify=identity,
    )
    return sarif(map(_with_path, report.findings), run)


def _category(report: AuditReport, *, incomplete: bool) -> str:
    """An upload closes the alerts of its category that it lacks: each account and version has its own.

    So has each part of an audit: where something was left out or could not be judged, nothing shows that it is mended.
    """
    category = f"audit/{report.account or 'accounts'}/{report.benchmark}"
    if not (incomplete or report.partial or report.some_regions):
        return category
    part = hashlib.sha256("|".join((*report.partial, *report.some_regions)).encode())
    for findings in report.by_account():
        judged = {f"{finding.account} {finding.code}" for finding in findings}
        unknown = {identity(f) for f in findings if f.status is Status.UNKNOWN}
        # Whatever order the accounts were read in: those of a results file are sorted.
        part.update("|".join((*sorted(judged), *sorted(unknown))).encode())
    return f"{category}/part-{part.hexdigest()[:12]}"


def _with_path(finding: Finding) -> Finding:
    """The finding with its resource as a path: GitHub matches alerts by file, and an account has none."""
    service, kind, name = parts_of(finding.resource or "") or ("", "", finding.resource or "")
    parts = (finding.account, finding.region or "global", service, kind, name)
    steps = (step for part in parts if part for step in part.split("/"))
    # `.` and `..` would leave the folder.
    path = "/".join(step for step in steps if step.strip("."))
    if len(path) > MOST_PATH:
        # Long names may share their beginning.
        path = f"{path[:MOST_PATH]}-{identity(finding)}"
    return replace(finding, where=Where(file=f"aws/{path}", line=1))


def policies_sarif(report: PolicyReport) -> str:
    """The problems of policies as results, and unreadable files; other places that were not judged are noted."""
    run = SarifRun(
        version=report.version,
        category=f"policy-{report.action}",
        root=report.root,
        notes=[_note(place) for place in report.skipped if not place.broken],
        titles=report.titles,
        whys=report.whys,
        fixes=report.fixes,
    )
    findings = [finding for policy in report.policies for finding in policy.findings]
    findings += [place.finding for place in report.skipped if place.broken]
    files = [policy.file for policy in report.policies]
    return "".join(sarif([*findings, *report.online], run, files))


def _note(skipped: SkippedPlace) -> str:
    inside = skipped.place if skipped.place != skipped.file else ""
    return f"{' '.join(filter(None, (skipped.file, inside)))} was not judged: {skipped.why}"


FORMAT = ReportFormat(
    name="sarif",
    ending=".sarif",
    language="json",
    used_for="code scanning",
    notes="2.1.0; a result for each failed finding that is not muted; unknown ones, and counts of the rest, "
    "are notifications of the run",
    audit=audit_sarif,
    policies=policies_sarif,
)
