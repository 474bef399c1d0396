"""Policies of resources that say who may use them: queues, topics, functions, keys, secrets, vaults, event buses."""

from __future__ import annotations

from dataclasses import dataclass

from aws_iam.account.facts.fact import Miss, many_in


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """The JSON text of a resource's policy; None: it has none."""

    arn: str
    document: str | Miss | None = None


QUEUE_POLICIES = many_in("sqs.policies", ResourcePolicy)
TOPIC_POLICIES = many_in("sns.policies", ResourcePolicy)
FUNCTION_POLICIES = many_in("lambda.policies", ResourcePolicy)
KEY_POLICIES = many_in("kms.policies", ResourcePolicy)
SECRET_POLICIES = many_in("secretsmanager.policies", ResourcePolicy)
VAULT_POLICIES = many_in("glacier.policies", ResourcePolicy)
BUS_POLICIES = many_in("events.policies", ResourcePolicy)
