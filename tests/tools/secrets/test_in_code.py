"""`secrets check` with code: secrets in plaintext at their places, by names and shapes, and no value anywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.answer import to_json
from aws_iam.cli.command_line import main
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import InputError
from aws_iam.tools.secrets.actions import tool
from aws_iam.tools.secrets.checks.catalogue import CHECKS
from helpers.folders import ROOT, TESTS

if TYPE_CHECKING:
    from pathlib import Path

CASES = json.loads((TESTS / "cases/secrets/in-code.json").read_text(encoding="utf-8"))
# A part of every value in the cases.
VALUE = "Vault7"


def folder(files: dict[str, Any]) -> Files:
    texts = {name: own if isinstance(own, str) else json.dumps(own) for name, own in files.items()}
    return Files(
        files=tuple(File(name=name, text=text) for name, text in texts.items()), folder="x"
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_secret_is_found_at_its_place_and_its_value_is_nowhere(case: dict[str, Any]) -> None:
    answer = tool.run({"action": "check", "document": folder(case["files"])})
    unnamed = list(answer.findings)
    for code, file, line, says in case["found"]:
        met = [
            own
            for own in unnamed
            if own.code == code
            and says in own.message
            and own.where
            and own.where.file == file
            and line in {0, own.where.line}
        ]
        assert met, (code, says, unnamed)
        unnamed.remove(met[0])
    assert unnamed == []
    assert VALUE not in json.dumps(to_json(answer))
    unread = [row["place"] for row in answer.facts.get("not_judged", ())]
    assert unread == case.get("unread", [])
    nothing = case.get("nothing", False)
    assert ("nothing was judged" in answer.summary) is nothing
    assert answer.facts.get("nothing_evaluated", False) is nothing
    assert ("no problem found" in answer.summary) is not (nothing or bool(case["found"]))
    left = nothing or bool(unread) or case.get("others", False)
    assert ("what was judged of" in answer.summary) is left


def test_every_place_has_a_check_of_an_account() -> None:
    places = json.loads((ROOT / "assets/data/plaintext-places.json").read_text(encoding="utf-8"))[
        "places"
    ]
    assert {row["check"] for row in places} <= set(CHECKS)
    assert {row["form"] for row in places} == {"variables", "text", "value"}


def test_the_scope_holds_for_code_and_what_concerns_an_account_is_refused() -> None:
    case = next(own for own in CASES if own["name"] == "CloudFormation and SAM")
    document = folder(case["files"])
    chosen = tool.run({"action": "check", "document": document, "scope": ["lambda"]})
    assert {finding.code for finding in chosen.findings} == {"ENV-LAMBDA"}
    for more in ({"demo": True}, {"trusted": ["111122223333"]}, {"plaintext_values": True}):
        with pytest.raises(InputError, match="cannot be combined"):
            tool.run({"action": "check", "document": document, **more})


def test_one_document_is_checked_as_a_value_and_as_a_text() -> None:
    case = next(own for own in CASES if own["name"] == "serverless.yml with resources")
    (text,) = case["files"].values()
    assert len(tool.run({"action": "check", "document": text}).findings) == len(case["found"])
    template = {
        "Outputs": {"Password": {"Value": f"{VALUE}hunter2!x"}},
        "Resources": {"R": {"Type": "AWS::S3::Bucket"}},
    }
    (found,) = tool.run({"action": "check", "document": template}).findings
    assert found.code == "ENV-STACK"
    with pytest.raises(InputError, match="cannot be read as JSON, YAML or Terraform") as refused:
        tool.run({"action": "check", "document": '{"Type": "AWS::X", "Environment": ' + VALUE})
    assert VALUE not in str(refused.value)


def test_the_command_takes_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[0]
    monkeypatch.chdir(tmp_path)
    for name, text in case["files"].items():
        (tmp_path / name).write_text(text)
    assert main(["secrets", "check", "."], {}) == 1
    said = capsys.readouterr().out
    assert "a.tf" in said
    assert VALUE not in said
    (tmp_path / "bad.json").write_text('{"Type": "AWS::Lambda::Function", ')
    assert (
        main(
            ["secrets", "check", "bad.json", "a.tf", "--fail-on", "never", "--fail-on-unread"], {}
        )
        == 1
    )


@pytest.mark.parametrize(
    "text", ["environment:\n  DB_PASSWORD: x\n", "{}", "[1, 2]", "import os\n", "# Title\n"]
)
def test_one_document_of_another_kind_is_refused_and_never_clean(text: str) -> None:
    with pytest.raises(InputError, match="its secrets are not looked for"):
        tool.run({"action": "check", "document": text})
