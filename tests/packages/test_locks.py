"""The locked requirements are in step with pyproject.toml, and what their check and the look for advisories say is so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import advisories
import lock
import lock_npm
import pytest
import yaml

from helpers import workload_validators
from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(lock.FOLDER.glob("*.txt"))}


def test_every_file_is_in_step_with_pyproject() -> None:
    assert set(TEXTS) == {file.name for file in lock.LOCKS}
    assert list(lock.problems(TEXTS, lock.pyproject())) == []


def test_no_file_names_an_index_or_an_address() -> None:
    for name, text in TEXTS.items():
        found = re.findall(r"(?m)^\s*-(?!-hash=).*|\w+://\S+", re.sub(r"#.*", "", text))
        assert found == [], name
        # In notes, too: where somebody wrote the file is nobody's business.
        assert not re.search(r"\w+://|(?:^|\s)/\w", text), name


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        changed = re.sub(old, new, text, flags=re.MULTILINE)
        assert changed != text
        return changed

    return change


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("run.txt", replaced(r"^boto3==\S+", "boto3==2.0.0"), "run.txt: boto3 2.0.0 is not `boto3<2,>=1.41`"),
        ("run.txt", replaced(r"^anyio==\S+", "anyio==0.0.1"), "run.txt: anyio is 0.0.1, elsewhere "),
        ("run.txt", replaced(r"^rich==.*\n( .*\n)+", ""), "run.txt: rich is missing"),
        ("run.txt", replaced(r"^rich==", "rich>="), "is not one version"),
        ("run.txt", replaced(r"(?<=^idna==)\S+", "3.*"), "`idna==3.*` is not one version"),
        ("dev.txt", replaced(r"^(zipp==.*) \\\n( +--hash.*\n)+", r"\1\n"), "zipp has no SHA-256"),
        ("node.txt", replaced("sha256:", "md5:"), "has no SHA-256"),
        ("emulator.txt", lambda text: f"--index-url https://example.org\n{text}", "pins nothing"),
        ("dev.txt", replaced(r"^anyio==(.|\n)*?# via\n", r"\g<0>    #   aws-iam-mcp (pyproject.toml:dev)\n"), "dev.txt: anyio is no longer in pyproject.toml"),
        ("build.txt", lambda _: "", "build.txt: hatchling is missing"),
    ],
)  # fmt: skip
def test_what_is_not_in_step_is_named(file: str, change: Callable[[str], str], said: str) -> None:
    found = list(lock.problems(TEXTS | {file: change(TEXTS[file])}, lock.pyproject()))
    assert any(said in text for text in found), found


def test_a_dependency_that_comes_or_goes_is_named() -> None:
    declared = lock.pyproject()
    project = declared["project"]
    added = declared | {"project": project | {"dependencies": [*project["dependencies"], "zope"]}}
    assert "run.txt: zope is missing" in set(lock.problems(TEXTS, added))
    kept = [row for row in project["dependencies"] if not row.startswith("rich")]
    removed = declared | {"project": project | {"dependencies": kept}}
    assert "run.txt: rich is no longer in pyproject.toml" in set(lock.problems(TEXTS, removed))


@pytest.mark.parametrize("folder", lock_npm.FOLDERS, ids=lambda folder: folder.name)
def test_what_comes_from_npm_is_locked_by_hash_without_an_address(folder: Path) -> None:
    declared, locked = lock_npm.read(folder)
    assert list(lock_npm.problems(declared, locked)) == []
    # Without this npm writes the address of its registry into the lock.
    assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text().splitlines()
    [installed] = re.findall(r"for folder in (.+);", (ROOT / ".ci/run").read_text())
    assert folder.name in installed.split()


@pytest.mark.parametrize(
    ("declared", "package", "said"),
    [
        ({"a": "1.0.1"}, {"version": "1.0.0", "integrity": "sha512-x"}, "not in step with package.json"),
        ({"a": "1.0.0"}, {"version": "1.0.0"}, "node_modules/a has no SHA-512"),
        ({"a": "1.0.0"}, {"version": "1.0.0", "integrity": "sha1-x"}, "node_modules/a has no SHA-512"),
        ({"a": "1.0.0"}, {"version": "1.0.0", "integrity": "sha512-x", "resolved": "https://example.org"}, "node_modules/a names an address"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_lock_of_npm_is_named(
    declared: dict[str, str], package: dict[str, str], said: str
) -> None:
    locked = {"packages": {"": {"dependencies": {"a": "1.0.0"}}, "node_modules/a": package}}
    assert list(lock_npm.problems({"dependencies": declared}, locked)) == [said]


def test_workflows_makefile_and_image_install_by_hash_only() -> None:
    """Two places are free on purpose: the demonstration, and the catalogue that nobody but a maintainer builds."""
    ours = [ROOT / name for name in ("Makefile", "Dockerfile", ".ci/run")]
    of_others = [ROOT / "assets/deploy/gitlab-review.yml", *(ROOT / ".github").rglob("*.yml")]
    files = [*ours, *of_others]
    free = [
        f"{path.name}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(
            r"\bpip\S*( --python \S+)? (install|wheel) |\bnpm (i|install|exec)\b|\bnpx\b", line
        )
        if "--require-hashes" not in line and "--no-deps" not in line
    ]
    assert free == [
        "Makefile: $(BIN)/pip install --quiet --group catalog",
        "Makefile: $(BIN)/pip install --quiet --editable . --group demo",
    ]


@pytest.mark.validator
def test_dependabot_takes_its_settings() -> None:
    text = (ROOT / ".github/dependabot.yml").read_text(encoding="utf-8")
    workload_validators.schema_of("dependabot")(text)
    workload_validators.run("zizmor", "--offline", "--no-progress", str(ROOT / ".github"))


def test_dependabot_proposes_newer_actions_bases_and_packages() -> None:
    text = (ROOT / ".github/dependabot.yml").read_text(encoding="utf-8")
    updates = yaml.safe_load(text)["updates"]
    of = {row["package-ecosystem"]: row for row in updates}
    assert of.keys() == {"pip", "npm", "github-actions", "docker"}
    for row in updates:
        assert row["schedule"]["interval"] == "weekly"
        assert row["cooldown"]["default-days"] >= 7
        [group] = row["groups"].values()
        assert group["patterns"] == ["*"]
        folders = row.get("directories") or [row["directory"]]
        assert all(folder == "/" or list(ROOT.glob(folder.strip("/"))) for folder in folders)


def package(name: str, *advisories_found: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": list(advisories_found)}


BAD = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"]}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "lines", "statuses"),
    [
        ([package("a")], ["1 packages looked up, none with a known vulnerability"], (0, 0)),
        ([package("a", BAD)], ["a 1.0: PYSEC-2026-1, mended in 1.1", "1 packages looked up, some with a known vulnerability"], (1, 1)),
        ([package("a", BAD | {"fix_versions": []})], ["a 1.0: PYSEC-2026-1, mended in no version yet", "1 packages looked up, some with a known vulnerability"], (1, 1)),
        # pip-audit itself says of these that no vulnerability is known.
        ([SKIPPED], ["NOT LOOKED UP: no index of advisories can be reached from here"], (0, 3)),
        ([], ["NOT LOOKED UP: no index of advisories can be reached from here"], (0, 3)),
        ([package("a"), SKIPPED], ["NOT LOOKED UP: b", "1 packages looked up, none with a known vulnerability"], (0, 3)),
        ([package("a", BAD), SKIPPED], ["a 1.0: PYSEC-2026-1, mended in 1.1", "NOT LOOKED UP: b", "1 packages looked up, some with a known vulnerability"], (1, 1)),
    ],
)  # fmt: skip
def test_what_was_not_looked_up_is_never_free_of_vulnerabilities(
    packages: list[dict[str, Any]], lines: list[str], statuses: tuple[int, int]
) -> None:
    found = advisories.Found()
    found.add({"dependencies": packages})
    assert list(found.said()) == [f"advisories: {line}" for line in lines]
    assert (found.status(required=False), found.status(required=True)) == statuses


def test_an_accepted_advisory_is_one_by_any_of_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(advisories.ACCEPTED, "CVE-2026-1", "not called by us")
    found = advisories.Found()
    found.add({"dependencies": [package("a", BAD)]})
    assert found.status(required=True) == 0
