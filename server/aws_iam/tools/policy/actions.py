"""The actions of the tool `policy`: facts about actions, what policies allow, denials, comparisons, new policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from aws_iam.answer import Answer
from aws_iam.engine.sources.files import Files
from aws_iam.tools.kit import guide as pages
from aws_iam.tools.kit.parameters import (
    NEVER,
    SEVERITIES,
    Connection,
    Topic,
    refuse_connection_without_online,
)
from aws_iam.tools.kit.tool import Json, Parameter, Progress, Tool
from aws_iam.tools.policy.cases.arguments import CaseArguments
from aws_iam.tools.policy.parameters import (
    POLICIES_NAMES,
    Document,
    DocumentBesideLayers,
    LimitedKind,
    NewDocument,
    PolicyKind,
    ReportFile,
    ResourceType,
)
from aws_iam.tools.policy.words import ALSO, ASKED

tool = Tool(
    "policy",
    title="IAM policies",
    subject="IAM policies",
    asked=ASKED,
    default="guide",
    also=ALSO,
)


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
            also=(
                "name",
                "actions",
                "action_name",
                "service",
                "condition_key",
                "arn",
                "search",
                "term",
                "keyword",
            ),
            brief="name, wildcard, ARN, command, SDK call",
            by_position=True,
        ),
    ],
) -> Answer:
    """Give the facts about an action, service, condition key, ARN, SDK call or command."""
    from aws_iam.tools.policy.lookup import lookup as policy_lookup

    return policy_lookup.lookup(query)


@tool.artifact_action
def validate(
    document: Document,
    kind: PolicyKind = None,
    resource_type: ResourceType = None,
    *,
    online: Annotated[bool, Parameter("ask IAM Access Analyzer too", brief="ask AWS too")] = False,
    format_: ReportFile = None,
    fail_on: Annotated[
        str, Parameter("tests fail at or above it", choices=(*SEVERITIES, NEVER), cli_only=True)
    ] = "high",
    write_baseline: Annotated[
        bool, Parameter("list today's problems in aws-iam.toml, to be told no more", cli_only=True)
    ] = False,
    if_any: Annotated[
        bool, Parameter("files without a policy are no error", cli_only=True)
    ] = False,
    fail_on_unread: Annotated[
        bool, Parameter("a file that could not be read fails, too", cli_only=True)
    ] = False,
    connection: Connection,
    progress: Progress,
) -> Answer:
    """Report a policy's problems, worst first."""
    # Imported here: listing the tools must not load the rules.
    from aws_iam.tools.policy.validate import validate as policy_validate
    from aws_iam.tools.policy.validate.report_file import Report

    refuse_connection_without_online(connection, online=online)
    if if_any and isinstance(document, Files):
        document = replace(document, chosen=True)
    aws = (connection, progress) if online else None
    report = None
    if format_:
        report = Report(format=format_, fail_on=fail_on, fail_on_unread=fail_on_unread)
    return policy_validate.validate_policies(
        document, kind, resource_type, aws=aws, report=report, begins_list=write_baseline
    )


# `action` on its own is the tool's own argument.
_OF_A_REQUEST = (
    *(
        "principal",
        "principal_arn",
        "caller",
        "actions",
        "action_name",
        "action_names",
        "operation",
    ),
    *("resource", "resources", "resource_arn", "context", "context_keys"),
)


@tool.action
def evaluate(
    request: Annotated[
        Json,
        Parameter(
            "object: principal, action (or a list), resource, context, …",
            document=True,
            also=("simulation", "requests"),
            members=_OF_A_REQUEST,
            brief="{principal, action or list, resource, context}",
            by_position=True,
        ),
    ],
    policies: Annotated[
        Json,
        Parameter(
            "policy, list, or object by layer: identity, resource, scp, rcp, boundary, session, vpc_endpoint",
            document=True,
            also=POLICIES_NAMES,
            brief="policy, list, or {identity, resource, scp, rcp, boundary, session, vpc_endpoint}",
            by_position=True,
        ),
    ],
) -> Answer:
    """Evaluate a request as AWS does, and name the statements that decide it."""
    from aws_iam.tools.policy.evaluate import evaluate as policy_evaluate

    return policy_evaluate.evaluate(request, policies)


