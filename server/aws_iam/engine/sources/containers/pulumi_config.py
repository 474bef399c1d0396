"""The values that a program of Pulumi in YAML is made with: what its configuration and variables say of a policy.

with_configuration(found, root)   →   the policy with what `${action}` stands for as what it may be at deployment

https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Node, dump
from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.alternatives import alternative
from aws_iam.engine.sources.containers.policy_places import FoundPolicy
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.sources.containers.policy_places import SkippedPlace

_RUNTIME = "runtime"
_SECTIONS = ("config", "configuration", "variables")
_USED = re.compile(r"\$\{([\w-]+)")
# Variables lead to variables.
_MOST = 100


def with_configuration(
    found: FoundPolicy | SkippedPlace, root: Node
) -> FoundPolicy | SkippedPlace:
    """The policy with the values that it refers to; another default changes what it says."""
    if not isinstance(found, FoundPolicy) or root.member(_RUNTIME) is None:
        return found
    if not isinstance(found.content, Node):
        return found
    own = frozenset(_values(dump(found.content), root))
    return replace(found, alternatives=found.alternatives | own) if own else found


def _values(text: str, root: Node) -> Iterator[Alternative]:
    todo, seen = list(_USED.findall(text)), set[str]()
    while todo and len(seen) < _MOST:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for section in _SECTIONS:
            held = root.member(section)
            value = held.member(name) if held else None
            if value is not None:
                said = canonical(value)
                # It is read with the reference itself.
                yield alternative(f"the value of {quoted(name)}", name, said)
                todo += _USED.findall(said)
