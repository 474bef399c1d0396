"""Paths of access as a Mermaid flowchart, within what a page that shows it takes by default.

https://mermaid.js.org/config/schema-docs/config.html#maxedges https://mermaid.js.org/config/schema-docs/config.html#maxtextsize
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.escape import escaped
from aws_iam.report.catalogue import ReportFormat
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.report.access_report import AccessNode, AccessReport, Drawn

MOST_EDGES = 500
MOST_CHARACTERS = 50_000
_MOST_LABEL = 120
# Whatever else may mean something in a label: quotes, brackets, `#`, HTML, and the letters of `end` do not.
_MEANS_SOMETHING = re.compile(r"[^A-Za-z0-9 /:._=+,*@-]")
_SHAPES = {
    "goal": '(["{}"])',
    "resource": '[("{}")]',
    "outsider": '{{{{"{}"}}}}',
    "session": '[["{}"]]',
}
_RECTANGLE = '["{}"]'


def access_mermaid(report: AccessReport) -> str:
    """The shortest paths that fit, and how many are left out."""
    # Imported here: a server that starts lists the formats, and writes none.
    from aws_iam.report.access_report import drawn

    most = MOST_EDGES
    while True:
        found = drawn(report, most)
        text = "\n".join(_lines(report, found)) + "\n"
        if len(text) <= MOST_CHARACTERS or not found.steps:
            return text
        most = len(found.steps) * 3 // 4


def _lines(report: AccessReport, found: Drawn) -> Iterator[str]:
    yield "flowchart LR"
    numbers = {node.id: f"n{number}" for number, node in enumerate(found.nodes)}
    for node in found.nodes:
        shape = _SHAPES.get(node.kind, _RECTANGLE)
        yield f"  {numbers[node.id]}{shape.format(_label(report.name(node.id)))}{_class(node)}"
    for step in found.steps:
        arrow = "-.->" if step.why_unknown else "-->"
        label = f"{step.named}{' (unknown)' if step.why_unknown else ''}{' (if)' if step.conditions else ''}"
        yield f'  {numbers[step.start]} {arrow}|"{_label(label)}"| {numbers[step.end]}'
    if found.left_out:
        yield f'  left["{counted(found.left_out, "more path")}"]'
    yield "  classDef admin stroke-width:3px"


def _class(node: AccessNode) -> str:
    return ":::admin" if node.is_administrator or node.kind == "goal" else ""


def _label(text: str) -> str:
    """The text as Mermaid shows it: every other character by its number."""
    return _MEANS_SOMETHING.sub(lambda found: f"#{ord(found[0])};", escaped(text, _MOST_LABEL))


FORMAT = ReportFormat(
    name="mermaid",
    ending=".mmd",
    language="mermaid",
    used_for="a drawing in Markdown",
    notes=f"at most {MOST_EDGES} steps and {MOST_CHARACTERS:,} characters, which is what renderers take: the shortest paths first, and"
    " how many are left out; dotted where it is not known, `(if)` under conditions",
    access=access_mermaid,
)
