"""Every rule on policy documents by family, and the issue codes of ValidatePolicy that no rule raises, with the reason."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aws_iam.frozen import slotted
from aws_iam.rules.check import Check, checks_in
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
from aws_iam.rules.policy.delegation import lifted_boundary, permissions_boundary, scp_rcp
from aws_iam.rules.policy.document import (
    elements,
    empty_elements,
    grammar,
    placeholders,
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
    whole_accounts,
)
from aws_iam.rules.policy.resources import (
    arn_format,
    attached_resource,
    identifiers,
    lockouts,
    regions_and_partitions,
)
from aws_iam.rules.policy.trust import (
    oidc_trust,
    role_trust,
    saml_cognito_pods,
    token_audience,
    token_scope,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.rules.checks_page import Families

FAMILIES: Families = (
    ("Grammar", grammar),
    ("Elements", elements),
    ("Empty elements", empty_elements),
    ("Action names", action_names),
    ("ARN format", arn_format),
    ("Actions and resources that do not fit", action_resource_fit),
    ("Wildcards", wildcards),
    ("PassRole", pass_role),
    ("Operators and keys", operators_and_keys),
    ("Key types", key_types),
    ("Required companion keys", required_companion_keys),
    ("Key presence", key_presence),
    ("Resource tags", resource_tags),
    ("Lone wildcards", lone_wildcards),
    ("Condition values", condition_values),
    ("Identifiers", identifiers),
    ("IP addresses", ip_addresses),
    ("Policy variables", policy_variables),
    ("Placeholders", placeholders),
    ("Principal format", principal_format),
    ("Attached resource", attached_resource),
    ("Lockouts", lockouts),
    ("Public access", public_access),
    ("Whole accounts", whole_accounts),
    ("Role trust", role_trust),
    ("OIDC trust", oidc_trust),
    ("Token audience", token_audience),
    ("Token scope", token_scope),
    ("Federation and pods", saml_cognito_pods),
    ("Confused deputy", confused_deputy),
    ("MFA", mfa),
    ("Permissions boundary", permissions_boundary),
    ("Removal of a permissions boundary", lifted_boundary),
    ("Regions and partitions", regions_and_partitions),
    ("Data perimeter", data_perimeter),
    ("NotPrincipal", not_principal),
    ("Set operators", set_operators),
    ("Never matches", never_matches),
    ("Redundant statements", redundant_statements),
    ("SCP and RCP", scp_rcp),
    ("Size limits", size_limits),
)
"""The families of `policy validate`, in the order in which a policy is read. The order decides ties between findings."""

POLICY_RULES: tuple[Check[Any], ...] = checks_in(*(module for _, module in FAMILIES))
ENDED_EARLY = frozenset(
    (redundant_statements.beyond_comparison.code, wildcards.list_not_compared.code)
)
"""The codes that say that a search for problems ended early."""


@slotted
class NotOffline:
    """Why a code is not raised, and the page that supports the reason."""

    reason: str
    source: str


NOT_OFFLINE: Mapping[str, NotOffline] = MappingProxyType(
    {
        "DEPRECATED_GLOBAL_CONDITION_KEY": NotOffline(
            reason="it concerns only `aws:ARN`, for which UNSUPPORTED_GLOBAL_CONDITION_KEY, an error, is raised; AWS does not"
            " document when it reports the milder code",
            source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
            "#access-analyzer-reference-policy-checks-general-warning-deprecated-global-condition-key",
        ),
        "SCP_SYNTAX_ERROR_ACTION_WILDCARD": NotOffline(
            reason="it allows a wildcard only at the end of an action in a service control policy, but by AWS's page on their"
            " syntax `*` and `?` are allowed anywhere",
            source="https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html",
        ),
        "INVALID_ARN_RESOURCE": NotOffline(
            reason="ValidatePolicy accepts ARNs that follow no format of the reference (recorded for AWS managed policies),"
            " and what it reports under this code is not documented: such ARNs are reported as ARN_OF_UNKNOWN_FORMAT",
            source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
            "#access-analyzer-reference-policy-checks-error-invalid-arn-resource",
        ),
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY": NotOffline(
            reason="ValidatePolicy accepts keys that only some of a statement's actions have (recorded for AWS managed"
            " policies): such keys are reported as KEY_NOT_SUPPORTED_BY_ACTION",
            source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
            "#access-analyzer-reference-policy-checks-error-unsupported-action-for-condition-key",
        ),
    }
)
"""Issue codes of ValidatePolicy that no rule raises; every other code has a rule."""
