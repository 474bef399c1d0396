"""`policy template`: list the templates, show one with its placeholders, or fill and validate one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam import templates
from aws_iam.answer import Answer, Artifact, next_call
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import code_list
from aws_iam.tools.kit.json_object import json_object
from aws_iam.tools.kit.word_search import ranked, words
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding
    from aws_iam.templates import Parameter, Template

_PAGE = "references/policy-design.md#templates"


def template(name: str | None = None, values: Any = None) -> Answer:
    """The list of templates; with a name that template unfilled; with values filled and validated."""
    if name is None:
        if values is not None:
            raise InputError("`values` needs `name`", hint="leave both out to list the templates")
        return _template_list()
    chosen = templates.named(name)
    if chosen is None:
        return _of_words(name)
    if values is None and any(parameter.required for parameter in chosen.parameters):
        return _unfilled(chosen)
    return _filled(chosen, json_object("values", values, example='{"Bucket": "example-reports"}'))


def _template_list() -> Answer:
    all_templates = templates.listed()
    how = "give a name to see one, and its values to fill it"
    return _listed(all_templates, f"{len(all_templates)} policy templates; {how}.")


def _of_words(question: str) -> Answer:
    """The templates that the words are about: by kind where a word is one, else by name, title and use."""
    all_templates = templates.listed()
    near = nearest(question, [template.name for template in all_templates])
    if near:
        raise InputError(
            f"there is no template {quoted(question)}", hint=f"did you mean `{near[0]}`?"
        )
    asked = words(question)
    kinds = {template.kind for template in all_templates} & set(asked)
    fitting = [t for t in all_templates if not kinds or t.kind in kinds]
    by_name = {t.name: t for t in fitting}
    texts = {t.name: (f"{t.name} {t.title}", t.when) for t in fitting}
    rest = " ".join(word for word in asked if word not in kinds)
    found = [by_name[name] for name in ranked(rest, texts)[:_MOST_FOUND]] or (
        fitting if kinds else []
    )
    if not found:
        raise InputError(
            f"there is no template {quoted(question)}", hint="leave out `name` to list them"
        )
    return _listed(
        found, f"{counted(len(found), 'template')} for {quoted(question)}, the nearest first."
    )


_MOST_FOUND = 5


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

    text = templates.fill(chosen, values)
    findings = tuple(validate(text, chosen.kind))
    accepted = {rule.code: rule.reason for rule in chosen.accepted}
    open_findings = tuple(finding for finding in findings if finding.code not in accepted)
    raised = {finding.code for finding in findings} & accepted.keys()
    facts: dict[str, Any] = {"template": chosen.name, "kind": chosen.kind}
    if raised:
        facts["accepted"] = [
            {"code": code, "reason": accepted[code]} for code in accepted if code in raised
        ]
    missing = templates.left_out(chosen, values)
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
