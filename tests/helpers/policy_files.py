"""Files of policies for tests: real-looking inputs, templates around a statement, what the findings point at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Policy
from aws_iam.engine.sources.files import File, Files
from aws_iam.rules.policy.run import validate
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

if TYPE_CHECKING:
    from aws_iam.answer import Answer
    from aws_iam.engine.sources.gathered import Gathered

INPUTS = TESTS / "cases/inputs"
ALLOW = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
}


def file(name: str, text: str | None = None) -> Files:
    content = (INPUTS / name).read_text(encoding="utf-8") if text is None else text
    return Files(files=(File(name=name, text=content),))


def judged(document: Any, **more: Any) -> Answer:
    return tool.run({"action": "validate", "document": document, **more})


def places(found: Gathered) -> list[tuple[str, Any, Any]]:
    return [
        (source.name, source.content.kind, source.content.resource_type)
        for source in found.sources
        if isinstance(source.content, Policy)
    ]


def lines(answer: Answer, text: str) -> list[tuple[str, str | None, str]]:
    """Code, place and the line of the file that each finding points at, from its column on."""
    found = []
    for finding in answer.findings:
        assert finding.where is not None
        assert finding.where.line is not None
        assert finding.where.column is not None
        line = text.splitlines()[finding.where.line - 1]
        found.append((finding.code, finding.resource, line[finding.where.column - 1 :]))
    return found


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def template(
    properties: dict[str, Any], type_: str = "AWS::IAM::ManagedPolicy", **more: Any
) -> str:
    return json.dumps({"Resources": {"It": {"Type": type_, "Properties": properties}}, **more})


def in_template(*statements: Any, **more: Any) -> list[str]:
    """The codes of statements in a template's managed policy."""
    text = template({"PolicyDocument": document(*statements)}, **more)
    return [finding.code for finding in validate(text)]
