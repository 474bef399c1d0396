"""`policy template`: list the templates, show one with its placeholders, or fill and validate one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam import templates
from aws_iam.answer import Answer, Artifact, next_call
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import code_list, folded
from aws_iam.tools.kit.json_object import json_object
from aws_iam.tools.kit.tool import UNDERSTOOD, with_understood
from aws_iam.tools.policy.generate.template_search import found
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding
    from aws_iam.templates import Parameter, Template
    from aws_iam.tools.policy.generate.template_search import Found

_PAGE = "references/policy-design.md#templates"


def template(name: str | None = None, values: Any = None) -> Answer:
    """The list of templates; with a name that template unfilled; with values filled and validated."""
    if name is None:
        if values is not None:
            raise InputError("`values` needs `name`", hint="leave both out to list the templates")
        return _template_list()
    chosen = templates.named(name)
    if chosen:
        return _shown(chosen, values)
    search = found(name, templates.listed())
    if not search.templates:
        # Refuses the name with the nearest one.
        return _shown(templates.template(name), values)
    if len(search.templates) == 1 and not search.lacks:
        (chosen,) = search.templates
        words = f"`name` {quoted(name)} as `{chosen.name}`"
        return with_understood(_shown(chosen, values), [words])
    if values is not None:
        names = code_list(template.name for template in search.templates)
        raise InputError(
            f"{quoted(name)} does not name one template", hint=f"give `name` as one of {names}"
        )
    return _of_words(name, search)


def _shown(chosen: Template, values: Any) -> Answer:
    if values is None and any(parameter.required for parameter in chosen.parameters):
        return _unfilled(chosen)
    return _filled(chosen, json_object("values", values, example='{"Bucket": "example-reports"}'))


def _template_list() -> Answer:
    all_templates = templates.listed()
    how = "give a name to see one, and its values to fill it"
    return _listed(all_templates, f"{len(all_templates)} policy templates; {how}.")


def _of_words(question: str, search: Found) -> Answer:
    """The templates that the words mean or, said so, those that come nearest."""
    listed, kind = search.templates, search.kind
    if not search.lacks:
        return _listed(
            listed,
            f"{counted(len(listed), 'template')} for {quoted(question)}, the nearest first.",
        )
    of_kind = f" of the kind `{kind}`" if kind else ""
    summary = f"No template{of_kind} is about all of {quoted(question)}; the nearest: {code_list(one.name for one in listed)}."
    return _listed(listed, summary)


def _listed(shown: Sequence[Template], summary: str) -> Answer:
    return Answer(
        summary=summary,
        facts={
            "templates": [
                {
                    "name": template.name,
                    "kind": template.kind,
                    "title": template.title,
                    "values": ", ".join(
                        _value_name(parameter) for parameter in template.parameters
                    ),
                }
                for template in shown
            ]
        },
        sources=(_PAGE,),
        next=(next_call("policy", "template", shown[0].title, name=shown[0].name),),
    )


def _unfilled(chosen: Template) -> Answer:
    required = {parameter.name for parameter in chosen.parameters if parameter.required}
    samples = {name: value for name, value in chosen.samples.items() if name in required}
    return Answer(
        summary=f"{chosen.title}: the template with its placeholders, such as `{{{{Name}}}}`. {chosen.when}",
        artifacts=(Artifact(name=f"{chosen.name}.json", language="json", content=chosen.text),),
        facts={
            "kind": chosen.kind,
            "values": [_row(parameter) for parameter in chosen.parameters],
        },
        sources=(chosen.source, _PAGE),
        next=(
            next_call(
                "policy", "template", "filled with sample values", name=chosen.name, values=samples
            ),
        ),
    )


def _filled(chosen: Template, values: dict[str, Any]) -> Answer:
    # Imported here: listing templates must not load the validator and its data.
    from aws_iam.engine.reference.catalog import catalog
    from aws_iam.rules.policy.run import validate

    named = templates.named_values(chosen, values)
    text = templates.fill(chosen, named)
    findings = tuple(validate(text, chosen.kind))
    accepted = {rule.code: rule.reason for rule in chosen.accepted}
    open_findings = tuple(finding for finding in findings if finding.code not in accepted)
    raised = {finding.code for finding in findings} & accepted.keys()
    understood = [
        f"{quoted(name)} as `{meant}`"
        for name, meant in zip(values, named, strict=True)
        if folded(name) != folded(meant)
    ]
    facts: dict[str, Any] = {UNDERSTOOD: understood} if understood else {}
    facts |= {"template": chosen.name, "kind": chosen.kind}
    if raised:
        facts["accepted"] = [
            {"code": code, "reason": accepted[code]} for code in accepted if code in raised
        ]
    missing = templates.left_out(chosen, named)
    without = (
        f" Without {code_list(sorted(missing))}, whose condition is left out." if missing else ""
    )
    return Answer(
        summary=f"{chosen.title}, filled: {_verdict(open_findings, chosen)}.{without} {chosen.when}",
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
        as_of=catalog().as_of,
    )


def _verdict(findings: tuple[Finding, ...], chosen: Template) -> str:
    if not findings:
        return "no findings except the accepted ones" if chosen.accepted else "no findings"
    return f"{counted(len(findings), 'finding')} with these values"


def _value_name(parameter: Parameter) -> str:
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
