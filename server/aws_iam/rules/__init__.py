"""The rules, one file per family. Families of policy rules are listed here; those of an account load apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules import (
    actions,
    addresses,
    arns,
    attachment,
    audiences,
    companions,
    conditions,
    delegation,
    deputies,
    elements,
    empties,
    exposure,
    federation,
    grammar,
    guardrails,
    identifiers,
    key_types,
    mfa,
    multivalued,
    never_applies,
    not_principal,
    oidc,
    perimeter,
    presence,
    principals,
    reach,
    regions,
    roles,
    shadowing,
    sizes,
    tags,
    trust,
    vacuous,
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
    presence,
    tags,
    vacuous,
    values,
    identifiers,
    addresses,
    variables,
    principals,
    attachment,
    exposure,
    trust,
    oidc,
    audiences,
    federation,
    deputies,
    mfa,
    delegation,
    regions,
    perimeter,
    not_principal,
    multivalued,
    never_applies,
    shadowing,
    guardrails,
    sizes,
)
"""The families of `policy validate`, in the order in which a policy is read."""

POLICY_RULES: tuple[Rule[Any], ...] = rules_in(*MODULES)
