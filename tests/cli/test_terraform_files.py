"""Files that Terraform names: what the command line reads for its expressions, and what it never reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aws_iam.cli.command_line import main
from aws_iam.cli.files import read_policies
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


TERRAFORM = """
resource "aws_iam_policy" "p" {{
  policy = {}
}}
"""
ADMIN = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


@pytest.fixture
def terraform(tmp_path: Path) -> Path:
    """A folder with a policy outside of it, and ways that lead there."""
    (tmp_path / "outside.json").write_text(ADMIN, encoding="utf-8")
    folder = tmp_path / "infrastructure"
    for hidden in (".hidden", ".terraform"):
        (folder / hidden).mkdir(parents=True)
        (folder / hidden / "admin.json").write_text(ADMIN, encoding="utf-8")
    (folder / "inside.json.tpl").write_text(ADMIN, encoding="utf-8")
    (folder / "link.tpl").symlink_to(tmp_path / "outside.json")
    (folder / "up").symlink_to(tmp_path)
    (folder / "circle.json").symlink_to(folder / "circle.json")
    return folder


@pytest.mark.parametrize("in_folder", [True, False], ids=["folder", "file"])
@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("inside.json.tpl", True),
        ("${path.module}/inside.json.tpl", True),
        ("../infrastructure/./inside.json.tpl", True),
        ("../outside.json", False),
        ("${path.module}/../outside.json", False),
        ("{absolute}", False),
        ("link.tpl", False),
        ("up/outside.json", False),
        (".hidden/admin.json", True),
        (".terraform/admin.json", False),
        ("circle.json", False),
        ("missing.json", False),
        ("inside.json.tpl\\u0000", False),
        ("~/outside.json", False),
    ],
)
def test_terraform_reads_no_file_outside_of_the_folder(
    terraform: Path,
    path: str,
    *,
    in_folder: bool,
    read: bool,
) -> None:
    named = path.replace("{absolute}", str(terraform.parent / "outside.json"))
    main = terraform / "main.tf"
    main.write_text(TERRAFORM.format(f'file("{named}")'), encoding="utf-8")
    document = read_policies("document", [str(terraform if in_folder else main)])
    if read:
        names = [source.name for source in gathered(document).sources]
        assert "aws_iam_policy.p.policy" in names
    elif in_folder:
        found = gathered(document)
        # Read under their own names, as files that look like policies.
        own = [".hidden/admin.json", "inside.json.tpl"]
        assert [source.file for source in found.sources] == [str(terraform / o) for o in own]
        whys = {place.place: place.why for place in found.unread}
        assert whys["aws_iam_policy.p.policy"] == "the document is not known from these files"
    else:
        with pytest.raises(InputError, match="not known from these files"):
            gathered(document)


def test_a_file_of_terraform_that_cannot_be_read_is_no_all_clear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = ADMIN.replace('"*"', '"s3:GetObject"', 1).replace('"*"', '"arn:aws:s3:::b/*"')
    (tmp_path / "main.tf").write_text(TERRAFORM.format(f"<<E\n{sound}\nE\n"), encoding="utf-8")
    words = ["policy", "validate", "--document", str(tmp_path)]
    assert main(words, {}) == 0
    assert capsys.readouterr().out.startswith("No problems found")
    (tmp_path / "broken.tf").write_text('resource "aws_iam_role" "r" {', encoding="utf-8")
    main(words, {})
    said = capsys.readouterr().out
    assert not said.startswith("No problems found in")
    assert "1 place was not judged" in said
    assert "line 1:30: it is not Terraform's language there" in said
    (tmp_path / "broken.tf").write_text('data "aws_iam_policy_document" "r" {', encoding="utf-8")
    assert main(words, {}) == 1
