"""The rules, one file per family. Families of policy rules are listed here; those of an account load apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules.policy.actions import (
    action_names,
    action_resource_fit,
    pass_role,
    required_companion_keys,
    resource_tags,
    wildcards,
)
from aws_iam.rules.policy.conditions import (
    condition_values,
    ip_addresses,
    key_presence,
    key_types,
    lone_wildcards,
    mfa,
    never_matches,
    operators_and_keys,
    set_operators,
)
from aws_iam.rules.policy.delegation import permissions_boundary, scp_rcp
from aws_iam.rules.policy.document import (
    elements,
    empty_elements,
    grammar,
    policy_variables,
    redundant_statements,
    size_limits,
)
from aws_iam.rules.policy.principals import (
    confused_deputy,
    data_perimeter,
    not_principal,
    principal_format,
    public_access,
)
from aws_iam.rules.policy.resources import (
    arn_format,
    attached_resource,
    identifiers,
    regions_and_partitions,
)
from aws_iam.rules.policy.trust import oidc_trust, role_trust, saml_cognito_pods, token_audience
from aws_iam.rules.rule import Rule, rules_in

if TYPE_CHECKING:
    from types import ModuleType

MODULES: tuple[ModuleType, ...] = (
    grammar,
    elements,
    empty_elements,
    action_names,
    arn_format,
    action_resource_fit,
    wildcards,
    pass_role,
    operators_and_keys,
    key_types,
    required_companion_keys,
    key_presence,
    resource_tags,
    lone_wildcards,
    condition_values,
    identifiers,
    ip_addresses,
    policy_variables,
    principal_format,
    attached_resource,
    public_access,
    role_trust,
    oidc_trust,
    token_audience,
    saml_cognito_pods,
    confused_deputy,
    mfa,
    permissions_boundary,
    regions_and_partitions,
    data_perimeter,
    not_principal,
    set_operators,
    never_matches,
    redundant_statements,
    scp_rcp,
    size_limits,
)
"""The families of `policy validate`, in the order in which a policy is read."""

POLICY_RULES: tuple[Rule[Any], ...] = rules_in(*MODULES)
