"""An answer as lines of text for a chat, a pipe and a log, complete without the structured form.

`markdown` is for readers that render it, `plain` for those that do not; the lines are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status
from aws_iam.engine.reference.frameworks import in_short
from aws_iam.escape import visible
from aws_iam.report import markup
from aws_iam.report.control_lines import control_lines, framework_of, is_audit, other_controls
from aws_iam.report.next_calls import as_call, as_command
from aws_iam.report.order import by_statement
from aws_iam.report.said_once import facts_to_show, needs_counts, with_fixes_once
from aws_iam.wording import counted, separated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.answer import Answer, Artifact, Comparison, Decision, Finding
    from aws_iam.engine.reference.frameworks import Framework
    from aws_iam.report.next_calls import InWords

    Inline = Callable[[str], str]


def markdown(answer: Answer) -> str:
    """Markdown; text from an account cannot become a link, an image, a table cell or HTML."""
    more = "call again with the same arguments and `cursor`: `{}`"
    lines = _lines(answer, markup.escaped_markup, as_call, more)
    return "\n".join(lines).strip() + "\n"


def plain(answer: Answer, in_words: InWords = as_command, *, full: bool = True) -> str:
    """The same lines for the command line, without Markdown escapes; `in_words` writes a next call as a command.

    Of an audit that is not `full` there is one line for each control, without resources and fixes.
    """
    if not full and is_audit(answer):
        lines = _audit_lines(answer, in_words)
    else:
        lines = _lines(answer, str, in_words, MORE_ON_THE_COMMAND_LINE)
    return "\n".join(lines).strip() + "\n"


MORE_ON_THE_COMMAND_LINE = "repeat the command with `--detail full` for everything"


def _audit_lines(answer: Answer, in_words: InWords) -> Iterator[str]:
    yield answer.summary
    yield from _facts(facts_to_show(answer), str)
    yield ""
    for line in control_lines(answer):
        head = f"{line.id_in_words} {line.status.value} {line.severity.value}"
        yield f"- {head}: {line.what} ({line.key}); {line.how_many}"
    left = other_controls(answer)
    yield f"\n{left}; `--detail full` shows resources and fixes." if left else ""
    for artifact in answer.artifacts:
        yield from _artifact(artifact, str)
    yield from _next(answer, str, in_words)
    yield f"\nData as of {answer.as_of}."


def _lines(answer: Answer, inline: Inline, in_words: InWords, more: str) -> Iterator[str]:
    """The lines; `more` says how to get the rest of a page, with a place for its cursor."""
    # The verdict and the problems come first: the tables of facts may be long.
    yield inline(answer.summary)
    if answer.decision:
        yield from _decision(answer.decision, answer.summary, inline)
    if answer.comparison:
        yield from _comparison(answer.comparison, inline)
    yield from _findings(answer, inline)
    yield from _facts(facts_to_show(answer), inline)
    for artifact in answer.artifacts:
        yield from _artifact(artifact, inline)
    yield from _list("Sources", answer.sources, inline)
    yield from _next(answer, inline, in_words)
    if answer.as_of:
        yield f"\nData as of {inline(answer.as_of)}."
    if answer.next_cursor:
        yield f"\nMore: {more.format(answer.next_cursor)}."


def _next(answer: Answer, inline: Inline, in_words: InWords) -> Iterator[str]:
    if answer.next:
        yield "\nNext:\n"
    for call in answer.next:
        yield f"- {inline(in_words(call))}{f': {inline(call.why)}' if call.why else ''}"


def _facts(facts: Mapping[str, Any], inline: Inline) -> Iterator[str]:
    after_table = True
    for name, value in facts.items():
        # A table starts with a blank line; a list item after anything but a list item needs one too.
        if after_table and not _is_table(value):
            yield ""
        after_table = _is_table(value)
        yield from _fact(name, value, inline)


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(row, dict) for row in value)
    )


def _fact(name: str, value: Any, inline: Inline) -> Iterator[str]:
    label = inline(name.replace("_", " "))
    if _is_table(value):
        yield f"\n{label}:\n"
        yield from _table(list(value), inline)
    elif isinstance(value, dict):
        yield f"- {label}: {_words(value, inline)}"
    else:
        yield f"- {label}: {_cell(value, inline)}"


def _words(value: Mapping[str, Any], inline: Inline) -> str:
    return "; ".join(
        f"{inline(str(key).replace('_', ' '))} {_cell(item, inline)}"
        for key, item in value.items()
    )


def _table(rows: list[dict[str, Any]], inline: Inline) -> Iterator[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if len(columns) == 1:
        yield from (f"- {_cell(row[columns[0]], inline)}" for row in rows)
        return
    yield from markup.table(
        (inline(column.replace("_", " ")) for column in columns),
        ((_cell(row.get(column), inline) for column in columns) for row in rows),
    )


_WORDS: dict[Any, str] = {None: "", True: "yes", False: "no"}


def _cell(value: Any, inline: Inline) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, dict):
        return _words(value, inline)
    if isinstance(value, (list, tuple)):
        text = separated([_cell(item, inline) for item in value])
        return rows_in_words(value, text) or "none"
    return inline(str(value))


LONGEST_CELL = 600
"""The characters of a table within a cell; a longer one is counted."""


def rows_in_words(rows: Sequence[Any], text: str) -> str:
    """The text of a cell, or the number of rows where a table within a table would be too long to read."""
    is_table = any(isinstance(row, dict) for row in rows)
    return counted(len(rows), "row") if is_table and len(text) > LONGEST_CELL else text


def _findings(answer: Answer, inline: Inline) -> Iterator[str]:
    if answer.counts and needs_counts(answer):
        counted = (f"{count} {name}" for name, count in answer.counts.status.items())
        shown = ", ".join(counted) or "none"
        severities = ", ".join(f"{count} {name}" for name, count in answer.counts.severity.items())
        failed = f" (failed: {severities})" if severities else ""
        muted = f", {answer.counts.muted} muted" if answer.counts.muted else ""
        yield f"\nFindings: {shown}{failed}{muted}.\n"
    elif answer.findings:
        yield ""
    for finding in with_fixes_once(by_statement(answer.findings)):
        yield _finding(finding, framework_of(answer), inline)


def _finding(finding: Finding, framework: Framework, inline: Inline) -> str:
    head = f"- {verdict_of(finding)}[{finding.severity.value}] {inline(finding.code)}{control_id(finding, framework)}"
    parts = [f"{head}: {inline(finding.message or finding.title)}"]
    if finding.message and finding.status is not Status.PASS:
        parts[0] = f"{head} {inline(finding.title)}: {inline(finding.message)}"
    place = place_of(finding)
    if place:
        parts.append(f"at {', '.join(map(inline, place))}")
    if finding.reason:
        parts.append(f"reason: {inline(finding.reason)}")
    if finding.muted:
        parts.append(f"muted: {inline(finding.muted)}")
    if finding.change:
        parts.append(finding.change)
    if finding.fix and finding.status in {Status.FAIL, Status.MANUAL}:
        parts.append(f"fix: {inline(finding.fix)}")
    return "; ".join(parts)


def verdict_of(finding: Finding) -> str:
    """The status before the severity; of a problem that is no control's the severity says enough."""
    if finding.status is Status.FAIL and not finding.controls:
        return ""
    return f"{finding.status.value} "


