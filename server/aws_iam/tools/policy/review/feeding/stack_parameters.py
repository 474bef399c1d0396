"""The parameters of CloudFormation's stacks: a policy or a setting with one is judged whatever its value.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.containers.access_settings import setting_rows
from aws_iam.engine.sources.containers.cloudformation_conditions import with_values
from aws_iam.engine.sources.containers.policy_places import values_at
from aws_iam.engine.sources.containers.workload_roles import workload_roles
from aws_iam.engine.sources.resource_permissions import permission_rows
from aws_iam.tools.policy.review.feeding.changed_file import parsed, strings_in
from aws_iam.tools.policy.review.feeding.sam_config import is_sam_config, sam_stacks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "AWS::"
"""What every file that reads one has in its text."""
WHY = "parameters, one of which decides about access in {}: give the template with that value in its place"
_ENDINGS = (".json", ".yaml", ".yml", ".template")
# Members of a resource that hold policies; those beside `Properties`, such as `DeletionPolicy`, are none.
_POLICY = re.compile(r"Polic(?:y|ies)|PermissionsBoundary")
_NAMED = re.compile(r"param", re.IGNORECASE)
_NESTED = "other_template"
_TEXTS = frozenset({Form.STRING, Form.NUMBER, Form.BOOLEAN})
_KEY, _VALUE = "ParameterKey", "ParameterValue"


def may_feed(path: str) -> bool:
    """Whether the file may have parameters."""
    return is_sam_config(path) or path.lower().endswith(_ENDINGS)


def may_read(path: str) -> bool:
    """Whether the file may be a template."""
    return path.lower().endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The templates in which access depends on a parameter that changes."""
    if is_sam_config(changed.path):
        yield from _of_sam(changed, texts)
        return
    was, now = (_parameters(text, changed.path) for text in (changed.was, changed.now))
    yield from _readers(_differing(was, now), _templates(changed, texts))


