"""Who reaches what as one HTML page that works offline: the paths drawn and listed, searched by the page's own script.

The markup is in `assets/report/access.html.j2`; Jinja2 escapes all that it prints, and the page's Content-Security-Policy
allows no script and no style but its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.escape import escaped
from aws_iam.report.access_report import drawn
from aws_iam.report.html_templates import Visible, html_templates, own_files
from aws_iam.report.layered_drawing import BOX_HEIGHT, BOX_WIDTH, layered
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.report.access_report import AccessNode, AccessReport, AccessStep, Drawn, Way

MOST_DRAWN_STEPS, MOST_DRAWN_NODES = 160, 90
"""What a drawing shows before it becomes a tangle; the list below it has every path."""
MOST_LISTED = 2_000
MOST_CUTS = 10
_MOST_NAME = 26
_MOST_TEXT = 2_048


def access_page(report: AccessReport) -> str:
    """The page; of very many paths it lists the shortest and counts the others."""
    style, style_hash = own_files("shared.css", "page.css", "paths.css", "access.css")
    script, script_hash = own_files("page.js", "access.js")
    return (
        html_templates()
        .get_template("access.html.j2")
        .render(
            style=style,
            style_hash=style_hash,
            script=script,
            script_hash=script_hash,
            report=report,
            **path_parts(report, MOST_LISTED),
        )
    )


def path_parts(report: AccessReport, most_listed: int) -> dict[str, Any]:
    """What the templates print of paths: the drawing, the list, the cuts, and what is not judged or not shown."""
    found = drawn(report, MOST_DRAWN_STEPS, MOST_DRAWN_NODES)
    more = report.left_out + max(0, len(report.paths) - most_listed)
    return {
        "drawing": _drawing(report, found),
        "drawing_left_out": _left_out(len(report.paths) - len(found.paths)),
        "cuts": list(_cuts(report)),
        "paths": list(_paths(report, found, most_listed)),
        "paths_left_out": _left_out(more),
        "not_judged": report.not_judged[:most_listed],
    }


def _left_out(number: int) -> str:
    if not number:
        return ""
    return f"{counted(number, 'more path')} {'is' if number == 1 else 'are'} not shown."


def _drawing(report: AccessReport, found: Drawn) -> dict[str, Any] | None:
    if not found.steps:
        return None
    picture = layered(found)
    used: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for number, path in enumerate(found.paths):
        for step in path:
            used.setdefault(step.edge, []).append(number)
    return {
        "width": picture.width,
        "height": picture.height,
        "box_width": BOX_WIDTH,
        "box_height": BOX_HEIGHT,
        "boxes": [
            {
                "x": box.x,
                "y": box.y,
                "kind": "goal" if box.node.is_administrator else box.node.kind,
                "name": _short(box.node.name),
                "full": Visible(escaped(_full(box.node), _MOST_TEXT)),
            }
            for box in picture.boxes
        ],
        "arrows": [
            {
                "curve": arrow.curve,
                "unknown": bool(arrow.step.why_unknown),
                "words": _words(report, arrow.step),
                "paths": " ".join(map(str, used[arrow.step.edge])),
            }
            for arrow in picture.arrows
        ],
    }


def _full(node: AccessNode) -> str:
    """Its id; of a session, which is named by the role and what limits it, the name as well."""
    return f"{node.name}: {node.id}" if node.kind == "session" else node.id


def _short(name: str) -> str:
    shown = escaped(name, _MOST_TEXT)
    return shown if len(shown) <= _MOST_NAME else f"{shown[: _MOST_NAME - 1]}…"


def _words(report: AccessReport, step: AccessStep) -> str:
    return f"{report.name(step.start)} → {report.name(step.end)}: {step.named}"


def _cuts(report: AccessReport) -> Iterator[dict[str, Any]]:
    for cut in report.cuts[:MOST_CUTS]:
        yield {
            "start": report.name(cut.start),
            "end": report.name(cut.end),
            "actions": cut.actions,
            "statement": cut.statement,
            "closes": counted(cut.closes, "path"),
            "stops": counted(cut.stops, "principal"),
        }


def _paths(report: AccessReport, found: Drawn, most_listed: int) -> Iterator[dict[str, Any]]:
    for number, path in enumerate(report.paths[:most_listed]):
        unknown = any(step.why_unknown for step in path)
        given = any(step.conditions for step in path)
        yield {
            "drawn": number if number < len(found.paths) else None,
            "state": "unknown" if unknown else "conditional" if given else "open",
            "start": report.name(path[0].start),
            "steps": [_step(report, step) for step in path],
            "length": counted(len(path), "step"),
            "ends_in_administrator": _ends_in_administrator(report, path),
        }


def _ends_in_administrator(report: AccessReport, path: Way) -> bool:
    end = report.nodes[path[-1].end]
    return end.is_administrator or end.kind == "goal"


def _step(report: AccessReport, step: AccessStep) -> dict[str, Any]:
    return {
        "actions": step.actions,
        "end": report.name(step.end),
        "through": step.through,
        "statement": step.statement,
        "conditions": step.conditions,
        "why_unknown": step.why_unknown,
    }
