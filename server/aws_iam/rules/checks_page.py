"""Checks as Markdown: tables and entries for the pages in references/, and one check's entry for `guide --topic CODE`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.engine.language.document import Kind, Policy, Statement, Syntax
from aws_iam.escape import visible
from aws_iam.rules.check import checks_in
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from aws_iam.rules.check import Check

    Families = tuple[tuple[str, ModuleType], ...]
    """Modules of checks, with their titles."""

_AWS_PAGE = "access-analyzer-reference-policy-checks"
_WIDTH = 96
# Of a longer example only the length is shown.
_LONGEST = 1_200


def tables(families: Families) -> Iterator[str]:
    """Every family as a table: code, severity, what is wrong, why it matters, how to fix it."""
    for title, module in families:
        yield f"### {title}\n"
        yield "| code | severity | fails when | why | fix |"
        yield "| --- | --- | --- | --- | --- |"
        for check in checks_in(module):
            words = " | ".join(_cell(text) for text in (check.title, check.why, check.fix))
            yield f"| [`{check.code}`]({check.source}) | {check.severity.value} | {words} |"
        yield ""


def overview(checks: Iterable[Check[Any]]) -> Iterator[str]:
    """The checks as a table with links to their entries."""
    yield "| check | severity | fails when |"
    yield "| --- | --- | --- |"
    for check in checks:
        yield f"| {link(check.code)} | {check.severity.value} | {_cell(check.title)} |"


def link(code: str) -> str:
    """The code, linked to its entry on the same page."""
    return f"[{code}](#{anchor(code)})"


def anchor(heading: str) -> str:
    """The anchor that Markdown readers give a heading."""
    return heading.lower().replace(" ", "-")


def entry(check: Check[Any], terms: object = None, note: str = "") -> str:
    """One check: what it finds and why, how to fix it, the source, the permissions that it needs, and examples.

    `terms` are those of a check on an account; `note` is a further detail to show.
    """
    kinds = ", ".join(kind for kind in Kind if kind in check.kinds) or "every kind"
    details = [f"*{check.severity.value}*"]
    if check.on in {Statement, Policy, Syntax}:
        details += ["AWS's code" if _AWS_PAGE in check.source else "our own code", kinds]
    details += [f"attached to {check.resource_type}"] if check.resource_type else []
    details += [note] if note else []
    lines = [
        f"### {check.code}\n",
        f"{_prose(check.title)}. {', '.join(details)}.\n",
        f"{_prose(check.why)}\n",
        f"**Fix**: {_prose(check.fix)} ([source]({check.source}))\n",
    ]
    return "\n".join(
        [*lines, *_example_message(check, terms), *_permissions(check), *_examples(check)]
    )


def check_named(topic: str, checks: Iterable[Check[Any]]) -> Check[Any] | None:
    """The check with this code; upper and lower case, hyphens and underscores are the same."""
    wanted = plain_code(topic)
    return next((check for check in checks if plain_code(check.code) == wanted), None)


def plain_code(topic: str) -> str:
    """The code in the form in which codes are compared."""
    return topic.strip().upper().replace("-", "_")


def explained(check: Check[Any], place: str, terms: object = None, note: str = "") -> Answer:
    """The entry of a check as an answer; `place` is the page that has it."""
    content = entry(check, terms, note)
    return Answer(
        summary=f"{check.code}: {check.title}.",
        artifacts=(Artifact(name=f"{check.code}.md", language="markdown", content=content),),
        sources=(place, check.source),
    )


def _example_message(check: Check[Any], terms: object) -> Iterator[str]:
    """The message for the first bad example, if that is an object and not a document to show."""
    subject = check.bad[0]
    if isinstance(subject, check.on):
        outcomes = check.test(subject) if terms is None else check.test(subject, terms)
        message = next(outcome.message for outcome in outcomes if isinstance(outcome, Fail))
        yield f"**Message**: {_prose(message)}\n"


def _permissions(check: Check[Any]) -> Iterator[str]:
    """The IAM actions that reading its facts takes."""
    if check.needs:
        # Imported here because the page of rules on documents does not need it.
        from aws_iam.account.guard.allowlist import actions_of

        actions = dict.fromkeys(action for fact in check.needs for action in actions_of(fact.name))
        yield f"**Permissions**: {', '.join(f'`{action}`' for action in actions)}\n"


def _examples(check: Check[Any]) -> Iterator[str]:
    """The shortest bad and the shortest good example, if they are documents."""
    for word, examples in (("bad", check.bad), ("good", check.good)):
        documents = [example for example in examples if isinstance(example, (dict, list, str))]
        if not documents:
            return
        shown = min(documents, key=lambda example: len(_written(example)))
        text = _written(shown)
        if len(text) > _LONGEST:
            length = len(json.dumps(shown))
            yield f"The {word} example has {length:,} characters and is not shown.\n"
            continue
        subject = "A statement" if check.on is Statement else "A policy"
        language = "text" if isinstance(shown, str) else "json"
        hidden = isinstance(shown, str) and text != shown
        escapes = ", its invisible characters escaped" if hidden else ""
        yield f"{subject} as a {word} example{escapes}:\n\n```{language}\n{text}\n```\n"


def _written(example: Any) -> str:
    """The example as people write it."""
    return visible(example) if isinstance(example, str) else _json(example, 0)


def _json(value: Any, indent: int) -> str:
    """JSON on one line if it fits, otherwise with one member on each line."""
    line = json.dumps(value)
    if len(line) + indent <= _WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    pad, inner = " " * indent, " " * (indent + 2)
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key)}: {_json(member, indent + 2)}" for key, member in value.items()
        ]
        return f"{{\n{inner}" + f",\n{inner}".join(parts) + f"\n{pad}}}"
    parts = [_json(member, indent + 2) for member in value]
    return f"[\n{inner}" + f",\n{inner}".join(parts) + f"\n{pad}]"


_CODE_SPAN = re.compile(r"(`[^`]*`)")


def _prose(text: str) -> str:
    """The text on one line, with what Markdown would take for markup escaped outside of code."""
    parts = _CODE_SPAN.split(" ".join(text.split()))
    # A single asterisk is not emphasis.
    is_emphasis = sum(part.count("*") for part in parts[::2]) > 1
    parts[::2] = [_escaped(part, is_emphasis=is_emphasis) for part in parts[::2]]
    return "".join(parts)


def _escaped(text: str, *, is_emphasis: bool) -> str:
    text = text.replace("<", "&lt;")
    return text.replace("*", "\\*") if is_emphasis else text


def _cell(text: str) -> str:
    """The text for a cell of a table."""
    return _prose(text).replace("|", "\\|")
