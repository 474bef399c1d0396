"""The protocol as its authors test it: their conformance suite in both eras, and their Inspector.

`tests/cases/conformance/not-passed.json` lists what is not passed, and why. Anything else that is not passed fails, and so
does an entry of the list that is passed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from helpers.folders import ROOT, TESTS
from helpers.protocol import programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.conformance

ERAS = ("2026-07-28", "2025-11-25")
SKILL_SCENARIOS = [f"sep-2640-skills-{part}" for part in ("enumeration", "manifest", "directory")]
LISTED = json.loads((TESTS / "cases" / "conformance" / "not-passed.json").read_text("utf-8"))
SERVER = ROOT / "server"

Results = dict[str, dict[str, list[dict[str, Any]]]]
"""The checks by era and scenario."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One run of the suite in each era, and of its scenarios for skills, which no era requires."""
    programs.require()
    folder = tmp_path_factory.mktemp("conformance")
    runs: list[tuple[str, list[str]]] = [(era, ["--requirements", era]) for era in ERAS]
    runs += [
        (ERAS[0], ["--scenario", scenario, "--spec-version", ERAS[0], "--force"])
        for scenario in SKILL_SCENARIOS
    ]

    with conformance_server() as url, ThreadPoolExecutor(2) as pool:

        def conform(run: tuple[str, list[str]]) -> None:
            era, chosen = run
            command = ["server", "--url", url, "-o", folder / era, *chosen]
            programs.run("conformance", *command, home=folder)

        list(pool.map(conform, runs))
    return {era: dict(_checks(folder / era)) for era in ERAS}


@contextmanager
def conformance_server() -> Iterator[str]:
    """The address of the server with fixtures, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, TESTS / "helpers" / "protocol" / "server_with_fixtures.py"],
        env={"PATH": os.defpath, "PYTHONPATH": f"{SERVER}{os.pathsep}{TESTS}"},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr
        try:
            yield server.stderr.readline().strip()
        finally:
            server.terminate()
            server.communicate(timeout=20)


def _checks(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for result in folder.glob("*/checks.json"):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", result.parent.name)
        checks = json.loads(result.read_text("utf-8"))
        yield scenario, [check for check in checks if check["status"] != "INFO"]


@pytest.mark.parametrize("era", ERAS)
def test_every_scenario_is_passed_or_listed_with_the_reason(results: Results, era: str) -> None:
    not_passed = {
        f"{scenario}:{check['id']}": f"{check['status']} {check.get('errorMessage', '')}"
        for scenario, checks in results[era].items()
        for check in checks
        if check["status"] != "SUCCESS"
    }
    listed = {name for entry in LISTED if entry["era"] == era for name in entry["not_passed"]}
    unlisted = {
        name: reason
        for name, reason in not_passed.items()
        if name not in listed and name.partition(":")[0] not in listed
    }
    names = {*not_passed, *(name.partition(":")[0] for name in not_passed)}
    assert (unlisted, listed - names) == ({}, set())


@pytest.mark.parametrize("era", ERAS)
def test_every_scenario_of_the_era_has_run(results: Results, era: str) -> None:
    path = programs.CONFORMANCE / "requirements" / f"{era}.yaml"
    wanted = yaml.safe_load(path.read_text("utf-8"))
    others = [other["scenario"] for other in wanted["not_scored"] if other["leg"] == "server"]
    checked = {scenario for scenario, checks in results[era].items() if checks}
    assert {*wanted["server"], *others} - checked == set()


def test_the_skill_passes_every_check_of_the_extension(results: Results) -> None:
    for scenario in SKILL_SCENARIOS:
        statuses = [check["status"] for check in results[ERAS[0]][scenario]]
        assert statuses, scenario
        assert set(statuses) == {"SUCCESS"}, scenario


CALL = ("--method", "tools/call", "--tool-name", "policy", "--tool-args-json")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("--method", "tools/list", "--strict"), '"name":"audit"'),
        (
            ("--method", "tools/list", "--app-info", "--advertise-apps"),
            '"hasApp":true,"toolName":"audit","resourceUri":"ui://aws-iam/audit"',
        ),
        (("--method", "skills/list", "--verify", "--require-digests"), "skill://aws-iam/"),
        ((*CALL, '{"action": "lookup", "query": "s3:GetObject"}'), '"action":"lookup"'),
    ],
    ids=["schemas", "app", "skill", "call"],
)
def test_the_inspector_takes_what_the_server_gives(
    tmp_path: Path, arguments: tuple[str, ...], shown: str
) -> None:
    server = ("-e", f"PYTHONPATH={SERVER}", sys.executable, "-m", "aws_iam", "serve")
    options = ("--protocol-era", "modern", "--format", "json", "--quiet")
    done = programs.run("mcp-inspector", "--cli", *server, *arguments, *options, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
