"""No false alarms: AWS's own managed policies, as moto ships them, under the rules for errors."""

from __future__ import annotations

import json
from collections import Counter

from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam.answer import Severity
from aws_iam.modes.policy_validate import validate

# What these policies of AWS really have wrong, or what no source of ours knows; each was looked at.
KNOWN = {
    # Services that AWS closed long before the oldest source.
    "INVALID_SERVICE_IN_ACTION": {
        "AWSDeepLensLambdaFunctionAccessPolicy",
        "AWSDeepLensServiceRolePolicy",
        "AmazonZocaloFullAccess",
        "AmazonZocaloReadOnlyAccess",
    },
    # A key that AWS uses and does not document.
    "INVALID_GLOBAL_CONDITION_KEY": {"AWSSSOServiceRolePolicy"},
    "INVALID_SERVICE_CONDITION_KEY": {"AmazonDataZoneGlueManageAccessRolePolicy"},
    # `events:detail-type` is a key of several values in AWS's reference.
    "MISSING_QUALIFIER": {
        "AWSAuditManagerAdministratorAccess",
        "CloudTrailEventContext",
        "SageMakerStudioProjectProvisioningRolePolicy",
    },
    # `arn:aws:kms:*::*`: keys and aliases have an account.
    "MISSING_ARN_ACCOUNT": {"AWSRefactoringToolkitFullAccess"},
}


def test_the_rules_find_next_to_no_error_in_the_managed_policies_of_aws() -> None:
    policies = json.loads(aws_managed_policies_data)
    unknown: Counter[tuple[str, str]] = Counter()
    for name, managed in policies.items():
        for finding in validate(managed["Document"], "identity"):
            known = name in KNOWN.get(finding.code, set())
            if finding.severity is Severity.ERROR and not known:
                unknown[finding.code, name] += 1
    counted = Counter(code for code, _ in unknown)
    # Misspelled resource types, of which no ARN can be: `stack/NAME` without id, `vpc-endpoint:`, `statemachine:`.
    assert counted.pop("INVALID_ARN_RESOURCE", 0) <= 15
    # Actions in one statement with a key that the reference gives to others only; reported as unsure.
    assert counted.pop("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", 0) <= 13
    # A newer moto may bring policies that are newer than the service data: one in 300 at most.
    assert counted.total() <= len(policies) / 300, unknown
