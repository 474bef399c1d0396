"""The policies of one text of JSON or YAML, JSON with comments, JSON lines, or a template of one of these."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Policy, Source, Syntax
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.parsing.json_text import scan
from aws_iam.engine.sources.document_shapes import (
    is_answer,
    is_document_as_text,
    is_policy_attempt,
    lists_policies,
)
from aws_iam.engine.sources.files import MAX_FILE_CHARACTERS, File
from aws_iam.engine.sources.gathered import Gathered, Unread, together, under_name
from aws_iam.engine.sources.parsed_values import of_artifacts, of_larger, of_root, scanned
from aws_iam.engine.sources.policy_signs import (
    CONDITIONAL,
    NOT_JSON,
    TEMPLATE,
    looks_like_policy,
    may_hold_policy,
    mentions_policies,
)
from aws_iam.engine.sources.template_holes import (
    Masked,
    has_marks,
    is_template_name,
    masked,
    offsets_in,
)
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.attachments import Reference
    from aws_iam.engine.sources.requested import Requested

YAML_ENDINGS = (".yaml", ".yml")
_COMMENTED = ".jsonc"
_LINES = (".ndjson", ".jsonl")
_JSON_STARTS = frozenset({"", "{", "[", '"'})
# Strings come first, so that nothing within them is taken for a comment.
_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"?|//[^\n]*|/\*(?:(?!\*/)[\s\S])*(?:\*/)?|,(?=\s*[\]}])')


def of_data(file: File, requested: Requested) -> Gathered | Syntax:
    """The policies of a text, or where it stops being JSON; raises InputError where it is not YAML either."""
    name = file.name.lower()
    if name.endswith(_LINES):
        return _of_lines(file, requested)
    if name.endswith(_COMMENTED):
        file = replace(file, text=without_comments(file.text))
    if is_template_name(name):
        return _of_template(file, requested)
    try:
        roots = _roots(file)
    except InputError:
        if not has_marks(file.text):
            raise
        return _of_template(file, requested)
    if not isinstance(roots, Syntax):
        found = _in_roots(roots, file, requested)
        if not has_marks(file.text):
            return found
        return replace(found, unread=tuple(map(_of_marks, found.unread)))
    return (
        _of_template(file, requested)
        if has_marks(file.text)
        else _called_json(file, requested) or roots
    )


def values_of(file: File) -> tuple[tuple[Node, ...], Callable[[str], str]]:
    """The values of a text of JSON or YAML, and how its texts are shown; of a template with holes for what it fills in."""
    if file.name.lower().endswith(_COMMENTED):
        file = replace(file, text=without_comments(file.text))
    is_template = is_template_name(file.name)
    roots = () if is_template else _values(file)
    if isinstance(roots, tuple) and not is_template:
        return roots, str
    template = masked(file.text, dollars=is_template)
    inner = _roots_of_template(template.text) if template else None
    if template is None or inner is None:
        raise InputError(roots if isinstance(roots, str) else TEMPLATE)
    return inner, template.shown


def _values(file: File) -> tuple[Node, ...] | str:
    """The values of a text, or why it has none."""
    try:
        roots = _roots(file)
    except InputError as refused:
        if not has_marks(file.text):
            raise
        return refused.message
    if not isinstance(roots, Syntax):
        return roots
    place = f"line {roots.where.line}:{roots.where.column}: " if roots.where.line else ""
    if has_marks(file.text):
        return f"{place}{roots.message}"
    raise InputError(f"{place}{roots.message}", hint=roots.hint)


def _called_json(file: File, requested: Requested) -> Gathered | None:
    """The policies of a template of Terraform, which is often called `.json`; None where that is not what it is."""
    template = masked(file.text, dollars=True) if "${" in file.text else None
    if template is None or isinstance(scan(template.text, MAX_FILE_CHARACTERS), Syntax):
        return None
    found = _in_template(template, file, requested)
    return found if found and found.sources else None


def without_comments(text: str) -> str:
    """JSON without the comments and last commas that some tools accept in it; everything else stays in its place."""
    return _COMMENT.sub(
        lambda found: found[0] if found[0][0] == '"' else re.sub(r"[^\r\n]", " ", found[0]), text
    )


def _in_roots(roots: tuple[Node, ...], file: File, requested: Requested) -> Gathered:
    if len(roots) == 1 and any(
        test(roots[0]) for test in (is_policy_attempt, lists_policies, is_document_as_text)
    ):
        found = of_root(roots[0], file.text, requested)
    elif len(roots) == 1 and is_answer(roots[0]):
        found = of_artifacts(roots[0], requested)
    else:
        return of_larger(roots, requested, file=file.name, required=False)
    sources = tuple(replace(source, file=file.name) for source in found.sources)
    unread = tuple(replace(place, file=file.name) for place in found.unread)
    formats = tuple((file.name, name) for _, name in found.formats)
    return Gathered(sources=sources, unread=unread, formats=formats, files=1)


def _roots(file: File) -> tuple[Node, ...] | Syntax:
    """The values of a file: one of JSON, any number of YAML."""
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    name, begins_json = file.name.lower(), file.text.lstrip()[:1] in _JSON_STARTS
    node = scanned(file.text, MAX_FILE_CHARACTERS)
    if not isinstance(node, Syntax):
        return (node,)
    if name.endswith(".json") or (begins_json and not name.endswith(YAML_ENDINGS)):
        return node
    roots = scan_yaml(file.text)
    if isinstance(roots, Syntax):
        place = f" line {roots.where.line}:{roots.where.column}:" if roots.where.line else ""
        raise InputError(f"{quoted(file.name)}:{place} {roots.message}", hint=roots.hint)
    return tuple(root for root in roots if root.form in {Form.OBJECT, Form.ARRAY})


def _of_lines(file: File, requested: Requested) -> Gathered:
    """The policies of a file with a value of JSON in each line."""
    parts: list[Gathered] = []
    for number, line in enumerate(file.text.split("\n")):
        if not may_hold_policy(line):
            continue
        root = scan(line)
        if isinstance(root, Syntax):
            if mentions_policies(line):
                where = replace(root.where, line=number + 1)
                broken = Source(
                    name=f"line {number + 1}", content=replace(root, where=where), file=file.name
                )
                parts.append(Gathered(sources=(broken,)))
            continue
        if root.at.lines:
            root.at.lines.above = number
        found = _in_roots((root,), replace(file, text=line), requested)
        parts.append(under_name(found, f"line {number + 1}"))
    return replace(together(parts), files=1)


def _of_template(file: File, requested: Requested) -> Gathered:
    """The policies of a template: with holes where it is JSON or YAML without what it fills in, else only named."""
    template = masked(file.text, dollars=is_template_name(file.name))
    found = _in_template(template, file, requested) if template else None
    if found or not mentions_policies(file.text):
        return found or Gathered(sources=(), files=1)
    why = TEMPLATE + (_fault(template) if template else "")
    return Gathered(
        sources=(), unread=(Unread(place=file.name, why=why, file=file.name),), files=1
    )


def _of_marks(unread: Unread) -> Unread:
    """A place in a template: where a text is not JSON, what is filled in is what is wrong with it."""
    if not unread.why.startswith(NOT_JSON):
        return unread
    return replace(unread, why=f"{TEMPLATE} ({unread.why})")


def _fault(template: Masked) -> str:
    """Where a template that looks like JSON stops being it."""
    if not template.text.lstrip().startswith(("{", "[")):
        return ""
    fault = scan(template.text, MAX_FILE_CHARACTERS)
    if not isinstance(fault, Syntax):
        return ""
    place = f"line {fault.where.line}:{fault.where.column}"
    return f" ({place} is not JSON: {template.shown(fault.message)})"


def _in_template(template: Masked, file: File, requested: Requested) -> Gathered | None:
    """What a template holds with holes; None where it is neither JSON nor YAML, or looks as if it held more."""
    own = replace(requested, placeholders=template.placeholders)
    for lone, text in enumerate((template.text, template.without_lone_lines)):
        roots = _roots_of_template(text)
        if roots is None:
            continue
        found = of_larger(roots, own, file=file.name, required=False)
        if any((found.sources, found.unread, found.attachments)) or not looks_like_policy(
            file.text
        ):
            return _decided(found, template, roots, lone=bool(lone))
    return None


def _roots_of_template(text: str) -> tuple[Node, ...] | None:
    """The values of a text; a template in JSON may be YAML, which allows the commas that loops leave behind."""
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    node = scan(text, MAX_FILE_CHARACTERS)
    if not isinstance(node, Syntax):
        return (node,)
    try:
        roots = scan_yaml(text)
    except InputError:
        return None
    if isinstance(roots, Syntax):
        return None
    return tuple(root for root in roots if root.form in {Form.OBJECT, Form.ARRAY})


def _shown(reference: Reference | None, template: Masked) -> Reference | None:
    if reference is None:
        return None
    return replace(
        reference,
        name=template.shown(reference.name),
        labels=frozenset((key, template.shown(text)) for key, text in reference.labels),
    )


def _decided(found: Gathered, template: Masked, roots: Sequence[Node], *, lone: bool) -> Gathered:
    """What was found, without the policies whose parts the template decides about; these are named."""
    offsets = sorted(offset for root in roots for offset in offsets_in(root))
    read: list[Source] = []
    unread = [
        _of_marks(replace(own, place=template.shown(own.place), why=template.shown(own.why)))
        for own in found.unread
    ]
    for source in found.sources:
        name, content = template.shown(source.name), source.content
        if isinstance(content, Policy) and template.decides_within(
            content.node, offsets, lone=lone
        ):
            unread.append(
                Unread(
                    place=name or source.file or "",
                    why=CONDITIONAL,
                    file=source.file,
                    unreadable=True,
                )
            )
            continue
        holder = source.holder
        shown = replace(
            holder,
            name=template.shown(holder.name),
            attached_to=tuple(map(template.shown, holder.attached_to)),
        )
        other = template.shown(source.other_side_of)
        read.append(replace(source, name=name, holder=shown, other_side_of=other))
    attachments = tuple(
        replace(
            own,
            holder=template.shown(own.holder),
            place=template.shown(own.place),
            policy=template.shown(own.policy),
            target=template.shown(own.target),
            reference=_shown(own.reference, template),
            to=_shown(own.to, template),
        )
        for own in found.attachments
    )
    resources = tuple(
        replace(
            own,
            name=template.shown(own.name),
            own_name=template.shown(own.own_name),
            labels=frozenset((key, template.shown(text)) for key, text in own.labels),
        )
        for own in found.resources
    )
    settings = tuple(
        replace(
            own,
            holder=template.shown(own.holder),
            place=template.shown(own.place),
            value=template.shown(own.value),
            admins=frozenset(map(template.shown, own.admins)),
        )
        for own in found.settings
    )
    return replace(
        found,
        sources=tuple(read),
        unread=tuple(unread),
        attachments=attachments,
        settings=settings,
        resources=resources,
    )
