"""The argument `policies` as people give it: an object of layers, a bare policy or a list of them, each by itself or in an answer of the AWS CLI."""

from __future__ import annotations

import re
from typing import Any

from aws_iam.engine.evaluation.layers import LAYERS, LEVELLED
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.parsing.json_text import python_value
from aws_iam.engine.reference.named_policies import FULL_ACCESS
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.tool import UNDERSTOOD

_IDENTITY = (
    "identity",
    "identity based",
    "inline",
    "managed",
    "attached",
    "attached managed",
    "role",
    "user",
    "group",
)
_RESOURCE = (
    "resource",
    "resource based",
    "bucket",
    "s3 bucket",
    "key",
    "kms key",
    "queue",
    "sqs queue",
    "topic",
    "sns topic",
)
_OTHER_RESOURCES = ("secret", "repository", "trust", "role trust", "assume role")
_LAYERS = {
    "scps": "scp",
    "service control policies": "scp",
    "service control policy": "scp",
    "rcps": "rcp",
    "resource control policies": "rcp",
    "resource control policy": "rcp",
    "identity based": "identity",
    "inline": "identity",
    "resource based": "resource",
    "trust": "resource",
    "assume role policy document": "resource",
    "permissions boundary": "boundary",
    "permission boundary": "boundary",
    "boundary policy": "boundary",
    "session policy": "session",
    "session policies": "session",
    "vpc endpoint policy": "vpc_endpoint",
    "endpoint policy": "vpc_endpoint",
    **{
        f"{whose} {word}": layer
        for layer, owners in (
            ("identity", _IDENTITY),
            ("resource", (*_RESOURCE, *_OTHER_RESOURCES)),
        )
        for whose in owners
        for word in ("policy", "policies")
    },
}
_BY_FOLDED = {folded(name): layer for name, layer in _LAYERS.items()} | {
    folded(name): name for name in LAYERS
}


def layer_named(name: str) -> str | None:
    """The layer that a word means: its name, or what people call its policies."""
    return _BY_FOLDED.get(folded(name))


def by_layer(given: Any) -> tuple[Any, dict[str, Any]]:
    """The policies by layer, and the fact that says how they were understood; what has no one meaning stays as it is."""
    value = _parsed(given)
    if isinstance(value, dict) and "Statement" not in value:
        if any(map(layer_named, value)) or not _layer_of(value):
            return _renamed(value)
        value = [value]
    is_one = isinstance(value, dict) or (isinstance(value, str) and _is_named(value))
    policies = [value] if is_one else value
    if not isinstance(policies, list) or not policies:
        return given, {}
    layers: dict[str, list[Any]] = {}
    for policy in policies:
        layer = _layer_of(policy)
        if layer is None:
            return given, {}
        layers.setdefault(layer, []).append(policy)
    shown = " and ".join(f"`{layer}`" for layer in layers)
    return layers, {UNDERSTOOD: [f"`policies` as the layer {shown}"]}


def _parsed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return python_value(given)
    except (ValueError, RecursionError):
        return given


def _renamed(layers: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    names = {name: _BY_FOLDED.get(folded(name), name) for name in layers}
    changed = [
        f"{quoted(name)} as the layer `{layer}`"
        for name, layer in names.items()
        if folded(name) != folded(layer)
    ]
    renamed: dict[str, Any] = {}
    for name, value in layers.items():
        layer = names[name]
        if layer not in renamed:
            renamed[layer] = value
        elif layer == "identity" and value is not None and renamed[layer] is not None:
            # Inline and managed policies count alike; a request has one policy of its resource.
            renamed[layer] = [*_listed(renamed[layer]), *_listed(value)]
        else:
            return layers, {}
    for layer, value in renamed.items():
        if isinstance(value, dict) and "Statement" not in value and _are_named(value):
            renamed[layer], meaning = _by_name(layer, value)
            changed.append(f"`{layer}` as {meaning}")
    return renamed, {UNDERSTOOD: changed} if changed else {}


def _is_named(text: str) -> bool:
    """Whether a text is the name or the ARN of a policy that AWS has written."""
    # Imported here: most policies are no names.
    from aws_iam.engine.reference.managed_policies import is_policy_arn
    from aws_iam.engine.reference.named_policies import policy_named

    return is_policy_arn(text) or policy_named(text) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _are_named(value: dict[str, Any]) -> bool:
    """Whether an object has a policy, or a list of them, under each name of the caller's own."""
    return len(value) > 1 and all(
        all(map(_is_policy, own)) if isinstance(own, list) else _is_policy(own)
        for own in value.values()
    )


def _is_policy(value: Any) -> bool:
    if isinstance(value, str):
        return value.lstrip().startswith("{") or value in FULL_ACCESS.values() or _is_named(value)
    return isinstance(value, dict) and "Statement" in value


def _by_name(layer: str, value: dict[str, Any]) -> tuple[list[Any], str]:
    """The policies of an object, and what its names were taken for; InputError where they can be levels or policies of one."""
    parts = list(map(_listed, value.values()))
    flat = [policy for part in parts for policy in part]
    if layer not in LEVELLED:
        return flat, "policies by name"
    levels = [name for name in value if _LEVEL.fullmatch(name)]
    if len(levels) == len(value):
        return parts, "one level for each name"
    if levels or all(map(_allows, flat)):
        names = " and ".join(map(quoted, list(value)[:2]))
        raise InputError(
            f"{names} of `{layer}` can be levels of the organization or policies of one level",
            hint="give a list of levels, the root first, each a list of its policies",
        )
    # A level on which nothing is allowed would deny everything.
    return [flat], "policies of one level"


def _allows(policy: Any) -> bool:
    statements = policy.get("Statement") if isinstance(policy, dict) else ()
    rows = statements if isinstance(statements, list) else [statements]
    return isinstance(policy, str) or any(
        isinstance(row, dict) and row.get("Effect") == "Allow" for row in rows
    )


def _layer_of(policy: Any) -> str | None:
    """The layer that a policy on its own belongs to, or an answer of the AWS CLI that holds some; None for anything else."""
    if isinstance(policy, str) or (isinstance(policy, dict) and "Statement" in policy):
        return "resource" if _names_principals(policy) else "identity"
    if not isinstance(policy, dict):
        return None
    # Imported here: most policies stand alone.
    from aws_iam.engine.sources.gather import gathered

    try:
        found = gathered(policy)
    except InputError:
        return None
    kinds = {own.content.kind for own in found.sources if isinstance(own.content, Policy)}
    if not found.formats or not kinds:
        return None
    if Kind.IDENTITY in kinds:
        return "identity"
    return _LAYER_OF_KIND.get(kinds.pop()) if len(kinds) == 1 else None


def _names_principals(policy: Any) -> bool:
    statements = policy.get("Statement") if isinstance(policy, dict) else ()
    rows = statements if isinstance(statements, list) else [statements]
    return any(isinstance(row, dict) and not row.keys().isdisjoint(_PRINCIPALS) for row in rows)


_LAYER_OF_KIND = {
    Kind.RESOURCE: "resource",
    Kind.TRUST: "resource",
    Kind.SCP: "scp",
    Kind.RCP: "rcp",
}
# What people call the levels of an organization: `root`, `ou-ab12-…`, `Workloads OU`, `account`, its id.
_LEVEL = re.compile(
    r"(?:.*[\s_-])?(?:root|ou|account|level)(?:[\s_-]?\d+)?|ou-[\w-]+|r-\w{4,}|\d+", re.IGNORECASE
)
_PRINCIPALS = ("Principal", "NotPrincipal")
