"""The rules, one file per family. Families of policy rules are listed here; those of an account load apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules import (
    actions,
    addresses,
    arns,
    companions,
    conditions,
    elements,
    empties,
    exposure,
    grammar,
    guardrails,
    key_types,
    oidc,
    principals,
    reach,
    roles,
    trust,
    values,
    variables,
    wildcards,
)
from aws_iam.rules.rule import Rule, rules_in

if TYPE_CHECKING:
    from types import ModuleType

MODULES: tuple[ModuleType, ...] = (
    grammar,
    elements,
    empties,
    actions,
    arns,
    reach,
    wildcards,
    roles,
    conditions,
    key_types,
    companions,
    values,
    addresses,
    variables,
    principals,
    exposure,
    trust,
    oidc,
    guardrails,
)
"""The families of `policy validate`, in the order in which a policy is read."""

POLICY_RULES: tuple[Rule[Any], ...] = rules_in(*MODULES)