@tool.action
def compare(
    document: NewDocument,
    baseline: Annotated[
        Json,
        Parameter(
            "the old policy, to compare with",
            document=True,
            policies=True,
            also=("old", "before", "previous", "reference", "policy_b", "old_policy"),
            brief="old policy",
            by_position=True,
        ),
    ] = None,
    forbidden: Annotated[
        Json,
        Parameter(
            "what it must not grant: actions, or object: actions, resources",
            document=True,
            also=("must_not_grant", "not_allowed", "forbidden_actions"),
            brief="{actions, resources}",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        Parameter(
            "of several policies in a file: logical id, address, name",
            brief="one of several",
        ),
    ] = None,
    *,
    public: Annotated[
        bool,
        Parameter(
            "must not be open to strangers",
            also=("must_not_be_public",),
            brief="to strangers?",
        ),
    ] = False,
) -> Answer:
    """Show what a policy allows more or less than another one, with proof."""
    from aws_iam.tools.policy.evaluate import compare as policy_compare

    return policy_compare.compare(document, baseline, forbidden, policy, strangers=public)


@tool.artifact_action
def review(
    document: NewDocument = None,
    baseline: Annotated[
        Json,
        Parameter(
            "the policies before the change",
            document=True,
            policies=True,
            also=("old", "before", "previous", "old_policy"),
            brief="before the change",
        ),
    ] = None,
    base: Annotated[
        str | None,
        Parameter(
            "git revision to review the work tree against", cli_only=True, also=("against",)
        ),
    ] = None,
    format_: ReportFile = None,
    fail_on: Annotated[
        str, Parameter("tests fail at or above it", choices=(*SEVERITIES, NEVER), cli_only=True)
    ] = "high",
    *,
    fail_on_unread: Annotated[
        bool, Parameter("a file that could not be read fails, too", cli_only=True)
    ] = False,
) -> Answer:
    """Review what a change to policies or code does to access."""
    # Imported here: listing the tools must not load the rules.
    from aws_iam.tools.policy.review import review as policy_review
    from aws_iam.tools.policy.validate.report_file import Report

    report = None
    if format_:
        report = Report(
            format=format_, fail_on=fail_on, action="review", fail_on_unread=fail_on_unread
        )
    return policy_review.review(document, baseline, base, report)


@tool.artifact_action
def test(asked: CaseArguments) -> Answer:
    """Test policies: requests with the decision that each must get."""
    # Imported here: listing the tools must not load it.
    if asked.init:
        from aws_iam.tools.policy.cases.first_cases import first_cases

        return first_cases(asked.first_of, asked.policy, asked.out)
    from aws_iam.tools.policy.cases.run_cases import run_cases

    return run_cases(asked.all_cases, asked.document, asked.policies, asked.policy, asked.format)


@tool.action
def explain(document: Document, kind: PolicyKind = None) -> Answer:
    """Explain a policy in plain sentences: who may do what, access by service, risks."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.explain import explain as policy_explain

    return policy_explain.explain_policies(document, kind)


@tool.action
def denied(
    message: Annotated[
        str | None,
        Parameter(
            "the AccessDenied text: error, log line, CloudTrail event",
            also=(
                "error",
                "error_message",
                "text",
                "event",
                "error_text",
                "log",
                "access_denied_message",
                "cloudtrail_event",
            ),
            as_text=True,
            brief="AccessDenied text",
            by_position=True,
        ),
    ] = None,
    policies: Annotated[
        Json,
        Parameter(
            "policy, list, or object by layer",
            document=True,
            also=POLICIES_NAMES,
        ),
    ] = None,
    authorization: Annotated[
        Json,
        Parameter(
            "AWS's record of the denial: {details, policies: {URI: document}}",
            document=True,
            also=("authorization_details", "record"),
            brief="AWS's record",
        ),
    ] = None,
    *,
    online: Annotated[bool, Parameter("read AWS's record by the message's ID", brief="")] = False,
    connection: Connection,
    progress: Progress,
) -> Answer:
    """Explain an AccessDenied message: the layer, what it omits, the smallest change with proof."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.denied import denied as policy_denied

    refuse_connection_without_online(connection, online=online)
    aws = (connection, progress) if online else None
    return policy_denied.denied(message, policies, authorization, online=aws)


_Requests = Parameter(
    "requests as for `evaluate`, a list; action and resource may be patterns or a level",
    document=True,
    brief="requests, patterns",
)


@tool.artifact_action
def repair(
    document: DocumentBesideLayers,
    allow: Annotated[
        Json, replace(_Requests, also=("allowed", "must_allow", "should_allow", "allow_requests"))
    ] = None,
    deny: Annotated[
        Json,
        replace(
            _Requests,
            brief="",
            also=("denied", "must_deny", "must_not_allow", "should_deny", "deny_requests"),
        ),
    ] = None,
    policies: Annotated[
        Json,
        Parameter(
            "policy, list, or object by layer",
            document=True,
        ),
    ] = None,
    kind: PolicyKind = None,
) -> Answer:
    """Edit a policy as little as possible until requests are allowed and denied as asked, with proof."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.repair import repair as policy_repair

    return policy_repair.repair_policy(document, allow, deny, policies, kind)


@tool.artifact_action
def generate(
    needs: Annotated[
        Json,
        Parameter(
            'access level or action to ARNs: {"read": "arn:aws:s3:::b/*"}',
            document=True,
            also=("access", "permissions", "requirements"),
            members=(
                "actions",
                "resource",
                "resources",
                "arn",
                "arns",
                "read",
                "write",
                "list",
                "manage",
            ),
            brief="{read: ARN}: levels or actions",
            by_position=True,
        ),
    ] = None,
    conditions: Annotated[
        Json,
        Parameter(
            "Condition element to add",
            document=True,
            also=("condition",),
            brief="Condition",
        ),
    ] = None,
    events: Annotated[
        Json,
        Parameter(
            "CloudTrail records",
            document=True,
            records=True,
            also=("records", "event", "logs", "cloudtrail_events"),
            brief="of CloudTrail",
        ),
    ] = None,
    principal: Annotated[
        str | None,
        Parameter(
            "caller: role or user ARN, or name", also=("role", "caller", "user"), brief="caller"
        ),
    ] = None,
    *,
    generalize: Annotated[
        bool, Parameter("several keys to their folder, ids to `*`", brief="keys to folders")
    ] = False,
    for_: Annotated[
        str | None,
        Parameter(
            "session: one policy of 2,048 characters for temporary credentials, with the call",
            brief="",
            choices=("session",),
            also=("purpose", "target"),
            synonyms={
                "session policy": "session",
                "assume role": "session",
                "federation token": "session",
                "scoped credentials": "session",
            },
        ),
    ] = None,
) -> Answer:
    """Generate the least-privilege policy for access needs, or for what CloudTrail events show."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.generate import generate as policy_generate

    return policy_generate.generate_policies(
        needs, conditions, events, principal, generalize=generalize, session=for_ == "session"
    )


@tool.artifact_action
def shrink(
    document: Document,
    kind: LimitedKind = None,
    resource_type: ResourceType = None,
    limit: Annotated[
        str | None,
        Parameter(
            "characters; `role`, `user`, `group` for inline policies; absent: by kind",
            brief="characters",
            also=(
                *("max", "max_size", "max_length", "max_chars", "max_characters", "max_bytes"),
                *("quota", "size", "target", "target_size"),
            ),
        ),
    ] = None,
    *,
    split: Annotated[
        bool,
        Parameter("into several policies rather than use wildcards", brief="no wildcards"),
    ] = False,
) -> Answer:
    """Shorten a policy to fit its size limit, in one or several, proved to allow the same."""
    # Imported here: listing the tools must not load it.
    from aws_iam.tools.policy.shrink import shrink as policy_shrink

    return policy_shrink.shrink_policies(document, kind, resource_type, limit, split=split)


@tool.artifact_action
def template(
    name: Annotated[
        str | None,
        Parameter(
            "template, or what it is for; absent: the list",
            also=(
                "template",
                "template_name",
                "query",
                "topic",
                "description",
            ),
            brief="name or words",
            by_position=True,
        ),
    ] = None,
    values: Annotated[
        Json,
        Parameter(
            "object: hole to value",
            document=True,
            also=("parameters", "params", "variables", "holes"),
            brief="{hole: value}",
        ),
    ] = None,
) -> Answer:
    """List the policy templates, or fill one."""
    from aws_iam.tools.policy.generate import template as policy_template

    return policy_template.template(name, values)
