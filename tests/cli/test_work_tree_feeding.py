"""`policy review` names a changed file that an unchanged policy is made with, and no file that none is made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.files import read_policies
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.git.work_trees import ALL_CLEAR, new_tree, not_judged, reviewed, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ReviewOf = Callable[[dict[str, Any]], dict[str, Any]]

CASES = json.loads((TESTS / "cases/review/feeding.json").read_text(encoding="utf-8"))
UNITS = json.loads((TESTS / "cases/review/terragrunt_units.json").read_text(encoding="utf-8"))
OTHERS = json.loads((TESTS / "cases/review/other_files.json").read_text(encoding="utf-8"))


@pytest.fixture
def review_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> ReviewOf:
    """The answer to what a case changes in a work tree."""

    def review(case: dict[str, Any]) -> dict[str, Any]:
        top = new_tree(tmp_path, {"anything": "", **case["same"], **case["before"]})
        monkeypatch.chdir(top)
        write(top, case["after"])
        return reviewed(capsys, "--base", "main")[1]

    return review


@pytest.mark.process
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_work_tree_names_what_was_not_judged_with_a_file(
    case: dict[str, Any], review_of: ReviewOf
) -> None:
    answer = review_of(case)
    assert list(not_judged(answer)) == case["not_judged"]
    assert answer["summary"].startswith(ALL_CLEAR) is not bool(case["not_judged"])
    assert all(name in answer["summary"] for name in case["not_judged"])
    assert "findings" not in answer


@pytest.mark.process
@pytest.mark.parametrize("case", UNITS, ids=lambda case: case["name"])
def test_what_the_inputs_of_a_unit_of_terragrunt_do_is_judged(
    case: dict[str, Any], review_of: ReviewOf
) -> None:
    answer = review_of(case)
    messages = [own.get("message", "") for own in answer["findings"]]
    start = f"with the inputs of `{case['unit']}`: now allows `*` on every resource"
    assert any(own.startswith(start) for own in messages)
    # Without any inputs a value of the module is not known.
    assert bool(not_judged(answer)) is case.get("open", False)


@pytest.mark.process
@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case["name"])
def test_what_a_file_takes_from_another_one_is_judged_with_it(
    case: dict[str, Any], review_of: ReviewOf
) -> None:
    answer = review_of(case)
    assert all(text in answer["summary"] for text in case.get("says", ()))
    assert not any(text in answer["summary"] for text in ("Not judged", *case.get("silent", ())))
    assert answer["summary"].startswith(ALL_CLEAR) is not bool(case.get("says"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_two_folders_are_reviewed_alike(case: dict[str, Any], tmp_path: Path) -> None:
    sides = {}
    beside = {"z.json": '{"Version": "2012-10-17", "Statement": []}'}
    for name, side in (("document", "after"), ("baseline", "before")):
        folder = tmp_path / side
        write(folder, {**beside, **case["same"], **case[side]})
        sides[name] = read_policies(name, [str(folder)])
    answer = tool.run({"action": "review", **sides})
    # What holds no policy by its ending is not read from a folder: the file itself, what reads it, Helm's named templates.
    endings = (".hcl", ".toml", ".js", ".ini")
    is_whole = not any(name.endswith((".tpl", ".hcl", ".ini")) for name in case["same"])
    sides_of = [{**case["same"], **case[side]} for side in ("after", "before")]

    def is_known(name: str) -> bool:
        if any("iam::aws:policy/" in (side.get(name) or "") for side in sides_of):
            return True
        return is_whole and not name.endswith(endings)

    told = [row["place"] for row in answer.facts.get("not_judged", ())]
    known = list(filter(is_known, case["not_judged"]))
    assert [name.removeprefix(f"{tmp_path}/after/") for name in told] == known


@pytest.mark.process
def test_very_many_files_of_variables_are_named_untried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = next(own for own in CASES if own["name"] == "variables for something else")
    top = new_tree(tmp_path, case["same"])
    monkeypatch.chdir(top)
    write(top, {f"env/{n:02}.tfvars": 'size = "l"\n' for n in range(22)})
    _, answer = reviewed(capsys, "--base", "main")
    assert " and ".join(not_judged(answer)) == "env/20.tfvars and env/21.tfvars"
    assert "too many" in str(not_judged(answer))
