"""Paths of access as GraphML, for networkx, Gephi, yEd and graph databases: http://graphml.graphdrawing.org/specification.html.

access_graphml(report)   →   the text that networkx writes of the graph of the report
"""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from itertools import chain, count
from typing import TYPE_CHECKING

from aws_iam.report.catalogue import ReportFormat
from aws_iam.report.xml_text import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.report.access_report import AccessReport

_MOST_TEXT = 4_000


def access_graphml(report: AccessReport) -> str:
    """Every principal and step of the paths once; `paths` says how many of them use a step."""
    # Imported here: most answers are no graphs.
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(id="access")
    used = Counter(edge for path in report.paths for edge in {step.edge for step in path})
    ids = _ids(dict.fromkeys(id_ for step in report.steps for id_ in (step.start, step.end)))
    for id_, shown in ids.items():
        node = report.nodes[id_]
        texts = {"name": report.name(id_), "kind": node.kind, "account": node.account}
        is_administrator = node.is_administrator or node.kind == "goal"
        graph.add_node(shown, **_cleaned(texts), administrator=is_administrator)
    for number, step in enumerate(report.steps):
        texts = {
            "actions": ", ".join(step.actions),
            "through": ", ".join(step.through),
            "statement": step.statement,
            "conditions": "; ".join(step.conditions),
            "unknown": step.why_unknown,
        }
        start, end = ids[step.start], ids[step.end]
        graph.add_edge(start, end, f"e{number}", **_cleaned(texts), paths=used[step.edge])
    file = BytesIO()
    # Not `write_graphml`, which writes otherwise where lxml happens to be installed.
    nx.write_graphml_xml(graph, file, named_key_ids=True)
    return file.getvalue().decode()


def _ids(nodes: Iterable[str]) -> dict[str, str]:
    """The ids of the nodes: their own, told apart where they look alike without what XML cannot hold."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in nodes:
        text = _text(node)
        numbered = (f"{text}#{number}" for number in count(2))
        found[node] = next(own for own in chain((text,), numbered) if own not in taken)
        taken.add(found[node])
    return found


def _cleaned(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts that say something, as XML can hold them; networkx escapes the markup."""
    return {name: _text(text) for name, text in texts.items() if text}


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
