"""`policy template`: list the templates, show one with its holes, or fill one and validate it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from aws_iam import templates
from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from aws_iam.answer import Finding
    from aws_iam.templates import Parameter, Template

_PAGE = "references/policy-design.md#templates"


def template(name: str | None = None, values: Any = None) -> Answer:
    """The templates; with a name that one raw; with its values filled and validated."""
    if name is None:
        if values is not None:
            raise InputError(
                "`values` needs `name`", hint="without both the answer lists the templates"
            )
        return _listed()
    chosen = templates.template(name)
    if values is None and any(parameter.required for parameter in chosen.parameters):
        return _raw(chosen)
    return _filled(chosen, _object(values))


def _listed() -> Answer:
    every = templates.listed()
    return Answer(
        summary=f"{len(every)} policy templates; name one to see it, give its values to fill it.",
        facts={
            "templates": [
                {
                    "name": template.name,
                    "kind": template.kind,
                    "title": template.title,
                    "values": ", ".join(_word(parameter) for parameter in template.parameters),
                }
                for template in every
            ]
        },
        sources=(_PAGE,),
        next=(f"aws-iam policy template --name {every[0].name}",),
    )


def _raw(chosen: Template) -> Answer:
    required = {parameter.name for parameter in chosen.parameters if parameter.required}
    samples = {name: value for name, value in chosen.samples.items() if name in required}
    return Answer(
        summary=f"{chosen.title}: the template with its holes, `{{{{Name}}}}` each. {chosen.when}",
        artifacts=(Artifact(name=f"{chosen.name}.json", language="json", content=chosen.text),),
        facts={
            "kind": chosen.kind,
            "values": [_row(parameter) for parameter in chosen.parameters],
        },
        sources=(chosen.source, _PAGE),
        next=(
            f"aws-iam policy template --name {chosen.name} --values {shlex.quote(json.dumps(samples))}",
        ),
    )


def _filled(chosen: Template, given: dict[str, Any]) -> Answer:
    # Inside the function: listing templates must not pay for the validator and its data.
    from aws_iam.engine.reference.catalog import catalog
    from aws_iam.rules.policy.run import validate

    text = templates.fill(chosen, given)
    findings = tuple(validate(text, chosen.kind))
    accepted = {rule.code: rule.reason for rule in chosen.accepted}
    open_findings = tuple(finding for finding in findings if finding.code not in accepted)
    drawn = {finding.code for finding in findings} & accepted.keys()
    facts: dict[str, Any] = {"template": chosen.name, "kind": chosen.kind}
    if drawn:
        facts["accepted"] = [
            {"code": code, "reason": accepted[code]} for code in accepted if code in drawn
        ]
    return Answer(
        summary=f"{chosen.title}, filled: {_verdict(open_findings, chosen)}. {chosen.when}",
        findings=open_findings,
        artifacts=(
            Artifact(
                name=f"{chosen.name}.json",
                language="json",
                content=text + "\n",
                checked_by="policy validate",
            ),
        ),
        facts=facts,
        sources=(chosen.source, _PAGE),
        next=(f"aws-iam policy validate --document {chosen.name}.json --kind {chosen.kind}",),
        as_of=catalog().as_of,
    )


def _verdict(findings: tuple[Finding, ...], chosen: Template) -> str:
    if not findings:
        but = " but for what is accepted below" if chosen.accepted else ""
        return f"it validates clean{but}"
    return f"{len(findings)} findings with these values"


def _object(values: Any) -> dict[str, Any]:
    """The caller's values: a JSON object, or the text of one."""
    if values is None:
        return {}
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except (ValueError, RecursionError):
            raise InputError(
                f"`values` must be a JSON object, not {quoted(values, 80)}",
                hint='such as {"Bucket": "example-reports"}',
            ) from None
    if not isinstance(values, dict):
        raise InputError(
            "`values` must be a JSON object, from name to value",
            hint='such as {"Bucket": "example-reports"}',
        )
    return values


def _word(parameter: Parameter) -> str:
    marks = ("…" if parameter.many else "") + ("" if parameter.required else "?")
    return parameter.name + marks


def _row(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "description": parameter.description,
        "required": parameter.required,
        "list": parameter.many,
        "sample": ", ".join(parameter.sample),
    }
