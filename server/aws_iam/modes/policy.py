"""The tool `policy`: facts about actions, the problems of policies, templates."""

from __future__ import annotations

from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.modes import guide as pages
from aws_iam.modes import policy_lookup, policy_template, policy_validate
from aws_iam.modes.parameters import Document, Topic
from aws_iam.modes.tool import Json, Parameter, Tool
from aws_iam.policy.document import Kind

tool = Tool(
    "policy",
    title="IAM policies",
    description="IAM policies, offline: look actions and ARNs up, validate policies, fill templates.",
    default="guide",
    live=False,
)

PolicyKind = Annotated[Kind | None, Parameter("kind of policy; absent: guessed")]


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the policy reference, or its contents."""
    return pages.guide("policy-design", topic)


@tool.action
def lookup(
    query: Annotated[
        str, Parameter("service, action or wildcard, condition key, ARN, resource type")
    ],
) -> Answer:
    """Give the facts about an action, service, condition key or ARN."""
    return policy_lookup.lookup(query)


@tool.action
def validate(document: Document, kind: PolicyKind = None) -> Answer:
    """Report a policy's problems, worst first."""
    return policy_validate.validated(document, kind)


@tool.artifact_action
def template(
    name: Annotated[str | None, Parameter("template; absent: the list")] = None,
    values: Annotated[Json, Parameter("object: hole to value", document=True)] = None,
) -> Answer:
    """List the policy templates, or fill one."""
    return policy_template.template(name, values)
