"""The arguments of a module that is not at hand which say who may do what: by their names, and by what they hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Body

_NAMED = re.compile(
    r"(?:^|_)(?:access_entr(?:y|ies)|assume|auth(?:orization)?_type|boundar(?:y|ies)|function_url|grants?|iam|irsa|permissions?"
    r"|polic(?:y|ies)|principals?|rbac|roles?|scps?|statements?|trusted)(?:_|$)|^(?:acl|actions)$|(?:block|restrict|ignore)_public_"
)
# Policies of something else, and what only names or describes.
_OTHERS = re.compile(
    r"(?:^|_)(?:auto_?scaling|backup|cache|deletion|delivery|dlm|eviction|health|image_pull|lifecycle|maxmemory|origin_request|password"
    r"|placement|recovery_point|redrive|removal|replication|response_headers|restart|retention|retry|rotation|scaling|security_policy"
    r"|ssl|step|target_tracking|tls|update|viewer_protocol)(?:_|$)|_(?:description|id|name|path|prefix|tags|timeouts?)$"
)
_ARN = re.compile(r"arn:[\w-]*:(?:iam|sts)::|arn:[\w-]*:eks::aws:cluster-access-policy/")
_ACTION = re.compile(r"([a-z][a-z0-9-]{1,40}):(?:\*|[A-Z][A-Za-z0-9]*\*?)")
_KEYS = frozenset(
    {"actions", "effect", "not_actions", "policy", "policy_arn", "policy_arns", "policy_document", "principal", "principal_arn", "principals", "statement", "statements"}
)  # fmt: skip


def access_arguments(evaluator: Evaluator, body: Body, scope: Scope) -> Iterator[str]:
    """The names of those arguments."""
    for name in body.attribute_names:
        expression = body.attribute(name)
        if expression is None or _OTHERS.search(name):
            continue
        if is_access_name(name) or _says_access(
            evaluator, evaluator.value_or_hole(expression, scope)
        ):
            yield name


def is_access_name(name: str) -> bool:
    """Whether an argument of this name says who may do what."""
    return bool(_NAMED.search(name)) and not _OTHERS.search(name)


def access_in_text(text: str) -> bool:
    """Whether a text is the ARN of a principal or a policy, or an action."""
    action = _ACTION.fullmatch(text)
    return bool(_ARN.match(text)) or bool(action and catalog().service(action[1]))


def _says_access(evaluator: Evaluator, value: Node) -> bool:
    todo = [value]
    while todo:
        node = todo.pop()
        evaluator.budget.spend()
        if node.form is Form.STRING and access_in_text(node.text):
            return True
        if any(member.key.lower() in _KEYS for member in node.members):
            return True
        todo += (*node.items, *(member.value for member in node.members))
    return False
