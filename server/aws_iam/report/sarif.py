"""Findings as SARIF 2.1.0, ready for GitHub code scanning.

    severity                              level     security-severity
    critical                              error     9.5
    ERROR, SECURITY_WARNING, high         error     8.0
    WARNING, medium                       warning   5.5
    SUGGESTION, low                       note      3.0
    info                                  note      0.0

Only what fails and is not muted is a result, and what is unknown where the run says so (kind `open`, level `none`):
GitHub opens an alert for every result, whatever its `kind` and its `suppressions` say
(https://github.com/microsoft/PSRule/issues/955, https://github.com/github/codeql-action/issues/1230).
What else could not be judged is a notification of the run, each, and the rest is counted in one.

https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aws_iam.answer import Status
from aws_iam.escape import escaped
from aws_iam.report.clean import FIX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aws_iam.answer import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub refuses a run with more; it shows the worst 5,000 of them."""
MOST_NOTES = 1_000
MOST_TEXT = 1_000
NO_FILE = "stdin"
"""The place of what came from no file: GitHub knows an alert again by its path, so the path stays the same."""

_LEVELS = ("error", "error", "warning", "note", "note")
_SCORES = ("9.5", "8.0", "5.5", "3.0", "0.0")
_ROOT = "%SRCROOT%"
_NUMBER = re.compile(r"/\d+(?=/|$)")
_MARKUP = re.compile(r"([\\*_<>\[\]|])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a report says beside its findings: who made it, and why each rule matters."""

    version: str
    category: str
    """Names this analysis among others of the same commit, whose alerts an upload leaves alone: `policy-validate`."""
    root: str = ""
    """The folder that relative paths start from; an absolute path in it becomes relative."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → why it matters."""
    notes: Sequence[str] = ()
    """What was not judged, and why, beside the unknown findings: a report without results must not look complete."""
    alerts: frozenset[Status] = frozenset({Status.FAIL, Status.UNKNOWN})
    """The statuses that are results."""
    identify: Callable[[Finding], str] | None = None
    """What a finding is known again by; absent: code, resource, place and message."""


def sarif(findings: Sequence[Finding], run: Run, files: Iterable[str] = ()) -> str:
    """The report as JSON text, worst findings first; `files` were read too, whether or not something was found."""
    results = [finding for finding in findings if _is_result(finding, run)]
    shown = sorted(results, key=lambda each: (each.status.rank, each.severity.rank))[:MOST_RESULTS]
    others = [finding for finding in findings if not _is_result(finding, run)]
    rules = _rules(shown)
    places = _Places(run.root, [*files, *(_file(each) for each in shown)])
    book = _Book(
        rules={code: number for number, code in enumerate(rules)},
        places=places,
        identify=run.identify or _identity,
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
                "invocations": [_invocation(others, run.notes, len(results) - len(shown))],
                "artifacts": places.artifacts(),
                "results": [_result(each, book) for each in shown],
            }
        ],
    }
    return json.dumps(log, indent=1) + "\n"


def _is_result(finding: Finding, run: Run) -> bool:
    return finding.status in run.alerts and finding.muted is None


def _driver(run: Run, rules: Mapping[str, Finding]) -> dict[str, Any]:
    return {
        "name": "aws-iam",
        "version": run.version,
        "semanticVersion": run.version,
        "rules": [_rule(rule, run.whys.get(rule.code, "")) for rule in rules.values()],
    }


def _invocation(others: Sequence[Finding], notes: Sequence[str], left_out: int) -> dict[str, Any]:
    open_ = [each for each in others if each.status is Status.UNKNOWN and each.muted is None]
    notes = [*notes, *map(_not_judged, open_)]
    said = notes[:MOST_NOTES]
    if len(notes) > MOST_NOTES:
        said.append(f"{len(notes) - MOST_NOTES:,} more places were not judged")
    if left_out:
        said.append(
            f"{left_out:,} more findings are left out: a report holds the {MOST_RESULTS:,} worst ones"
        )
    told = [_notice("warning", each) for each in said]
    if others:
        told.append(_notice("note", _counted(others)))
    invocation: dict[str, Any] = {"executionSuccessful": True}
    return invocation | ({"toolExecutionNotifications": told} if told else {})


