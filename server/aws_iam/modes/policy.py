"""The tool `policy`: facts about actions, the problems of policies, templates."""

from __future__ import annotations

from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.modes import guide as pages
from aws_iam.modes import policy_explain, policy_lookup, policy_online, policy_template, policy_validate
from aws_iam.modes.parameters import Connection, Document, Topic
from aws_iam.modes.policy_report import Format
from aws_iam.modes.tool import Json, Parameter, Progress, Tool
from aws_iam.policy.document import Kind

tool = Tool(
    "policy",
    title="IAM policies",
    description="IAM policies: look actions and ARNs up, validate policies, fill templates. Offline unless `online`.",
    default="guide",
    live=True,
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


@tool.artifact_action
def validate(
    document: Document,
    kind: PolicyKind = None,
    resource_type: Annotated[
        str | None, Parameter("what a resource policy is attached to: AWS::S3::Bucket, …")
    ] = None,
    *,
    online: Annotated[bool, Parameter("ask IAM Access Analyzer too")] = False,
    format_: Annotated[Format | None, Parameter("report file")] = None,
    connection: Connection,
    progress: Progress,
) -> Answer:
    """Report a policy's problems, worst first."""
    policy_online.refuse_without(connection, online=online)
    aws = (connection, progress) if online else None
    return policy_validate.validated(document, kind, resource_type, aws=aws, report=format_)


@tool.action
def explain(document: Document, kind: PolicyKind = None) -> Answer:
    """Put a policy into plain sentences: who may do what, access by service, risks."""
    return policy_explain.explained(document, kind)


@tool.artifact_action
def generate(
    needs: Annotated[
        Json, Parameter("object: access level or action to list of ARNs", document=True)
    ],
    conditions: Annotated[Json, Parameter("Condition element to add", document=True)] = None,
) -> Answer:
    """Make the least-privilege policy for access needs."""
    # Inside the function: the other actions must not pay for it at every start.
    from aws_iam.modes import policy_generate

    return policy_generate.generate(needs, conditions)


@tool.artifact_action
def template(
    name: Annotated[str | None, Parameter("template; absent: the list")] = None,
    values: Annotated[Json, Parameter("object: hole to value", document=True)] = None,
) -> Answer:
    """List the policy templates, or fill one."""
    return policy_template.template(name, values)
