"""The policy templates of SAM, expanded as SAM does: `- S3ReadPolicy: {BucketName: !Ref Reports}`.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-templates.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.parsing.made_nodes import moved, placed
from aws_iam.engine.sources.containers.cloudformation_return_values import PSEUDO_PARAMETERS
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.placeholders import Placeholders

_HOLE = re.compile(r"\$\{([^{}]*)\}")


@slotted
class PolicyTemplate:
    """The parameters and the statements, with `${…}` where a parameter or a pseudo parameter stands."""

    name: str
    parameters: tuple[str, ...]
    statements: tuple[Mapping[str, Any], ...]


@cache
def policy_templates() -> Mapping[str, PolicyTemplate]:
    """All templates, by name."""
    rows = resources.data("sam-policy-templates.json")["templates"]
    return {
        row["name"]: PolicyTemplate(
            name=row["name"],
            parameters=tuple(row["parameters"]),
            statements=tuple(row["statements"]),
        )
        for row in rows
    }


def template_name(entry: Node) -> str:
    """The name of the policy template that an entry of `Policies` uses; empty for other entries."""
    if entry.form is Form.OBJECT and len(entry.members) == 1 and not entry.member("Statement"):
        return entry.members[0].key
    return ""


def expanded(entry: Node, placeholders: Placeholders, choices: Mapping[str, str]) -> Node | str:
    """The document that SAM writes for the entry, at its place; or why SAM would write none. `choices` may have account and region."""
    name, given = entry.members[0].key, entry.members[0].value
    template = policy_templates().get(name)
    if template is None:
        near = closest(name, list(policy_templates()))
        likely = f"; did you mean {quoted(near)}?" if near else ""
        return f"SAM has no policy template {quoted(name)} that is known here{likely}"
    values = {own: given.member(own) for own in template.parameters}
    missing = [quoted(own) for own, value in values.items() if value is None]
    if missing:
        return f"the policy template {quoted(name)} lacks {joined(missing)}"

    def filled(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if value is None:
            return choices.get(match[1]) or PSEUDO_PARAMETERS[match[1]]
        known = value.form in {Form.STRING, Form.NUMBER, Form.BOOLEAN}
        return value.text if known else placeholders.placeholder(match[1])

    statements = [_filled(own, filled) for own in template.statements]
    document = from_value({"Version": "2012-10-17", "Statement": statements})
    return placed(moved(document, entry.at))


def _filled(value: Any, hole: Any) -> Any:
    if isinstance(value, str):
        return _HOLE.sub(hole, value)
    if isinstance(value, list):
        return [_filled(item, hole) for item in value]
    return {key: _filled(item, hole) for key, item in value.items()}
