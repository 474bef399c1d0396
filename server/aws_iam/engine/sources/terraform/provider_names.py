"""The providers that resources are made with, by the names that the root module has for them.

provider_of(block, scope, evaluator)   →   "aws.other", in a module that is called with `providers = { aws = aws.other }`

https://developer.hashicorp.com/terraform/language/modules/develop/providers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.syntax import (
    Attribute,
    Index,
    Literal,
    Name,
    ObjectExpression,
    described,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Expression

PROVIDER, PROVIDERS = "provider", "providers"


def provider_of(block: Block, scope: Scope, evaluator: Evaluator) -> str:
    """The provider of a resource or a data source."""
    named = block.body.attribute(PROVIDER)
    return scope.module.provider(_written(named, scope, evaluator) if named else _default(block))


def other_provider(block: Block, scope: Scope, evaluator: Evaluator) -> str:
    """The provider of a resource; empty for the one that all resources have which name none."""
    found = provider_of(block, scope, evaluator)
    return found if found != _default(block) else ""


def _default(block: Block) -> str:
    """The first word of the resource's type."""
    return block.labels[0].partition("_")[0]


def given_providers(block: Block, scope: Scope, evaluator: Evaluator) -> Mapping[str, str]:
    """The providers that a call of a module hands over, by the names that they have in it."""
    given = block.body.attribute(PROVIDERS)
    if not isinstance(given, ObjectExpression):
        return {}
    return {
        _written(key, scope, evaluator): scope.module.provider(_written(value, scope, evaluator))
        for key, value in given.members
    }


def _written(expression: Expression, scope: Scope, evaluator: Evaluator) -> str:
    """The name of a provider as it is referred to: `aws`, `aws.other`, or `aws.by["eu"]` where there is one for each key."""
    match expression:
        case Name(name=name):
            return name
        case Attribute(holder=holder, name=name):
            return f"{_written(holder, scope, evaluator)}.{name}"
        case Index(holder=holder, key=key):
            value = evaluator.value_or_hole(key, scope).text
            is_known = not evaluator.placeholders.within(value)
            own = value if is_known else _written(key, scope, evaluator)
            return f'{_written(holder, scope, evaluator)}["{own}"]'
        case Literal(value=value):
            return value.text
        case _:
            return described(expression)
