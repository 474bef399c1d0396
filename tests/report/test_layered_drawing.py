"""Where boxes and arrows of a drawing go: every arrow stays within it, also those of circles."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from aws_iam.report.access_report import AccessNode, AccessStep, Drawn
from aws_iam.report.layered_drawing import layered

names = st.sampled_from("abcde")


@given(st.lists(st.tuples(names, names), min_size=1, max_size=8, unique=True))
def test_every_arrow_stays_within_the_drawing(edges: list[tuple[str, str]]) -> None:
    nodes = tuple(AccessNode(id=own, name=own, kind="role") for own in sorted({*sum(edges, ())}))
    steps = tuple(AccessStep(start=one, end=other, actions=("a:B",)) for one, other in edges)
    drawing = layered(Drawn(nodes, steps, (), 0))
    for arrow in drawing.arrows:
        numbers = [float(own) for own in re.findall(r"-?[\d.]+", arrow.curve)]
        for points, limit in ((numbers[::2], drawing.width), (numbers[1::2], drawing.height)):
            first, second, third, last = points
            for at in (share / 20 for share in range(21)):
                rest = 1 - at
                along = (
                    first * rest**3
                    + 3 * second * rest**2 * at
                    + 3 * third * rest * at**2
                    + last * at**3
                )
                assert 0 <= along <= limit, arrow.curve
