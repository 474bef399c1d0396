"""Paths of access as GraphML, for networkx, Gephi, yEd and graph databases: http://graphml.graphdrawing.org/specification.html.

networkx reads it in the tests. It does not write it here: its import alone takes half a second and 19 MB on disk, for thirty
lines that then still have to clean names and tell ids apart.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.xml_text import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.report.access_report import AccessReport

_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
_MOST_TEXT = 4_000
_OF_NODES = {"name": "string", "kind": "string", "account": "string", "administrator": "boolean"}
_OF_EDGES = {
    "actions": "string",
    "through": "string",
    "statement": "string",
    "conditions": "string",
    "unknown": "string",
    "paths": "int",
}


def access_graphml(report: AccessReport) -> str:
    """Every principal and step of the paths once; `paths` says how many of them use a step."""
    root = ET.Element("graphml", xmlns=_NAMESPACE)
    for domain, keys in (("node", _OF_NODES), ("edge", _OF_EDGES)):
        for name, type_ in keys.items():
            key = {"id": f"{domain}_{name}", "for": domain, "attr.name": name, "attr.type": type_}
            ET.SubElement(root, "key", key)
    graph = ET.SubElement(root, "graph", id="access", edgedefault="directed")
    used = Counter(edge for path in report.paths for edge in {step.edge for step in path})
    ids = _ids(dict.fromkeys(id_ for step in report.steps for id_ in (step.start, step.end)))
    for id_, shown in ids.items():
        node = report.nodes[id_]
        values = {
            "name": report.name(id_),
            "kind": node.kind,
            "account": node.account,
            "administrator": str(node.is_administrator or node.kind == "goal").lower(),
        }
        _add(ET.SubElement(graph, "node", id=shown), "node", values)
    for number, step in enumerate(report.steps):
        element = ET.SubElement(
            graph, "edge", id=f"e{number}", source=ids[step.start], target=ids[step.end]
        )
        values = {
            "actions": ", ".join(step.actions),
            "through": ", ".join(step.through),
            "statement": step.statement,
            "conditions": "; ".join(step.conditions),
            "unknown": step.why_unknown,
            "paths": str(used[step.edge]),
        }
        _add(element, "edge", values)
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _ids(nodes: Iterable[str]) -> dict[str, str]:
    """The ids of the nodes: their own, told apart where they look alike without what XML cannot hold."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for number, node in enumerate(nodes):
        shown = _text(node)
        found[node] = shown if shown not in taken else f"{shown}#{number}"
        taken.add(found[node])
    return found


def _add(element: ET.Element, domain: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if value:
            ET.SubElement(element, "data", key=f"{domain}_{name}").text = _text(value)


def _text(value: str) -> str:
    return xml_text(value, _MOST_TEXT)


FORMAT = ReportFormat(
    name="graphml",
    ending=".graphml",
    language="xml",
    used_for="graph tools",
    notes="read by networkx, Gephi, yEd and graph databases; each step once, with its actions, statement and conditions",
    access=access_graphml,
)
