"""The parameters of CloudFormation's stacks: a policy with one is judged whatever its value.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.tools.policy.review.feeding.changed_file import parsed, strings_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "AWS::"
"""What every file that reads one has in its text."""
WHY = "parameters, with one of which a policy of {} is made: give the template with that value in its place"
_ENDINGS = (".json", ".yaml", ".yml", ".template")
_SAM = "samconfig.toml"
# Members of a resource that hold policies; those beside `Properties`, such as `DeletionPolicy`, are none.
_POLICY = re.compile(r"Polic(?:y|ies)|PermissionsBoundary")
_NAMED = re.compile(r"param", re.IGNORECASE)
_KEY, _VALUE = "ParameterKey", "ParameterValue"
_OVERRIDE = re.compile(r"""([A-Za-z][A-Za-z0-9]*)=("(?:[^"\\]|\\.)*"|[^\s"',\]]*)""")


def may_feed(path: str) -> bool:
    """Whether the file may have parameters."""
    return path.rpartition("/")[2] == _SAM or path.lower().endswith(_ENDINGS)


def may_read(path: str) -> bool:
    """Whether the file may be a template."""
    return path.lower().endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The templates with a policy that depends on a parameter which changes."""
    was, now = (_parameters(text, changed.name) for text in (changed.was, changed.now))
    names = {name for name in {**was, **now} if was.get(name) != now.get(name)}
    if not names:
        return
    for path, text in texts.items():
        if path != changed.path and may_read(path) and any(name in text for name in names):
            for root in parsed(text) or ():
                if _depends(root, names):
                    yield path
                    break


def _parameters(text: str, name: str) -> dict[str, object]:
    """The parameters of a file in one of the forms that the command lines and pipelines of AWS take."""
    if name == _SAM:
        return dict(_OVERRIDE.findall(text.replace('\\"', '"')))
    roots = parsed(text) if text.strip() else ()
    if not roots or len(roots) > 1:
        return {}
    root = roots[0]
    if root.form is Form.ARRAY:
        return dict(pair for item in root.items for pair in _listed(item))
    if root.member("Resources"):
        return {}
    named = root.member("Parameters")
    if named is None and _NAMED.search(name):
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


def _depends(root: Node, names: set[str]) -> bool:
    """Whether a policy of the template depends on a parameter of these names, by itself or by a condition."""
    parameters = root.member("Parameters")
    resources = root.member("Resources")
    if parameters is None or resources is None:
        return False
    declared = names & {member.key for member in parameters.members}
    conditions = root.member("Conditions")
    deciding = set(declared)
    for _ in conditions.members if conditions else ():
        # A condition may be made of others.
        deciding |= {own.key for own in conditions.members if _names(own.value, deciding)} if conditions else set()  # fmt: skip
    return bool(declared) and any(
        _names(part, deciding)
        for resource in resources.members
        for part in _policies(resource.value)
    )


def _policies(resource: Node) -> Iterator[Node]:
    """The parts of a resource that decide about its policies: these, and the condition under which there are any."""
    properties = resource.member("Properties")
    found = list(_policy_members(properties)) if properties else []
    yield from found
    condition = resource.member("Condition")
    if found and condition:
        yield condition


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
