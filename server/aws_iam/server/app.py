"""The view of `audit` for hosts that show MCP Apps (SEP-1865): one HTML document that draws the tool's answers.

Hosts find it by the tool's metadata. Others ignore that, and lose nothing: an answer is complete without the view.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from mcp import types
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from aws_iam.version import __version__

URI = "ui://aws-iam/audit"
EXTENSIONS: dict[str, dict[str, Any]] = {EXTENSION_ID: {}}
_TOOL = "audit"
# No `csp`: the document loads nothing, so the strictest policy, the default, is the right one.
_STYLES = ("shared.css", "app/view.css")
_PARTS = (
    "elements",
    "host",
    "answer",
    "asking",
    "overview",
    "findings",
    "details",
    "paths",
    "page",
)
_META = {"ui": {"prefersBorder": True, "permissions": {"clipboardWrite": {}}}}


def tool_metadata(tool: str) -> dict[str, Any] | None:
    """What the tool's entry says of its view; None if it has none."""
    return {"ui": {"resourceUri": URI}} if tool == _TOOL else None


def listing() -> types.Resource:
    """The view as `resources/list` shows it."""
    return types.Resource(
        uri=URI,
        name="audit-view",
        title="Audit view",
        description="Shows what `audit` answers, in hosts of MCP Apps",
        mime_type=APP_MIME_TYPE,
        _meta=_META,
    )


def contents() -> types.TextResourceContents:
    """The view as `resources/read` gives it."""
    return types.TextResourceContents(
        uri=URI, mime_type=APP_MIME_TYPE, text=document(), _meta=_META
    )


@cache
def document() -> str:
    """The HTML document, put together from `assets/report/`: no step builds it."""
    from aws_iam.report.html_templates import html_templates, own_files

    style, style_hash = own_files(*_STYLES)
    script, script_hash = own_files("shared.js", *(f"app/{part}.js" for part in _PARTS))
    template = html_templates().get_template("app/view.html.j2")
    return template.render(
        style=style,
        style_hash=style_hash,
        script=script,
        script_hash=script_hash,
        version=__version__,
    )
