"""An answer on a terminal (with rich): verdict and worst first, tables between, and on a long one the verdict last too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markdown import Markdown
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from aws_iam.answer import Severity, Status
from aws_iam.escape import visible
from aws_iam.report.answer_text import (
    control_id,
    place_of,
    request_in_words,
    rows_in_words,
    verdict_of,
)
from aws_iam.report.control_lines import (
    control_lines,
    framework_of,
    is_audit,
    other_controls,
    shortened,
)
from aws_iam.report.fix_steps import fix_steps
from aws_iam.report.next_calls import as_command
from aws_iam.report.order import by_statement, by_urgency
from aws_iam.report.said_once import facts_to_show, needs_counts, with_fixes_once
from aws_iam.wording import counted, separated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from aws_iam.answer import Answer, Artifact, Comparison, Decision, Finding
    from aws_iam.engine.reference.frameworks import Framework
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
_SHOWN = (Status.FAIL, Status.UNKNOWN)
_INDENT = 2
_TABLE_OF_CONTROLS = 60
"""The width from which the controls of an audit stand in a table."""


def show(
    answer: Answer, console: Console, in_words: InWords = as_command, *, full: bool = True
) -> None:
    """Print the answer; checks that pass or need manual review only as counts. `in_words` writes a next call as a command.

    Of an audit that is not `full` there is one line for each control, without resources and fixes.
    """
    # Recorded first: the verdict is repeated only where the first lines have left the screen.
    with console.capture() as captured:
        console.print(Text(answer.summary, style="bold"))
        if not full and is_audit(answer):
            _show_facts(answer, console)
            _show_controls(answer, console)
        else:
            _show_findings(answer, console)
            _show_decision(answer.decision, answer.summary, console)
            _show_comparison(answer.comparison, console)
            _show_facts(answer, console)
        for artifact in answer.artifacts:
            _show_artifact(artifact, console)
        _show_list("Sources", answer.sources, console)
        _show_next(answer, console, in_words)
        if answer.as_of:
            console.print(Text(f"Data as of {answer.as_of}.", style="dim"))
        if answer.next_cursor:
            console.print(Text("More: repeat the command with --detail full.", style="bold"))
    text = captured.get()
    console.file.write(text)
    if text.count("\n") > console.height:
        _show_verdict(answer, console)


def _show_verdict(answer: Answer, console: Console) -> None:
    """What matters most, again: the worst finding and the summary."""
    worst = next(
        (f for f in by_urgency(answer.findings) if f.status is Status.FAIL and not f.muted), None
    )
    console.print()
    if worst and worst.code not in answer.summary:
        console.print(_head(worst, framework_of(answer)))
    console.print(Text(answer.summary, style="bold"))


def _show_controls(answer: Answer, console: Console) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    console.print()
    for line in control_lines(answer):
        head = (
            Text(line.id_in_words, style="" if line.number else "dim"),
            Text(line.status.value, style=_STATUS_STYLE[line.status]),
            Text(line.severity.value, style=_SEVERITY_STYLE[line.severity]),
        )
        what = Text.assemble(shortened(line.what), (f" ({line.key}, {line.how_many})", "dim"))
        if console.width < _TABLE_OF_CONTROLS:
            console.print(Text(" ").join(head))
            _show_indented(what, console)
        else:
            table.add_row(*head, what)
    if table.row_count:
        console.print(table)
    if left := other_controls(answer):
        console.print(Text(f"\n{left}; --detail full shows resources and fixes.", style="bold"))


def _show_findings(answer: Answer, console: Console) -> None:
    shown = [finding for finding in answer.findings if finding.status in _SHOWN]
    for finding in with_fixes_once(by_statement(by_urgency(shown))):
        _show_finding(finding, framework_of(answer), console)
    if answer.counts and needs_counts(answer):
        numbers = [f"{n} {name.replace('_', ' ')}" for name, n in answer.counts.status.items()]
        numbers += [f"{answer.counts.muted} muted"] if answer.counts.muted else []
        console.print(Text(f"\n{', '.join(numbers)}", style="bold"))
    elif answer.findings:
        console.print()


def _show_decision(decision: Decision | None, summary: str, console: Console) -> None:
    if decision is None:
        return
    if decision.outcome not in summary:
        _show_fact("outcome", decision.outcome, console)
    because = [f"{b.effect} in {b.layer} {b.policy} {b.pointer}" for b in decision.because]
    for name, values in (
        ("decided_by", decision.decided_by),
        ("blocked_by", () if decision.blocked_by == decision.decided_by else decision.blocked_by),
        ("because", because),
        ("missing_keys", decision.missing_keys),
    ):
        if values:
            _show_fact(name, values, console)


def _show_comparison(comparison: Comparison | None, console: Console) -> None:
    if comparison is None:
        return
    if comparison.relation:
        _show_fact("relation", comparison.relation, console)
    for title, requests in (
        ("Example requests that show it", comparison.witnesses),
        ("Violations", comparison.violations),
    ):
        _show_list(title, tuple(map(request_in_words, requests)), console, wrap=True)
    if comparison.assuming:
        _show_fact("assuming", comparison.assuming, console)


def _show_facts(answer: Answer, console: Console) -> None:
    for name, value in facts_to_show(answer).items():
        _show_fact(name, value, console)


def _show_fact(name: str, value: Any, console: Console) -> None:
    label = name.replace("_", " ")
    if isinstance(value, (list, tuple)) and value and all(isinstance(row, dict) for row in value):
        _show_rows(label, list(value), console)
    elif not _is_empty(value):
        console.print(Text.assemble((f"{label}: ", "dim"), _cell(value)))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)


def _show_rows(title: str, rows: list[dict[str, Any]], console: Console) -> None:
    """A table; rows of one column as a list, and rows too wide for the terminal, or with commands, as blocks of lines."""
    columns = list(dict.fromkeys(key for row in rows for key in row if not _is_empty(row[key])))
    if len(columns) == 1:
        _show_list(title, tuple(_cell(row.get(columns[0])) for row in rows), console, wrap=True)
        return
    table = _table(title, columns, rows)
    needed = sum(_least_width(column, rows) + 3 for column in columns) + 1
    has_commands = any(step.is_copied for row in rows for step in fix_steps(_cell(row.get("fix"))))
    if needed <= console.width and not has_commands:
        console.print(table)
        return
    console.print(Text(f"{title}:", style="bold"))
    for row in rows:
        cells = [
            (column.replace("_", " "), _cell(row.get(column)))
            for column in columns
            if column != "fix"
        ]
        (_, name), *others = cells
        parts = [Text(name, style="bold")] if name else []
        parts += [Text.assemble((f"{label}: ", "dim"), text) for label, text in others if text]
        _show_indented(Text("; ").join(parts), console, bullet="-")
        if fix := _cell(row.get("fix")):
            _show_fix(fix, console)


_WIDEST_WORD = 40


def _least_width(column: str, rows: list[dict[str, Any]]) -> int:
    """The width at which no word of the column is broken, but for very long ones."""
    texts = (column.replace("_", " "), *(_cell(row.get(column)) for row in rows))
    return min(_WIDEST_WORD, max(len(word) for text in texts for word in text.split() or [""]))


def _table(title: str, columns: list[str], rows: list[dict[str, Any]]) -> Table:
    table = Table(
        title=escape(title), title_justify="left", title_style="bold", header_style="dim"
    )
    for column in columns:
        numbers = all(isinstance(row.get(column, 0), (int, float)) for row in rows)
        table.add_column(
            escape(column.replace("_", " ")),
            justify="right" if numbers else "left",
            overflow="fold",
            min_width=_least_width(column, rows),
        )
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(
            f"{str(key).replace('_', ' ')} {_cell(item)}" for key, item in value.items()
        )
    if isinstance(value, (list, tuple)):
        return rows_in_words(value, separated(list(map(_cell, value))))
    return "" if value is None else str(value)


def _head(finding: Finding, framework: Framework) -> Text:
    change = finding.change if finding.change not in {None, "same"} else None
    return Text.assemble(
        (verdict_of(finding), _STATUS_STYLE[finding.status]),
        (f"{change} " if change else "", "bold cyan"),
        "muted " if finding.muted is not None else "",
        (finding.severity.value, _SEVERITY_STYLE[finding.severity]),
        "  ",
        (finding.code, "bold"),
        control_id(finding, framework),
        " ",
        finding.title,
    )


def _show_finding(finding: Finding, framework: Framework, console: Console) -> None:
    console.print()
    console.print(_head(finding, framework))
    if finding.message:
        _show_indented(Text(finding.message), console)
    show_place(place_of(finding), console)
    for label, text in (("why unknown: ", finding.reason), ("muted: ", finding.muted)):
        if text:
            _show_indented(Text.assemble((label, "dim"), text), console)
    if finding.fix and finding.status is Status.FAIL:
        _show_fix(finding.fix, console)


def show_place(parts: list[str], console: Console) -> None:
    """Where the finding is, in lines that fit, and none broken within a word: ARNs get copied."""
    room = console.width - len("  at ")
    joined = ", ".join(parts)
    lines = (
        [joined] if len(joined) <= room else [line for p in parts for line in _words_in(p, room)]
    )
    for number, line in enumerate(filter(None, lines)):
        start = Text("  at " if not number else "     ", style="dim")
        console.print(start.append(line, style="default"), soft_wrap=True)


def _words_in(text: str, room: int) -> Iterator[str]:
    """The text in lines of whole words, which are longer than the room only where a word is."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > room:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _show_fix(fix: str, console: Console) -> None:
    """The words in lines that fit, each command or document whole on a line of its own: these get copied."""
    steps = list(fix_steps(fix))
    if steps and not steps[0].is_copied:
        words = Text.assemble(("fix: ", "dim"), steps.pop(0).text)
        _show_indented(words, console)
    elif len(steps) == 1 and _INDENT + len("fix: ") + len(steps[0].text) <= console.width:
        command = steps.pop().text
        console.print(Text.assemble(" " * _INDENT, ("fix: ", "dim"), command), soft_wrap=True)
    else:
        console.print(Text.assemble(" " * _INDENT, ("fix:", "dim")))
    for step in steps:
        if step.is_copied:
            console.print(Text(f"{'':{2 * _INDENT}}{step.text}"), soft_wrap=True)
        else:
            _show_indented(Text(step.text), console)


