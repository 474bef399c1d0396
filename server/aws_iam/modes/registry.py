"""The five tools, in the order in which every face shows them."""

from __future__ import annotations

from aws_iam.modes import audit, irsa, kms, policy, secrets

TOOLS = (policy.tool, secrets.tool, kms.tool, irsa.tool, audit.tool)
