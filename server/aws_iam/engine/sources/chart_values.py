"""Templates of Helm with the values of their own chart in them, where those are put in as they stand.

with_values(File("c/templates/p.yaml", "Action: {{ .Values.action }}"), read)   →   File(…, "Action: s3:GetObject")

What a function makes of a value, and one that is no text on one line, stays a hole.
https://helm.sh/docs/chart_template_guide/values_files/
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.files import File

_TEMPLATES, _CHARTS, VALUES = "templates/", "/charts/", "values.yaml"
_PLAIN = re.compile(r"\{\{[ \t]*\$?\.Values((?:\.[A-Za-z_]\w*)+)[ \t]*\}\}")
_SCALARS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})
_LONGEST = 1_000_000


def chart_of(path: str) -> str | None:
    """The folder of the chart that a template belongs to; None for any other file."""
    path = path.replace("\\", "/")
    start, found, _ = f"/{path}".partition(f"/{_TEMPLATES}")
    return start.lstrip("/") if found else None


def has_own_values(chart: str) -> bool:
    """Whether no other chart gives the values: one within another gets them from that one."""
    return _CHARTS not in f"/{chart}/"


def with_values(file: File, read: Callable[[str], str | None] | None) -> File:
    """The template with the values of its chart; any other file as it is."""
    chart = chart_of(file.name)
    if chart is None or read is None or _PLAIN.search(file.text) is None:
        return file
    text = read(f"{chart}/{VALUES}".lstrip("/")) if has_own_values(chart) else None
    return replace(file, text=filled(file.text, text)) if text else file


def filled(template: str, values: str) -> str:
    """The text of a template with the values of a chart in place of the plain references to them."""
    root = _root(values)
    if root is None:
        return template

    def value(found: re.Match[str]) -> str:
        node: Node | None = root
        for step in found[1].split(".")[1:]:
            node = node.member(step) if node is not None else None
        is_plain = node is not None and node.form in _SCALARS and node.text.strip()
        text = node.text if node is not None and is_plain else ""
        # An empty default is to be given, and a text that is itself a template is filled in elsewhere.
        return found[0] if not text or "\n" in text or "{{" in text else text

    return _PLAIN.sub(value, template)


def _root(values: str) -> Node | None:
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    if len(values) > _LONGEST:
        return None
    try:
        roots = scan_yaml(values)
    except InputError:
        return None
    found: Sequence[Node] = roots if isinstance(roots, tuple) else ()
    return found[0] if len(found) == 1 else None