def _show_indented(text: Text, console: Console, bullet: str = "") -> None:
    """The text in lines that fit the terminal, all but the bullet indented."""
    for number, line in enumerate(text.wrap(console, console.width - _INDENT)):
        start = "" if number else bullet
        console.print(Text(f"{start:<{_INDENT}}").append_text(line), soft_wrap=True)


def _show_artifact(artifact: Artifact, console: Console) -> None:
    if artifact.is_withheld:
        size = counted(artifact.bytes or 0, "byte")
        shown = "in part above; all of it:" if artifact.excerpt else "not shown here;"
        text = f"{artifact.name}: {size}, {shown} --out PATH writes it"
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


def _show_next(answer: Answer, console: Console, in_words: InWords) -> None:
    """The commands, each with its reason behind it, or below if the line would be too long."""
    if answer.next:
        console.print(Text("Next:", style="dim"))
    for call in answer.next:
        command, reason = f"  {in_words(call)}", f"  # {call.why}" if call.why else ""
        fits = len(command) + len(reason) <= console.width
        # Commands get copied.
        console.print(Text.assemble(command, (reason * fits, "dim")), soft_wrap=True)
        if reason and not fits:
            _show_indented(Text(reason, style="dim"), console)


def _show_list(
    title: str, items: tuple[str, ...], console: Console, *, wrap: bool = False
) -> None:
    if items:
        console.print(Text(f"{title}:", style="dim"))
    for item in items:
        if wrap:
            _show_indented(Text(item), console, bullet="-")
        else:
            # Addresses and commands get copied.
            console.print(Text(f"  {item}"), soft_wrap=True)
