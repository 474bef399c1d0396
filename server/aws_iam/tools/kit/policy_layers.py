"""The argument `policies` as people give it: an object of layers, a bare policy or a list of them."""

from __future__ import annotations

from typing import Any

from aws_iam.engine.evaluation.layers import LAYERS
from aws_iam.engine.parsing.json_text import python_value
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.tool import UNDERSTOOD

_LAYERS = {
    "scps": "scp",
    "service control policies": "scp",
    "rcps": "rcp",
    "resource control policies": "rcp",
    "identity policy": "identity",
    "identity policies": "identity",
    "identity based": "identity",
    "identity based policy": "identity",
    "identity based policies": "identity",
    "resource policy": "resource",
    "resource policies": "resource",
    "bucket policy": "resource",
    "trust": "resource",
    "trust policy": "resource",
    "assume role policy": "resource",
    "assume role policy document": "resource",
    "queue policy": "resource",
    "topic policy": "resource",
    "resource based": "resource",
    "resource based policy": "resource",
    "resource based policies": "resource",
    "key policy": "resource",
    "permissions boundary": "boundary",
    "permission boundary": "boundary",
    "session policy": "session",
    "session policies": "session",
    "vpc endpoint policy": "vpc_endpoint",
    "endpoint policy": "vpc_endpoint",
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
        return _renamed(value)
    is_one = isinstance(value, dict) or (isinstance(value, str) and _is_named(value))
    policies = [value] if is_one else value
    if not isinstance(policies, list) or not policies or not all(map(_is_policy, policies)):
        return given, {}
    layers: dict[str, list[Any]] = {}
    for policy in policies:
        layers.setdefault("resource" if _names_principals(policy) else "identity", []).append(
            policy
        )
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
    if len(set(names.values())) < len(names):
        return layers, {}
    renamed = {names[name]: value for name, value in layers.items()}
    return renamed, {UNDERSTOOD: changed} if changed else {}


def _is_named(text: str) -> bool:
    """Whether a text is the name or the ARN of a policy that AWS has written."""
    # Imported here: most policies are no names.
    from aws_iam.engine.reference.managed_policies import is_policy_arn
    from aws_iam.engine.reference.named_policies import policy_named

    return is_policy_arn(text) or policy_named(text) is not None


def _is_policy(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and "Statement" in value)


def _names_principals(policy: Any) -> bool:
    statements = policy.get("Statement") if isinstance(policy, dict) else ()
    rows = statements if isinstance(statements, list) else [statements]
    return any(isinstance(row, dict) and not row.keys().isdisjoint(_PRINCIPALS) for row in rows)


_PRINCIPALS = ("Principal", "NotPrincipal")
