"""What every test may rely on: no cache and no credentials of the developer's own."""

from __future__ import annotations

import gc
import os
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from demo_account.record import MOMENT
from demo_account.served import served_once
from helpers.command.without_iris import without_iris
from helpers.processes.compiled_together import compile_part
from helpers.sdk.made_once import make_once
from helpers.tables.examples import PROFILE, examples

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

# How long an example takes says more about the machine than about the code; an example that failed belongs in a test.
# The suite draws the same examples each time, so that a change fails for what it does; `search` draws new ones, and more.
_SAME = {"deadline": None, "database": None, "derandomize": True}
settings.register_profile("suite", **_SAME, max_examples=examples(30))
settings.register_profile("ci", **_SAME, max_examples=30)
settings.register_profile("search", deadline=None, database=None)
settings.load_profile(PROFILE)
if PROFILE != "search":
    # Otherwise the numbers and texts in all modules that a process has loaded would change the examples, and reading these
    # modules takes each process seconds.
    providers._get_local_constants = cache(Constants)  # noqa: SLF001

# Moto's own images, over a thousand in each Region of each account: half a second, and nobody asks for them.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

without_iris()

make_once()

NO_SKIPS = "AWS_IAM_NO_SKIPS"
"""Set by `.ci/run`, which installs every program: a test that is skipped there has not been run."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001 - the hook's own name
    call: pytest.CallInfo[None],  # noqa: ARG001
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test fails where every program is installed, with the reason for which it was skipped."""
    report = yield
    if report.skipped and os.environ.get(NO_SKIPS):
        report.outcome = "failed"
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{why}\n{NO_SKIPS} is set: no test may be skipped"
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    """A property draws hundreds of examples: `make quick` leaves it out with what grows."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker(pytest.mark.growth)


def pytest_sessionstart(session: pytest.Session) -> None:
    """One of several processes compiles its part of what a fresh clone lacks."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        parts = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        compile_part(session.config, int(worker.removeprefix("gw")), parts)


# What the thousands of tests are made of stays to the end: the collector need not walk through it again and again.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on there is garbage: what a test leaves."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, *gc.get_threshold()[1:])


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that no test has seen, and that are not there until one makes them."""
    base = tmp_path_factory.getbasetemp()
    return (base / f"home-{number}" for number in count())


@pytest.fixture(scope="session")
def live_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment that leads to the demonstration account as of its record's day; to be read, never changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with served_once(shared / "live-account", "--at", MOMENT.isoformat()) as settings:
        yield settings


@pytest.fixture(autouse=True)
def _nothing_of_the_developers(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """A refreshed catalogue or an AWS profile on this machine must not change a result."""
    home = next(_homes)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "no-credentials"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