def place_of(finding: Finding) -> list[str]:
    """Where the finding is: resource, Region, place in a document."""
    return [*filter(None, (finding.resource, finding.region, str(finding.where or "")))]


def control_id(finding: Finding, framework: Framework) -> str:
    """The finding's ids in the framework, in brackets; empty when it has none."""
    ids = framework.ids(finding)
    return f" ({framework.short}: {in_short(ids)})" if ids else ""


def _decision(decision: Decision, summary: str, inline: Inline) -> Iterator[str]:
    if decision.outcome not in summary:
        yield f"\nOutcome: {decision.outcome}"
    yield from _list("Decided by", decision.decided_by, inline)
    if decision.blocked_by != decision.decided_by:
        yield from _list("Blocked by", decision.blocked_by, inline)
    yield from _list(
        "Because",
        (f"{b.effect} in {b.layer} {b.policy} {b.pointer}" for b in decision.because),
        inline,
    )
    yield from _list("Missing keys", decision.missing_keys, inline)


def _comparison(comparison: Comparison, inline: Inline) -> Iterator[str]:
    if comparison.relation:
        yield f"\nRelation: {comparison.relation}"
    yield from _list("Assuming", comparison.assuming, inline)
    for title, requests in (
        ("Example requests that show it", comparison.witnesses),
        ("Violations", comparison.violations),
    ):
        if requests:
            yield f"\n{title}:\n"
            yield from (f"- {inline(request_in_words(shown))}" for shown in requests)


def request_in_words(shown: Mapping[str, Any]) -> str:
    """A request of a comparison on one line: whose it is, what it asks for, and by which statements."""
    request = shown["request"]
    context = (f"{key}={_cell(value, str)}" for key, value in request.get("context", {}).items())
    when = [*context, *(f"no {key}" for key in shown.get("absent", ()))]
    parts = [
        f"{shown.get('allowed_by') or shown['of']}: {request['action']} on {request['resource']} by {request['principal']}",
        *([f"with {', '.join(when)}"] if when else []),
        *([f"in {shown['policy']}"] if shown.get("policy") else []),
        *(
            f"{name.replace('_', ' ')} {', '.join(shown[name])}{_of_side(shown, name)}"
            for name in ("granted_by", "denied_by")
            if shown.get(name)
        ),
    ]
    parts += [f"needs {shown['needs']}"] if shown.get("needs") else []
    return "; ".join(parts)


def _of_side(shown: Mapping[str, Any], name: str) -> str:
    """Which of two compared sides a statement is in: the one that allows the request, or the other."""
    if not shown.get("denied_by"):
        return ""
    by_document = shown["allowed_by"] == "document"
    return f" of the {'document' if by_document is (name == 'granted_by') else 'baseline'}"


def _artifact(artifact: Artifact, inline: Inline) -> Iterator[str]:
    checked = f" (checked by {inline(artifact.checked_by)})" if artifact.checked_by else ""
    if artifact.is_withheld:
        full = ", or call again with `detail`: `full`" if _fits_full(artifact) else ""
        where = f"read {inline(artifact.uri)}{full}" if artifact.uri else "`--out PATH` writes it"
        shown = "in part above; for all of it" if artifact.excerpt else "not shown here;"
        yield f"\n{inline(artifact.name)}{checked}: {artifact.bytes:,} bytes, {shown} {where}"
        return
    if artifact.language == "markdown":
        yield f"\n{visible(artifact.content).rstrip()}"
        return
    block = markup.code_block(visible(artifact.content).rstrip(), artifact.language)
    yield f"\n{inline(artifact.name)}{checked}:\n\n{block}"


def _fits_full(artifact: Artifact) -> bool:
    return (artifact.bytes or 0) <= _LONGEST_IN_FULL


# A full page has room for it, whatever stands beside it.
_LONGEST_IN_FULL = 40_000


def _list(title: str, items: Any, inline: Inline) -> Iterator[str]:
    text = "; ".join(map(inline, items))
    if text:
        yield f"\n{title}: {text}"
