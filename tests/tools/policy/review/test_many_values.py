"""What a review says where many sets of values change what is allowed."""

from __future__ import annotations

from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool

MODULE = """variable "env" { default = "none" }
locals { actions = { none = "s3:GetObject", %s } }
resource "aws_iam_policy" "p" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = local.actions[var.env], Resource = "*" }] })
}
"""
STAGES = ("dev", "test", "live", "prod", "spare")


def side(action: str) -> Files:
    entries = ", ".join(f'{stage} = "s3:{action}"' for stage in STAGES)
    files = (File(name="tree/m.tf", text=MODULE % entries),)
    return Files(files=files, folder="tree", chosen=True)


def test_the_summary_names_three_sets_and_counts_the_others() -> None:
    sides = {"document": side("DeleteObject"), "baseline": side("GetObject")}
    answer = tool.run({"action": "review", **sides})
    named = [stage for stage in STAGES if f"`var.env` = `{stage}`" in answer.summary]
    assert len(named) == len(STAGES) - 2
    assert "Access changes with 2 more sets of values, too." in answer.summary
    gained = [own.message for own in answer.findings if own.code == "ACCESS_GAINED"]
    assert len(gained) == len(STAGES)
