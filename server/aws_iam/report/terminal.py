"""An answer on a terminal: colours, tables, the worst finding first (with rich)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markdown import Markdown
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from aws_iam.answer import Severity, Status
from aws_iam.escape import visible
from aws_iam.report.answer_text import by_statement, control_id, place_of
from aws_iam.report.next_calls import as_command
from aws_iam.report.page import by_urgency
from aws_iam.wording import separated

if TYPE_CHECKING:
    from rich.console import Console

    from aws_iam.answer import Answer, Artifact, Finding
    from aws_iam.report.next_calls import InWords

_SEVERITY_STYLE = {
    Severity.CRITICAL: "bold white on red",
    Severity.ERROR: "bold red",
    Severity.SECURITY_WARNING: "red",
    Severity.HIGH: "red",
    Severity.WARNING: "yellow",
    Severity.MEDIUM: "yellow",
    Severity.SUGGESTION: "cyan",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_STATUS_STYLE = {
    Status.FAIL: "bold red",
    Status.UNKNOWN: "magenta",
    Status.MANUAL: "blue",
    Status.PASS: "green",
    Status.NOT_APPLICABLE: "dim",
}


def show(answer: Answer, console: Console, in_words: InWords = as_command) -> None:
    """Print the answer; checks that pass or need manual review only as counts. `in_words` writes a next call as a command."""
    console.print(Text(answer.summary, style="bold"))
    for name, value in answer.facts.items():
        _show_fact(name, value, console)
    for finding in by_statement(by_urgency(answer.findings)):
        if finding.status not in _SHOWN:
            continue
        _show_finding(finding, str(answer.facts.get("benchmark", "")), console)
    if answer.counts:
        counted = ", ".join(f"{count} {name}" for name, count in answer.counts.status.items())
        counted += f", {answer.counts.muted} muted" if answer.counts.muted else ""
        console.print(Text(f"\n{counted}", style="bold"))
    for artifact in answer.artifacts:
        _show_artifact(artifact, console)
    _show_list("Sources", answer.sources, console)
    calls = [f"{in_words(call)}{f'  # {call.why}' if call.why else ''}" for call in answer.next]
    _show_list("Next", tuple(calls), console)
    if answer.as_of:
        console.print(Text(f"Data as of {answer.as_of}.", style="dim"))
    if answer.next_cursor:
        console.print(Text("More: repeat the command with --detail full.", style="bold"))


_SHOWN = (Status.FAIL, Status.UNKNOWN)


def _show_fact(name: str, value: Any, console: Console) -> None:
    label = name.replace("_", " ")
    if isinstance(value, (list, tuple)) and value and all(isinstance(row, dict) for row in value):
        console.print(_table(label, list(value)))
    else:
        console.print(Text.assemble((f"{label}: ", "dim"), _cell(value)))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(
        title=escape(title), title_justify="left", title_style="bold", header_style="dim"
    )
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for column in columns:
        numbers = all(isinstance(row.get(column, 0), (int, float)) for row in rows)
        table.add_column(
            escape(column.replace("_", " ")),
            justify="right" if numbers else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key} {_cell(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return separated(list(map(_cell, value)))
    return "" if value is None else str(value)


def _show_finding(finding: Finding, benchmark: str, console: Console) -> None:
    console.print(
        Text.assemble(
            "\n",
            (finding.status.value, _STATUS_STYLE[finding.status]),
            (f" {finding.change}" if finding.change not in {None, "same"} else "", "bold cyan"),
            " muted " if finding.muted is not None else " ",
            (f" {finding.severity.value} ", _SEVERITY_STYLE[finding.severity]),
            " ",
            (finding.code, "bold"),
            control_id(finding, benchmark),
            " ",
            finding.title,
        )
    )
    lines = (
        ("", finding.message),
        ("at ", ", ".join(place_of(finding))),
        ("why unknown: ", finding.reason),
        ("muted: ", finding.muted),
        ("fix: ", finding.fix if finding.status is Status.FAIL else None),
    )
    for label, text in lines:
        if label and text:
            # Commands and ARNs get copied: they must not be wrapped.
            console.print(Text.assemble("  ", (label, "dim"), text), soft_wrap=True)
        elif text:
            console.print(Padding(Text(text), (0, 0, 0, 2)))


def _show_artifact(artifact: Artifact, console: Console) -> None:
    if artifact.is_withheld:
        text = f"{artifact.name}: {artifact.bytes:,} bytes, not shown here; --out PATH writes it"
        console.print(Text(f"\n{text}", style="bold"))
        return
    if artifact.language == "markdown":
        console.print(Markdown(visible(artifact.content), hyperlinks=False))
        return
    checked = f" (checked by {artifact.checked_by})" if artifact.checked_by else ""
    console.print(Text(f"\n{artifact.name}{checked}", style="bold"))
    content = visible(artifact.content)
    code = Syntax(content, artifact.language or "text", background_color="default")
    # Code gets copied: its lines must not be wrapped.
    console.print(code.highlight(content), soft_wrap=True)


def _show_list(title: str, items: tuple[str, ...], console: Console) -> None:
    if items:
        console.print(Text(f"{title}:", style="dim"))
    for item in items:
        console.print(Text(f"  {item}"), soft_wrap=True)
