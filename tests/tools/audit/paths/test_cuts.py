"""What to take away first stops most principals, not only most of their paths."""

from __future__ import annotations

from aws_iam.tools.audit.paths.cuts import cuts_of
from aws_iam.tools.audit.paths.hop import Hop, Path


def hop(start: str, end: str, statement: str = "", action: str = "iam:CreateAccessKey") -> Hop:
    return Hop(
        start=start, end=end, actions=(action,), statements=(statement or f"{start} {end}",)
    )


def test_the_step_that_stops_most_comes_before_the_one_that_most_paths_use() -> None:
    busy = hop("a", "x")
    paths = [
        Path(hops=(busy, hop("x", "adm1"))),
        Path(hops=(busy, hop("x", "adm2"))),
        Path(hops=(busy, hop("x", "adm3"))),
        Path(hops=(hop("a", "adm4"),)),
        Path(hops=(hop("b", "adm1"),)),
    ]
    first = cuts_of(paths)[0]
    assert (first.start, first.end, first.closes, first.stops) == ("b", "adm1", 1, 1)
    assert next(cut.stops for cut in cuts_of(paths) if (cut.start, cut.end) == ("a", "x")) == 0


def test_all_that_one_does_to_another_is_one_cut() -> None:
    paths = [
        Path(hops=(hop("a", "x", action=action),))
        for action in ("iam:CreateAccessKey", "iam:CreateLoginProfile")
    ]
    (cut,) = cuts_of(paths)
    assert (cut.actions, cut.closes, cut.stops) == (
        ("iam:CreateAccessKey", "iam:CreateLoginProfile"),
        2,
        1,
    )


def test_a_statement_that_allows_several_steps_is_one_cut() -> None:
    paths = [Path(hops=(hop("a", end, "p /Statement/0"),)) for end in ("x", "y")]
    first = cuts_of(paths)[0]
    assert (first.statement, first.steps, first.closes, first.stops) == ("p /Statement/0", 2, 2, 1)


def test_a_statement_beside_another_one_that_allows_the_same_is_none() -> None:
    own = Hop(start="a", end="x", actions=("sts:AssumeRole",), statements=("p 0", "q 0"))
    other = Hop(start="a", end="y", actions=("sts:AssumeRole",), statements=("p 0", "q 0"))
    assert not any(cut.statement for cut in cuts_of([Path(hops=(own,)), Path(hops=(other,))]))
