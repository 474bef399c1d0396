"""Where each step needs one thing alone, as assuming roles does, the search is that of a graph: networkx says the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import arn, facts_of, snapshot

ROLES = 14
numbers = st.integers(0, ROLES - 1)
edges = st.sets(st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1]), max_size=30)
NOBODY = {"Service": "lambda.amazonaws.com"}


def role(number: int, trusted: list[int], administrators: set[int]) -> dict[str, object]:
    trust: object = {"AWS": [arn(f"role/r{other}") for other in trusted]} if trusted else NOBODY
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    return {
        "name": f"r{number}",
        "trust": [{"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}],
        "inline": [everything] if number in administrators else [],
    }


@given(edges, st.sets(numbers, min_size=1, max_size=2))
def test_chains_of_roles_are_the_shortest_paths_of_their_graph(
    trusts: set[tuple[int, int]], administrators: set[int]
) -> None:
    graph = nx.DiGraph(trusts)
    graph.add_nodes_from(range(ROLES))
    # A path ends at the first administrator, so none goes through one.
    graph.remove_edges_from(list(graph.out_edges(administrators)))
    far = nx.multi_source_dijkstra_path_length(graph.reverse(), administrators)
    roles = [
        role(number, [one for one, other in sorted(trusts) if other == number], administrators)
        for number in range(ROLES)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts_of({"roles": roles})), file)
        told = tool.run({"action": "access", "to": "admin", "snapshot": str(file)}, cli=True).facts
    verdicts = {row["principal"]: row["verdict"] for row in told["principals"]}
    assert verdicts == {
        arn(f"role/r{number}"): "can_become" if length else "administrator"
        for number, length in far.items()
    }
    lengths: dict[str, int] = {}
    for path in told["paths"]:
        hops = [(hop["from"], hop["to"]) for hop in path["hops"]]
        assert all(graph.has_edge(*(int(own.rpartition("/r")[2]) for own in hop)) for hop in hops)
        start = path["hops"][0]["from"]
        lengths[start] = min(lengths.get(start, len(hops)), len(hops))
    assert lengths == {arn(f"role/r{number}"): length for number, length in far.items() if length}