def _notice(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": _plain(text)}}


def _not_judged(finding: Finding) -> str:
    return (
        f"{finding.code} could not be judged: {finding.reason or finding.message or finding.title}"
    )


def _counted(others: Sequence[Finding]) -> str:
    by = Counter("muted" if each.muted is not None else each.status.value for each in others)
    words = (f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(by.items()))
    return f"findings that are no results of this run: {', '.join(words)}"


def _rules(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Each code with its worst finding, in order of the codes, so that equal runs give equal files."""
    worst: dict[str, Finding] = {}
    for finding in findings:
        known = worst.get(finding.code)
        if known is None or finding.severity.rank < known.severity.rank:
            worst[finding.code] = finding
    return dict(sorted(worst.items()))


def _rule(finding: Finding, why: str) -> dict[str, Any]:
    title = _text(finding.title or finding.code)
    parts = [part for part in (_text(why), _text(finding.fix or "", FIX_LIMIT)) if part]
    described: dict[str, Any] = {
        "id": escaped(finding.code),
        "name": _pascal(finding.code),
        "shortDescription": {"text": title},
        "fullDescription": {"text": _text(why) or title},
        "help": {"text": "\n\n".join(parts) or title, "markdown": _help(finding, why)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity.rank]},
        "properties": {
            "tags": ["security", "aws", "iam"],
            "security-severity": _SCORES[finding.severity.rank],
            "precision": "medium" if finding.confidence == "low" else "high",
            "severity": finding.severity.value,
        },
    }
    return described | ({"helpUri": uri} if (uri := _uri(finding.source)) else {})


def _help(finding: Finding, why: str) -> str:
    uri = _uri(finding.source)
    fix = f"**Fix:** {_markdown(finding.fix, FIX_LIMIT)}" if finding.fix else ""
    parts = (f"**{_markdown(finding.title or finding.code)}**", _markdown(why), fix)
    return "\n\n".join([*filter(None, parts), *([f"[Source]({uri})"] if uri else [])])


def _result(finding: Finding, book: _Book) -> dict[str, Any]:
    failed = finding.status is Status.FAIL
    result: dict[str, Any] = {
        "ruleId": escaped(finding.code),
        "ruleIndex": book.rules[finding.code],
        "kind": "fail" if failed else "open",
        "level": _LEVELS[finding.severity.rank] if failed else "none",
        "message": {"text": _message(finding)},
        "locations": [_location(finding, book.places)],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding, book)},
    }
    properties = _properties(finding)
    return result | ({"properties": properties} if properties else {})


def _message(finding: Finding) -> str:
    text = finding.message or finding.title or finding.code
    if finding.status is Status.FAIL and finding.message and finding.title:
        text = f"{finding.title}: {finding.message}"
    return _plain(f"{text} ({finding.reason})" if finding.reason else text)


def _properties(finding: Finding) -> dict[str, Any]:
    named = ("resource", "region", "account", "confidence", "change")
    found = {name: getattr(finding, name) for name in named}
    texts = {name: _text(value) for name, value in found.items() if value}
    controls = {
        escaped(version): escaped(number) for version, number in (finding.controls or {}).items()
    }
    return texts | ({"controls": controls} if controls else {})


def _location(finding: Finding, places: _Places) -> dict[str, Any]:
    where = finding.where
    # GitHub asks for a line in every location; the first one stands for the whole file.
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


def _fingerprint(finding: Finding, book: _Book) -> str:
    """The identity; equal ones are counted."""
    name = book.identify(finding)
    book.seen[_file(finding), name] += 1
    return f"{name}:{book.seen[_file(finding), name]}"


def _identity(finding: Finding) -> str:
    """The same for the same problem after lines, statements and list entries moved."""
    pointer = _NUMBER.sub("/*", finding.where.pointer) if finding.where else ""
    # The message tells apart what the pointer without its numbers no longer does.
    parts = (finding.code, finding.resource or "", finding.region or "", pointer, finding.message)
    whole = "\0".join(parts).encode(errors="backslashreplace")
    return hashlib.sha256(whole).hexdigest()[:16]


def _file(finding: Finding) -> str:
    return (finding.where.file if finding.where else None) or ""


class _Places:
    """The files of a report, numbered, and each as SARIF names it."""

    def __init__(self, root: str, files: Iterable[str]) -> None:
        self._root = root
        self._numbers = {file: number for number, file in enumerate(dict.fromkeys(files))}

    def artifacts(self) -> list[dict[str, Any]]:
        """The files as the run lists them."""
        return [{"location": self._named(file)} for file in self._numbers]

    def location(self, file: str) -> dict[str, Any]:
        """A file where a result names it."""
        return {**self._named(file), "index": self._numbers[file]}

    def _named(self, file: str) -> dict[str, Any]:
        path = posixpath.normpath(posixpath.join(self._root, file)) if file else NO_FILE
        inside = f"{self._root.rstrip('/')}/" if self._root else ""
        if inside and path.startswith(inside):
            path = path[len(inside) :]
        if path.startswith("/"):
            return {"uri": f"file://{_percent(path)}"}
        return {"uri": _percent(path), "uriBaseId": _ROOT}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """What the results of a run share: the numbers of the rules, the places, and how often a problem came."""

    rules: Mapping[str, int]
    places: _Places
    identify: Callable[[Finding], str]
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)


def _percent(path: str) -> str:
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "backslashreplace")
    quoted = quote(raw, safe="/-._~!$&'()*+,;=@")
    # A colon in the first part would make it a scheme; `quote` has escaped it.
    return quoted or "."


def _plain(text: str) -> str:
    # `[text](1)` would be a link in a plain SARIF message; a message without arguments has no placeholders.
    return _text(text).replace("](", r"\](")


def _text(text: str, limit: int = MOST_TEXT) -> str:
    return escaped(text, limit)


def _markdown(text: str, limit: int = MOST_TEXT) -> str:
    return _MARKUP.sub(r"\\\1", _text(text, limit))


def _uri(source: str | None) -> str:
    """The address as a link that nothing in it can close; sections of our own pages are none."""
    if not source or not source.startswith("https://"):
        return ""
    return quote(source[:MOST_TEXT], safe="/:?#=&%-._~+,;@!$*", errors="replace")


def _pascal(code: str) -> str:
    """`INVALID_ACTION` as SARIF likes names: InvalidAction."""
    return "".join(part.capitalize() for part in re.split(r"[^0-9A-Za-z]+", code)) or "Rule"
