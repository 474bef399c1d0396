"""The actions of the tool `policy`: facts about actions, what policies allow, denials, comparisons, new policies."""

from __future__ import annotations

from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.engine.language.document import Kind
from aws_iam.report.catalogue import policy_formats
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit.parameters import GRADES, Connection, Topic
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool
from aws_iam.tools.policy.explain import explain as policy_explain
from aws_iam.tools.policy.generate import template as policy_template
from aws_iam.tools.policy.lookup import lookup as policy_lookup
from aws_iam.tools.policy.validate import access_analyzer
from aws_iam.tools.policy.validate import validate as policy_validate
from aws_iam.tools.policy.validate.report_file import Report

tool = Tool(
    "policy",
    title="IAM policies",
    description="Look up, validate, evaluate, compare, explain, denied, generate, template; offline unless `online`.",
    default="guide",
)

_KINDS = {
    "identity policy": "identity",
    "managed policy": "identity",
    "inline policy": "identity",
    "permission policy": "identity",
    "resource policy": "resource",
    "bucket policy": "resource",
    "key policy": "resource",
    "queue policy": "resource",
    "trust policy": "trust",
    "assume role policy": "trust",
    "service control policy": "scp",
    "resource control policy": "rcp",
    "permissions boundary": "boundary",
    "permission boundary": "boundary",
    "session policy": "session",
}
Document = Annotated[
    Json,
    Parameter(
        "policy: JSON value or text; the ARN of an AWS managed policy",
        document=True,
        policies=True,
        also=("policy", "policy_document", "new"),
    ),
]
PolicyKind = Annotated[Kind | None, Parameter("kind of policy; absent: guessed", synonyms=_KINDS)]


@tool.action
def guide(topic: Topic = None) -> Answer:
    """Quote a section of the policy reference, or its contents."""
    from aws_iam.tools.policy.validate import rules_page

    return pages.guide("policy-design", topic, rules_page.explained)


@tool.action
def lookup(
    query: Annotated[
        str,
        Parameter(
            "service, action, wildcard, key, ARN, type, SDK call, `aws s3 sync`, Terraform or managed policy name; several with commas",
            several=True,
            also=("name", "action_name", "q"),
        ),
    ],
) -> Answer:
    """Give the facts about an action, service, condition key, ARN, SDK call or command."""
    return policy_lookup.lookup(query)


@tool.artifact_action
def validate(
    document: Document,
    kind: PolicyKind = None,
    resource_type: Annotated[str | None, Parameter("attached to: AWS::S3::Bucket, …")] = None,
    *,
    online: Annotated[bool, Parameter("ask IAM Access Analyzer too")] = False,
    format_: Annotated[str | None, Parameter("report file", choices=policy_formats)] = None,
    fail_on: Annotated[
        str, Parameter("tests fail at or above it", choices=GRADES, cli_only=True)
    ] = "high",
    connection: Connection,
    progress: Progress,
) -> Answer:
    """Report a policy's problems, worst first."""
    access_analyzer.refuse_connection_without_online(connection, online=online)
    aws = (connection, progress) if online else None
    report = Report(format=format_, fail_on=fail_on) if format_ else None
    return policy_validate.validate_policies(document, kind, resource_type, aws=aws, report=report)


@tool.action
def evaluate(
    request: Annotated[
        Json, Parameter("object: principal, action, resource, context, …", document=True)
    ],
    policies: Annotated[
        Json,
        Parameter("object: identity, resource, scp, rcp, boundary, session, …", document=True),
    ],
) -> Answer:
    """Evaluate a request as AWS does, and name the statements that decide it."""
    from aws_iam.tools.policy.evaluate import evaluate as policy_evaluate

    return policy_evaluate.evaluate(request, policies)


@tool.action
def compare(
    document: Document,
    baseline: Annotated[
        Json,
        Parameter("policy to compare with", document=True, policies=True, also=("old", "before")),
    ] = None,
    forbidden: Annotated[
        Json, Parameter("object: actions, resources it must not grant", document=True)
    ] = None,
    policy: Annotated[
        str | None, Parameter("of several policies in a file: logical id, address, name")
    ] = None,
    *,
    public: Annotated[bool, Parameter("it must not admit strangers")] = False,
) -> Answer:
    """Show what a policy allows more or less than another one, with proof."""
    from aws_iam.tools.policy.evaluate import compare as policy_compare

    return policy_compare.compare(document, baseline, forbidden, policy, strangers=public)


@tool.action
def explain(document: Document, kind: PolicyKind = None) -> Answer:
    """Explain a policy in plain sentences: who may do what, access by service, risks."""
    return policy_explain.explain_policies(document, kind)


@tool.action
def denied(
    message: Annotated[
        str, Parameter("AccessDenied text: error, log, event", also=("error", "text"))
    ],
    policies: Annotated[
        Json, Parameter("object: layer to policy or list of policies", document=True)
    ] = None,
) -> Answer:
    """Explain an AccessDenied message: the layer, what it omits, the smallest change with proof."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.denied import denied as policy_denied

    return policy_denied.denied(message, policies)


@tool.artifact_action
def generate(
    needs: Annotated[
        Json, Parameter("object: access level or action to ARNs", document=True)
    ] = None,
    conditions: Annotated[Json, Parameter("Condition element to add", document=True)] = None,
    events: Annotated[Json, Parameter("CloudTrail records", document=True, records=True)] = None,
    principal: Annotated[str | None, Parameter("caller: role or user ARN, or name")] = None,
    *,
    generalize: Annotated[bool, Parameter("several keys to their folder, ids to `*`")] = False,
) -> Answer:
    """Generate the least-privilege policy for access needs, or for what CloudTrail events show."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.generate import generate as policy_generate

    return policy_generate.generate_policies(
        needs, conditions, events, principal, generalize=generalize
    )


@tool.artifact_action
def template(
    name: Annotated[str | None, Parameter("template; absent: the list")] = None,
    values: Annotated[Json, Parameter("object: hole to value", document=True)] = None,
) -> Answer:
    """List the policy templates, or fill one."""
    return policy_template.template(name, values)
