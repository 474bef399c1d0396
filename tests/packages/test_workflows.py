"""The project's own workflows: valid, pinned, and with no more rights than they need."""

from __future__ import annotations

import re
from typing import Any

import build_release
import manifests
import pytest
import yaml

from aws_iam.version import __version__
from helpers.folders import ROOT
from helpers.workload_validators import workflow

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RELEASE = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
JOBS: dict[str, Any] = yaml.safe_load(RELEASE)["jobs"]


@pytest.mark.validator
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_taken_by_its_schema_actionlint_and_zizmor(path: Any) -> None:
    workflow(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path: Any) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_is_pinned_to_one_commit_everywhere() -> None:
    files = (*WORKFLOWS, *sorted((ROOT / ".github/actions").rglob("*.yml")), ROOT / "README.md")
    texts = [path.read_text(encoding="utf-8") for path in files]
    commits: dict[str, set[str]] = {}
    for action, commit in re.findall(r"uses: ([\w-]+/[\w.-]+)[\w./-]*@(\S+)", "\n".join(texts)):
        commits.setdefault(action, set()).add(commit)
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


def test_the_release_publishes_without_a_stored_secret_after_all_checks() -> None:
    assert "secrets." not in RELEASE
    assert "password:" not in RELEASE
    assert JOBS["build"]["needs"] == "check"
    assert JOBS["index"]["environment"] == "pypi"
    assert JOBS["index"]["permissions"] == {"id-token": "write"}


def test_what_is_published_is_attested_and_comes_with_its_contents() -> None:
    attested = [
        step["with"]
        for job in JOBS.values()
        for step in job.get("steps", ())
        if step.get("uses", "").startswith("actions/attest@")
    ]
    assert [sorted(given) for given in attested] == [
        ["subject-path"],
        ["sbom-path", "subject-path"],
        ["push-to-registry", "subject-digest", "subject-name"],
    ]
    for job in ("files", "image"):
        assert {"id-token", "attestations"} <= set(JOBS[job]["permissions"])


def test_a_workflow_that_never_ran_says_so_while_nobody_owns_the_name() -> None:
    assert ("IT HAS NEVER RUN" in RELEASE) is not manifests.project().is_published


def test_a_release_is_refused_under_a_placeholder_and_under_another_version() -> None:
    with pytest.raises(SystemExit, match="owner"):
        build_release.require_releasable(f"v{__version__}", owner=manifests.PLACEHOLDER)
    with pytest.raises(SystemExit, match=re.escape(f"v{__version__}")):
        build_release.require_releasable("v0.0.1", owner="octo-org")
    build_release.require_releasable(f"v{__version__}", owner="octo-org")
