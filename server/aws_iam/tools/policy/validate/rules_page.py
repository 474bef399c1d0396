"""The rules of `policy validate` as Markdown: the page `references/rules.md`, and one rule's entry for `guide`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.engine.language.document import Kind, Statement
from aws_iam.escape import quoted, visible
from aws_iam.rules.policy.catalogue import MODULES, POLICY_RULES
from aws_iam.rules.policy.not_raised_offline import NOT_OFFLINE, NotOffline
from aws_iam.rules.rule import rules_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from aws_iam.rules.rule import Rule

PAGE = "references/rules.md"
_AWS_PAGE = "access-analyzer-reference-policy-checks"
_WRITTEN = {"arns": "ARNs", "mfa": "MFA", "oidc": "OIDC"}
_WIDTH = 96
# A longer example says nothing that its length does not.
_LONGEST = 1_200


def page() -> Iterator[str]:
    """Contents, then every family with its rules, then the codes of AWS that no rule raises."""
    yield "## Contents\n"
    yield "| family | rules |"
    yield "| --- | --- |"
    for family in MODULES:
        codes = ", ".join(_link(rule.code) for rule in rules_in(family))
        yield f"| [{_title(family)}](#{_anchor(_title(family))}) | {codes} |"
    yield f"| [Not raised offline](#not-raised-offline) | {len(NOT_OFFLINE)} codes |"
    for family in MODULES:
        yield f"\n## {_title(family)}\n"
        yield f"{_about(family)}\n"
        yield "\n".join(entry(rule) for rule in rules_in(family)).rstrip()
    yield from _not_offline()


def _not_offline() -> Iterator[str]:
    yield "\n## Not raised offline\n"
    yield "Codes of AWS that need what a document does not say, or that nothing of ours can decide.\n"
    yield "| code | why |"
    yield "| --- | --- |"
    for code, why in NOT_OFFLINE.items():
        yield f"| `{code}` | {_cell(why.reason)} ([source]({why.source})) |"


def rule_named(topic: str) -> Rule[Any] | None:
    """The rule whose code is meant; case and the kind of hyphen do not count."""
    wanted = _code(topic)
    return next((rule for rule in POLICY_RULES if _code(rule.code) == wanted), None)


def not_offline(topic: str) -> NotOffline | None:
    """Why the code of AWS that is meant is not raised offline; None for other words."""
    return NOT_OFFLINE.get(_code(topic))


def place(code: str) -> str:
    """Where the page describes a rule."""
    return f"{PAGE}#{_anchor(code)}"


def entry(rule: Rule[Any]) -> str:
    """One rule: what it says, why, how to mend it, where AWS says so, and an example of each kind."""
    kinds = ", ".join(each for each in Kind if each in rule.kinds) or "every kind"
    attached = f", attached to {rule.resource_type}" if rule.resource_type else ""
    whose = "AWS's code" if _AWS_PAGE in rule.source else "our own code"
    lines = [
        f"### {rule.code}\n",
        f"{_cell(rule.title)}. *{rule.severity.value}*, {whose}, {kinds}{attached}.\n",
        f"{' '.join(rule.why.split())}\n",
        f"**Fix**: {rule.fix} [Source]({rule.source})\n",
    ]
    return "\n".join([*lines, *_examples("bad", rule), *_examples("good", rule)])


def _examples(word: str, rule: Rule[Any]) -> Iterator[str]:
    examples = rule.bad if word == "bad" else rule.good
    shown = min(examples, key=lambda each: len(_text(each)))
    text = _text(shown)
    if len(text) > _LONGEST:
        yield f"The {word} example has {len(json.dumps(shown)):,} characters and is not shown.\n"
        return
    what = "A statement as" if rule.on is Statement else "A policy as"
    language = "text" if isinstance(shown, str) else "json"
    hidden = (
        ", its invisible characters escaped" if isinstance(shown, str) and text != shown else ""
    )
    yield f"{what} a {word} example{hidden}:\n\n```{language}\n{text}\n```\n"


def _text(example: Any) -> str:
    """The example as people write it."""
    return visible(example) if isinstance(example, str) else _json(example, 0)


def _json(value: Any, indent: int) -> str:
    """JSON on one line where it fits, else one member a line."""
    line = json.dumps(value)
    if len(line) + indent <= _WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    pad, inner = " " * indent, " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_json(each, indent + 2)}" for key, each in value.items()]
        return f"{{\n{inner}" + f",\n{inner}".join(parts) + f"\n{pad}}}"
    return (
        f"[\n{inner}" + f",\n{inner}".join(_json(each, indent + 2) for each in value) + f"\n{pad}]"
    )


def _code(topic: str) -> str:
    return topic.strip().upper().replace("-", "_")


def _title(family: ModuleType) -> str:
    words = family.__name__.rpartition(".")[2].replace("_", " ")
    return _WRITTEN.get(words, words.capitalize())


def _about(family: ModuleType) -> str:
    """What the family is about: the first paragraph of its module."""
    return " ".join((family.__doc__ or "").strip().partition("\n\n")[0].split())


def _link(code: str) -> str:
    return f"[{code}](#{_anchor(code)})"


def _anchor(heading: str) -> str:
    """The place that Markdown readers give a heading."""
    return heading.lower().replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def explained(topic: str) -> Answer | None:
    """What a finding's code means; no section of a page is named as one."""
    rule = rule_named(topic)
    if rule:
        content = entry(rule)
        return Answer(
            summary=f"{rule.code}: {rule.title}.",
            artifacts=(Artifact(name=f"{rule.code}.md", language="markdown", content=content),),
            sources=(place(rule.code), rule.source),
        )
    known = not_offline(topic)
    if known is None:
        return None
    return Answer(
        summary=f"{quoted(topic)} is a code of AWS that is not raised offline: {known.reason}.",
        sources=(f"{PAGE}#not-raised-offline", known.source),
        next=("aws-iam policy validate --document FILE --online",),
    )
