"""Values of Terraform's expressions, read as a part of a policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.document import dump as dumped
from aws_iam.engine.sources.gather import gathered
from helpers.tables.each import for_each

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "cases/terraform/expressions.json").read_text(encoding="utf-8")
)["cases"]
POLICY = """
resource "aws_iam_policy" "tested" {{
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "s3:GetObject", Resource = {} }}]
  }})
}}
"""


@for_each(CASES, name=lambda case: case["name"])
def test_an_expression_has_the_value_that_terraform_gives_it(case: dict[str, Any]) -> None:
    found = gathered(case.get("declarations", "") + POLICY.format(case["expression"]))
    source = next(own for own in found.sources if own.name == "aws_iam_policy.tested.policy")
    assert isinstance(source.content, Policy)
    value = json.loads(dumped(source.content))["Statement"][0]["Resource"]
    if case.get("unknown"):
        assert source.unresolved == {"/Statement/0/Resource"}
    else:
        assert value == case["value"]
