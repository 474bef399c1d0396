"""A bar on the terminal while something is read."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.kit.tool import Progress


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[Progress | None]:
    """A bar on the terminal, from the first step that is reported: what is answered at once has none."""
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        update: Progress | None = None

        def report(done: int, total: int, text: str) -> None:
            nonlocal update
            if update is None:
                update = stack.enter_context(_bar())
            update(done, total, text)

        yield report


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    # A fixed width keeps the bar in place while names of services and Regions change.
    described = TextColumn("{task.description}", table_column=Column(min_width=24))
    columns = (described, BarColumn(), MofNCompleteColumn())
    # Drawn by each report: nothing in the line moves between two, and no step is passed over.
    with Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, text: str) -> None:
            said = escaped(text, 40)
            bar.update(task, completed=done, total=total, description=said, refresh=True)

        yield update