def _of_sam(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    was, now = (sam_stacks(text, changed.path) for text in (changed.was, changed.now))
    for name, stack in now.items():
        before = was.get(name)
        old, new = (own.parameters if own else {} for own in (before, stack))
        templates = _templates(changed, texts)
        own = stack.templates(changed.path, templates)
        # What another file has may be any parameter.
        names = _all_parameters(templates) if old is None or new is None else _differing(old, new)
        yield from _readers(names, templates, own)


def _templates(changed: ChangedFile, texts: Mapping[str, str]) -> Mapping[str, str]:
    return {path: text for path, text in texts.items() if path != changed.path and may_read(path)}


def _differing(was: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    return {name for name in {**was, **now} if was.get(name) != now.get(name)}


def _readers(
    names: set[str], templates: Mapping[str, str], only: Sequence[str] = ()
) -> Iterator[str]:
    """The templates, or `only` these and their nested ones, in which access depends on parameters of these names."""
    found: dict[str, None] = {}
    for path in only or templates:
        if any(name in templates[path] for name in names):
            found |= dict.fromkeys(_depending(path, names, templates, frozenset()))
    yield from found


def _all_parameters(templates: Mapping[str, str]) -> set[str]:
    declared = (
        root.member("Parameters") for text in templates.values() for root in parsed(text) or ()
    )
    return {own.key for section in declared if section for own in section.members}


def stacks(text: str, path: str) -> Mapping[str, Mapping[str, str] | None]:
    """The parameters of each stack that the file names, by its environment; None where one has another value than a text.

    What other files have is for one stack, without a name.
    """
    if is_sam_config(path):
        return {name: own.parameters for name, own in sam_stacks(text, path).items()}
    found = _parameters(text, path)
    texts = {
        key: own.text if isinstance(own, Node) else str(own)
        for key, own in found.items()
        if isinstance(own, str) or (isinstance(own, Node) and own.form in _TEXTS)
    }
    return {"": texts if len(texts) == len(found) else None}


def is_decided(template: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether the parameters of a stack are those of a template without others in it, and decide its conditions that they change."""
    roots = parsed(template)
    root = roots[0] if roots and len(roots) == 1 else None
    declared = root.member("Parameters") if root else None
    names = {own.key for own in declared.members} if declared else set()
    is_own = names >= before.keys() | now.keys()
    if root is None or not is_own or any(map(_is_nested, _resources(root))):
        return False
    conditions = root.member("Conditions")
    table = {own.key: own.value for own in conditions.members} if conditions else {}
    defaults = {
        own.key: default.text
        for own in (declared.members if declared else ())
        for default in (own.value.member("Default"),)
        if default is not None
    }
    changed = {name for name in names if before.get(name) != now.get(name)}
    return all(
        with_values(table[name], {**defaults, **values}, table) is not None
        for name in _deciding(root, changed) & table.keys()
        for values in (before, now)
    )


def _is_nested(resource: Node) -> bool:
    type_ = resource.member("Type")
    rows = setting_rows("cloudformation", type_.text) if type_ else ()
    return any(row.subject == _NESTED for row in rows)


def _depending(
    path: str, names: set[str], texts: Mapping[str, str], above: frozenset[str]
) -> list[str]:
    """The template, if access depends on a parameter of these names in it, and its nested ones in which it does."""
    found: list[str] = []
    for root in parsed(texts[path]) or ():
        deciding = _deciding(root, names)
        if not deciding:
            continue
        if _has_access_by(root, deciding):
            found.append(path)
        for location, own in _nested(root, deciding):
            inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), location))
            if inner in texts and inner not in above and own:
                below = _depending(inner, own, texts, above | {path})
                found += [*([] if path in found or not below else [path]), *below]
    return found


def _parameters(text: str, path: str) -> dict[str, object]:
    """The parameters of a file in one of the forms that the command lines and pipelines of AWS take."""
    roots = parsed(text) if text.strip() else ()
    if not roots or len(roots) > 1:
        return {}
    root = roots[0]
    if root.form is Form.ARRAY:
        return dict(pair for item in root.items for pair in _listed(item))
    if root.member("Resources"):
        return {}
    named = root.member("Parameters")
    if named is None and _NAMED.search(path):
        named = root
    members = named.members if named else ()
    return {m.key: m.value for m in members if m.value.form not in {Form.OBJECT, Form.ARRAY}}


def _listed(item: Node) -> Iterator[tuple[str, object]]:
    if item.form is Form.STRING:
        name, is_set, value = item.text.partition("=")
        if is_set:
            yield name, value
    elif key := item.member(_KEY):
        yield key.text, item.member(_VALUE)


def _deciding(root: Node, names: set[str]) -> set[str]:
    """The parameters of these names that a template has, and the conditions that depend on one."""
    parameters, conditions = root.member("Parameters"), root.member("Conditions")
    deciding = names & {member.key for member in parameters.members} if parameters else set()
    own = conditions.members if conditions and deciding else ()
    for _ in own:
        # A condition may be made of others.
        deciding |= {member.key for member in own if _names(member.value, deciding)}
    return deciding


def _resources(root: Node) -> Iterator[Node]:
    resources = root.member("Resources")
    return (member.value for member in resources.members) if resources else iter(())


def _has_access_by(root: Node, deciding: set[str]) -> bool:
    return any(_names(part, deciding) for own in _resources(root) for part in _of_access(own))


def _nested(root: Node, deciding: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Where each nested template is, and its parameters that depend on what decides."""
    for resource in _resources(root):
        properties = resource.member("Properties")
        location = properties and (
            properties.member("TemplateURL") or properties.member("Location")
        )
        given = properties and properties.member("Parameters")
        if location and given and location.form is Form.STRING:
            yield (
                location.text,
                {member.key for member in given.members if _names(member.value, deciding)},
            )


def _of_access(resource: Node) -> Iterator[Node]:
    """The parts of a resource that decide about access: its policies and settings, and the condition under which there are any."""
    type_, properties = resource.member("Type"), resource.member("Properties")
    if type_ is None or properties is None:
        return
    found = [*_policy_members(properties), *_settings(type_.text, properties)]
    yield from found
    condition = resource.member("Condition")
    if found and condition:
        yield condition


def _settings(type_: str, properties: Node) -> Iterator[Node]:
    if type_ in permission_rows("cloudformation"):
        yield properties
    for roles in workload_roles(type_, properties).values():
        yield from roles
    for row in setting_rows("cloudformation", type_):
        if row.subject == _NESTED:
            # What a parameter does there is found in the nested template.
            continue
        paths = (row.path,) if row.path else row.paths
        if not paths:
            yield properties
        yield from (value for path in paths for _, value, _ in values_at(properties, path))


def _policy_members(node: Node) -> Iterator[Node]:
    for member in node.members:
        if _POLICY.search(member.key):
            yield member.value
        else:
            yield from _policy_members(member.value)
    for item in node.items:
        yield from _policy_members(item)


def _names(node: Node, names: set[str]) -> bool:
    return any(
        text in names or any(f"${{{name}}}" in text for name in names) for text in strings_in(node)
    )
