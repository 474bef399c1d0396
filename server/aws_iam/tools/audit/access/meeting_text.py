"""A text that two wildcard patterns both match."""

from __future__ import annotations

from collections import deque

_FILLER = "x"


def meeting_text(a: str, b: str) -> str | None:
    """One of the shortest such texts; None where there is none. The work grows with the product of the lengths."""
    start = (0, 0)
    came: dict[tuple[int, int], tuple[tuple[int, int], str]] = {}
    seen, waiting = {start}, deque([start])
    while waiting:
        at = waiting.popleft()
        if at == (len(a), len(b)):
            return _text(came, at)
        for step, character in _steps(a, b, *at):
            if step not in seen:
                seen.add(step)
                came[step] = (at, character)
                # A step that writes nothing comes first, so that the text stays short.
                (waiting.append if character else waiting.appendleft)(step)
    return None


def _steps(a: str, b: str, i: int, j: int) -> list[tuple[tuple[int, int], str]]:
    one, other = a[i : i + 1], b[j : j + 1]
    steps = []
    if one == "*":
        steps.append(((i + 1, j), ""))
    if other == "*":
        steps.append(((i, j + 1), ""))
    if one and other:
        if one == "*" and other != "*":
            steps.append(((i, j + 1), _FILLER if other == "?" else other))
        if other == "*" and one != "*":
            steps.append(((i + 1, j), _FILLER if one == "?" else one))
        if "*" not in (one, other) and (one == other or "?" in (one, other)):
            fixed = [own for own in (one, other) if own != "?"]
            steps.append(((i + 1, j + 1), fixed[0] if fixed else _FILLER))
    return steps


def _text(came: dict[tuple[int, int], tuple[tuple[int, int], str]], at: tuple[int, int]) -> str:
    written = []
    while at in came:
        at, character = came[at]
        written.append(character)
    return "".join(reversed(written))
