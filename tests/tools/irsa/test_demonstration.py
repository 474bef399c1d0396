"""`irsa check` of the demonstration account: each fault is told, and what is done right stays silent."""

from __future__ import annotations

from typing import Any

from aws_iam.answer import Status
from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.checks.catalogue import CHECKS


def ask(**arguments: Any) -> Any:
    return tool.run({"action": "check", **arguments}, cli=True)


def test_the_demonstration_account_has_its_two_open_roles() -> None:
    answer = ask(demo=True)
    worst = {(finding.code, finding.resource.rpartition("/")[2]) for finding in answer.findings if finding.severity == "critical"}  # fmt: skip
    assert worst == {
        ("OIDC-NO-TENANT", "github-deploy-legacy"),
        ("OIDC-TENANT-WILD", "gitlab-catalogue"),
    }
    assert answer.facts["checks"] == len(CHECKS)


def test_the_demonstration_account_has_clusters_with_faults_and_one_without() -> None:
    answer = ask(demo=True)
    shown = {(finding.code, finding.status.value, finding.resource.rpartition("/")[2]) for finding in answer.findings if "cluster/" in (finding.resource or "")}  # fmt: skip
    assert shown == {
        ("EKS-ADMIN", "fail", "storefront"),
        ("EKS-AUDIT-LOG", "fail", "storefront"),
        ("EKS-PUBLIC", "fail", "storefront"),
        ("EKS-AWS-AUTH", "fail", "warehouse"),
        ("EKS-SECRETS", "fail", "warehouse"),
        # The API does not show the administrators that stand in a ConfigMap.
        ("EKS-ADMIN", "unknown", "warehouse"),
    }
    assert "1 could not be judged" in answer.summary
    guarded = {finding.resource.rpartition("/")[2] for finding in answer.findings if finding.code == "TRUST_WITHOUT_SOURCE_CONDITION"}  # fmt: skip
    assert guarded == {"order-workflow", "task-execution", "trail-to-logs"}


def test_a_manifest_of_aws_auth_judges_the_cluster_that_it_opens() -> None:
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapUsers: |
    - userarn: arn:aws:iam::111122223333:user/bob.okafor
      groups: [system:masters]
"""
    answer = ask(demo=True, manifests=text)
    shown = [finding for finding in answer.findings if finding.code == "EKS-ADMIN"]
    assert {finding.status for finding in shown} == {Status.FAIL}
    assert any("by the ConfigMap aws-auth" in finding.message for finding in shown)
