"""Policies inside larger files: found, named by their place, of the right kind, judged as if they stood alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import yaml
from botocore.session import Session
from botocore.validate import ParamValidator
from cfnlint.api import lint_file
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.engine.language.document import Kind, Syntax
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from aws_iam.rules.policy.run import validate
from helpers.policy_files import ALLOW, INPUTS, document, file, judged, lines, places, template
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS = json.loads((INPUTS / "cli-answers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_the_policies_of_an_aws_cli_answer_are_found_with_name_and_kind(
    case: dict[str, Any],
) -> None:
    for given_ in (case["answer"], json.dumps(case["answer"])):
        found = gathered(given_)
        assert [list(place) for place in places(found)] == case["expect"]
        assert [unread.place for unread in found.unread] == case["not_judged"]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_the_answer_is_one_that_the_aws_cli_gives(case: dict[str, Any]) -> None:
    model = Session().get_service_model(case["service"])
    shape = model.operation_model(case["operation"]).output_shape
    report = ParamValidator().validate(_as_sent(case["answer"]), shape)
    assert not report.has_errors(), report.generate_report()


def _as_sent(value: Any) -> Any:
    """IAM sends documents as text; the AWS CLI shows them as objects."""
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    if isinstance(value, dict):
        if "Statement" in value:
            return json.dumps(value)
        return {key: _as_sent(item) for key, item in value.items()}
    return value


def test_each_policy_of_a_template_is_named_by_its_logical_id() -> None:
    assert places(gathered(file("template.yaml"))) == [
        ("ReportsKey.KeyPolicy", Kind.RESOURCE, "AWS::KMS::Key"),
        ("ReportsQueuePolicy.PolicyDocument", Kind.RESOURCE, "AWS::SQS::Queue"),
        ("ReportsBucketPolicy.PolicyDocument", Kind.RESOURCE, "AWS::S3::Bucket"),
        ("ReportsRole.AssumeRolePolicyDocument", Kind.TRUST, None),
        ("ReportsRole.Policies[0] (read-reports)", Kind.IDENTITY, None),
        ("ReportsRole.Policies[0] (read-reports) (conditions false)", Kind.IDENTITY, None),
    ]


def test_a_finding_in_a_template_has_the_files_name_line_and_column() -> None:
    answer = judged(file("template.yaml"))
    (finding,) = answer.findings
    assert finding.where is not None
    assert finding.where.file == "template.yaml"
    assert finding.where.pointer == "/Statement/0/Action/1"
    text = (INPUTS / "template.yaml").read_text(encoding="utf-8")
    assert lines(answer, text) == [
        ("INVALID_ACTION", "ReportsRole.Policies[0] (read-reports)", "s3:GetObjectt")
    ]
    assert answer.facts["formats"] == "CloudFormation template"
    assert answer.facts["values_known_only_at_deployment"] == 2
    assert "2 values are known only at deployment" in answer.summary


def test_the_policies_of_a_sam_function_are_its_statements_and_its_policy_templates() -> None:
    answer = judged(file("template-sam.json"))
    assert [(finding.code, finding.resource) for finding in answer.findings] == [
        ("INVALID_ACTION", "Worker.Policies[2]")
    ]
    assert [row["policy"] for row in answer.facts["policies"]] == [
        "Worker.Policies[1] (DynamoDBReadPolicy)",
        "Worker.Policies[2]",
        "Worker.Policies (AWSLambdaBasicExecutionRole)",
    ]


@pytest.mark.parametrize("name", ["template.yaml", "template-sam.json"])
def test_the_templates_are_valid_but_for_the_planted_action(name: str) -> None:
    found = lint_file(INPUTS / name)
    assert {problem.rule.id for problem in found} <= {"W3037"}


def test_a_terraform_plan_names_policies_by_address_and_what_apply_alone_knows() -> None:
    found = gathered(file("plan.json"))
    assert places(found) == [
        ("aws_iam_role.app.assume_role_policy", Kind.TRUST, None),
        ("aws_iam_role.app.inline_policy[0].policy (queue)", Kind.IDENTITY, None),
        ("aws_organizations_policy.regions.content", Kind.SCP, None),
        ("module.store.aws_sqs_queue_policy.jobs[0].policy", Kind.RESOURCE, "AWS::SQS::Queue"),
        ("data.aws_iam_policy_document.unused.json", Kind.IDENTITY, None),
    ]
    assert [(unread.place, unread.why) for unread in found.unread] == [
        (
            "aws_organizations_policy.tags.content",
            "a policy of type TAG_POLICY, not an IAM policy",
        ),
        ("module.store.aws_s3_bucket_policy.reports.policy", "known only after apply"),
    ]
    answer = judged(file("plan.json"))
    assert "2 places were not judged" in answer.summary
    text = (INPUTS / "plan.json").read_text(encoding="utf-8")
    assert [line.split(",")[0] for _, _, line in lines(answer, text)] == [
        '\\"sqs:SendMesage\\"',
        '\\"Alow\\"',
        '\\"ecs-tasks.amazonaws.com\\"}',
    ]


def test_a_policy_that_nobody_wrote_is_not_missed_in_a_plan() -> None:
    def queue(name: str) -> dict[str, Any]:
        unknown = {"actions": ["create"], "after_unknown": {"arn": True, "policy": True}}
        return {
            "address": f'module.q["{name}"].aws_sqs_queue.{name}[0]',
            "type": "aws_sqs_queue",
            "change": unknown,
        }

    def resource(name: str, expressions: dict[str, Any]) -> dict[str, Any]:
        return {
            "address": f"aws_sqs_queue.{name}",
            "type": "aws_sqs_queue",
            "expressions": expressions,
        }

    module = {
        "resources": [
            resource("plain", {"name": {"constant_value": "plain"}}),
            resource("open", {"policy": {"references": ["data.aws_iam_policy_document.x.json"]}}),
        ]
    }
    value = {
        "address": "aws_iam_policy.p",
        "type": "aws_iam_policy",
        "values": {"policy": json.dumps(document(ALLOW))},
    }
    plan = {
        "planned_values": {"root_module": {"resources": [value]}},
        "resource_changes": [queue("plain"), queue("open")],
        "configuration": {"root_module": {"module_calls": {"q": {"module": module}}}},
    }
    found = gathered(plan)
    assert [source.name for source in found.sources] == ["aws_iam_policy.p.policy"]
    assert [unread.place for unread in found.unread] == [
        'module.q["open"].aws_sqs_queue.open[0].policy'
    ]


def test_kubernetes_manifests_are_searched_in_every_document_and_text() -> None:
    found = gathered(file("manifest.yaml"))
    assert places(found) == [
        ("Role/apps/reports spec.assumeRolePolicyDocument", Kind.TRUST, None),
        ("Role/apps/reports spec.inlinePolicies.read", Kind.IDENTITY, None),
        ("Role/worker spec.forProvider.assumeRolePolicy", Kind.TRUST, None),
        ("ConfigMap/policies data.boundary.json", Kind.IDENTITY, None),
    ]
    text = (INPUTS / "manifest.yaml").read_text(encoding="utf-8")
    starts = {code: line for code, _, line in lines(judged(file("manifest.yaml")), text)}
    assert starts["INVALID_ACTION"].startswith('"s3:GetObjectt"')
    assert starts["PID-TRUST-OPEN"].startswith('"pods.eks.amazonaws.com"')


@pytest.mark.parametrize(
    ("type_", "properties", "place", "kind"),
    [
        ("AWS::IAM::RolePolicy", {"PolicyDocument": document(ALLOW)}, "It.PolicyDocument", "identity"),
        ("AWS::IAM::User", {"Policies": [{"PolicyName": "p", "PolicyDocument": document(ALLOW)}]}, "It.Policies[0] (p)", "identity"),
        ("AWS::SSO::PermissionSet", {"InlinePolicy": json.dumps(document(ALLOW))}, "It.InlinePolicy", "identity"),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Fn::ToJsonString": document(ALLOW)}}, "It.PolicyDocument", "identity"),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Fn::Sub": json.dumps(document(ALLOW))}}, "It.PolicyDocument", "identity"),
        ("AWS::Organizations::Policy", {"Type": "RESOURCE_CONTROL_POLICY", "Content": document({**ALLOW, "Effect": "Deny", "Principal": "*", "Resource": "*"})}, "It.Content", "rcp"),
        ("AWS::OpenSearchService::Domain", {"AccessPolicies": document({**ALLOW, "Principal": {"AWS": "111122223333"}, "Action": "es:ESHttpGet", "Resource": "*"})}, "It.AccessPolicies", "resource"),
        ("AWS::Events::EventBusPolicy", {"StatementId": "s", "Statement": {**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "events:PutEvents", "Resource": "arn:aws:events:us-east-1:111122223333:event-bus/b"}}, "It.Statement", "resource"),
        ("AWS::Serverless::Api", {"Auth": {"ResourcePolicy": {"CustomStatements": [{**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}]}}}, "It.Auth.ResourcePolicy", "resource"),
        ("Custom::Grant", {"Deep": [{"AssumeRolePolicyDocument": document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})}]}, "It.Deep[0].AssumeRolePolicyDocument", "trust"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_property_that_holds_a_policy_is_known(
    type_: str, properties: dict[str, Any], place: str, kind: str
) -> None:
    found = gathered(template(properties, type_))
    assert [(name, kind_) for name, kind_, _ in places(found)] == [(place, kind)]


@pytest.mark.parametrize(
    ("type_", "properties", "why"),
    [
        ("AWS::IoT::Policy", {"PolicyDocument": document(ALLOW)}, "AWS IoT policy"),
        ("AWS::Organizations::Policy", {"Type": "TAG_POLICY", "Content": {"tags": {}}}, "TAG_POLICY"),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Ref": "Document"}}, "known only at deployment"),
        ("AWS::SNS::Topic", {"DataProtectionPolicy": {"Name": "p", "Statement": [{"Sid": "s", "DataDirection": "Inbound", "DataIdentifier": [], "Operation": {"Deny": {}}}]}}, ""),
    ],
)  # fmt: skip
def test_what_is_no_iam_policy_is_refused_with_the_reason(
    type_: str, properties: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError, match="the CloudFormation template holds no policy") as caught:
        judged(template(properties, type_))
    assert why in str(caught.value)
    assert "supported are" in caught.value.hint


def test_a_file_without_any_policy_is_refused_by_what_was_looked_for() -> None:
    for text in ('{"name": "x", "scripts": {}}', "a: b\n", '{"a": [1]}', "[1, 2]"):
        with pytest.raises(InputError, match=r"the file `some.yaml` holds no policy"):
            judged(file("some.yaml", text))


def test_what_helm_fills_later_raises_no_alarm() -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {
            "Federated": "arn:aws:iam::{{ .Values.account }}:oidc-provider/{{ .Values.host }}"
        },
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:Nope"],
        "Condition": {
            "StringEquals": {
                "{{ .Values.host }}:aud": "sts.amazonaws.com",
                "{{ .Values.host }}:sub": "system:serviceaccount:apps:{{ .Release.Name }}",
            }
        },
    }
    manifest = {
        "apiVersion": "iam.services.k8s.aws/v1alpha1",
        "kind": "Role",
        "metadata": {"name": "{{ .Release.Name }}"},
        "spec": {"assumeRolePolicyDocument": json.dumps(document(trust))},
    }
    answer = judged(file("role.yaml", yaml.safe_dump(manifest)))
    assert [finding.code for finding in answer.findings] == ["INVALID_ACTION"]
    assert answer.facts["values_known_only_at_deployment"] == 3


def test_a_broken_document_in_a_known_place_is_a_syntax_error_there() -> None:
    answer = judged(
        json.dumps({"RoleName": "app", "PolicyName": "p", "PolicyDocument": '{"Version": }'})
    )
    (finding,) = answer.findings
    assert (finding.code, finding.resource) == ("JSON_SYNTAX_ERROR", "app PolicyDocument (p)")


def test_text_that_only_looks_like_a_policy_is_named_and_not_judged() -> None:
    templated = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": {{ actions }}}]}'
    )
    found = gathered({"good": json.dumps(document(ALLOW)), "bad": templated})
    assert [source.name for source in found.sources] == ["/good"]
    (note,) = found.unread
    assert note.place == "/bad"
    assert note.why.startswith("it looks like a policy but is not JSON: ")


def test_yaml_policies_keep_dates_and_numbers_as_written() -> None:
    text = "Version: 2012-10-17\nStatement:\n- Effect: Allow\n  Action: s3:GetObjectt\n  Resource: '*'\n"
    answer = judged(file("policy.yaml", text))
    assert [finding.code for finding in answer.findings] == ["INVALID_ACTION"]
    assert lines(answer, text) == [("INVALID_ACTION", None, "s3:GetObjectt")]
    # Text without a name is what IAM would be given, and IAM takes no YAML.
    assert [finding.code for finding in judged(text).findings] == ["JSON_SYNTAX_ERROR"]


def test_the_place_of_a_policy_knows_its_kind_better_than_the_caller() -> None:
    text = (INPUTS / "template.yaml").read_text(encoding="utf-8")
    kinds = [kind for _, kind, _ in places(gathered(text, "boundary"))]
    assert kinds == ["resource", "resource", "resource", "trust", "boundary", "boundary"]


def test_files_of_a_folder_are_told_apart() -> None:
    given_ = Files(
        folder="policies",
        files=(
            File(name="policies/a.json", text=json.dumps(document({**ALLOW, "Effect": "Alow"}))),
            File(name="policies/b.yaml", text=yaml.safe_dump(document(ALLOW))),
            File(name="policies/c.json", text='{"name": "no policy"}'),
            File(name="policies/d.json", text='{"Statement": [{"Effect": "Allow",}]}'),
            File(name="policies/e.yaml", text="Statement: [\nEffect: {"),
            File(name="policies/f.json", unreadable="permission denied"),
            File(
                name="policies/plan.json", text=(INPUTS / "plan.json").read_text(encoding="utf-8")
            ),
        ),
    )
    answer = judged(given_)
    assert [
        (finding.code, finding.where and finding.where.file) for finding in answer.findings
    ] == [
        ("INVALID_EFFECT", "policies/a.json"),
        ("JSON_SYNTAX_ERROR", "policies/d.json"),
        ("NOT_JUDGED", "policies/e.yaml"),
        ("NOT_JUDGED", "policies/f.json"),
        ("INVALID_ACTION", "policies/plan.json"),
        ("INVALID_EFFECT", "policies/plan.json"),
        ("TRUST_WITHOUT_SOURCE_CONDITION", "policies/plan.json"),
    ]
    assert answer.facts["files_read"] == 5
    assert answer.facts["files_without_policies"] == 1
    assert [row["place"] for row in answer.facts["not_judged"]] == [
        "policies/e.yaml",
        "policies/f.json",
        "aws_organizations_policy.tags.content",
        "module.store.aws_s3_bucket_policy.reports.policy",
    ]
    assert "8 policies" in answer.summary


def test_a_file_of_a_folder_that_cannot_be_parsed_counts_when_it_was_meant_to_hold_policies() -> (
    None
):
    good = File(name="a.json", text=json.dumps(document(ALLOW)))
    chart = File(name="chart.yaml", text="a: {{ x }}\nimagePullPolicy: {{ y }}\n")
    comments = File(name="tsconfig.json", text="{ // policy of the compiler\n}")
    template = File(name="t.yaml", text="R: [\n  PolicyDocument: {")
    answer = judged(Files(folder="x", files=(good, chart, comments, template)))
    assert [
        (finding.code, finding.where and finding.where.file) for finding in answer.findings
    ] == [("NOT_JUDGED", "t.yaml")]
    named = [row["place"] for row in answer.facts["not_judged"]]
    assert sorted(named) == ["t.yaml", "tsconfig.json"]


@pytest.mark.parametrize("folder", ["x", ""])
def test_a_policy_that_breaks_off_before_its_first_effect_is_no_file_of_something_else(
    folder: str,
) -> None:
    broken = File(name="x/a.json", text='{"Version": "2012-10-17", "Statement": [')
    good = File(name="x/b.json", text=json.dumps({"Version": "2012-10-17", "Statement": []}))
    answer = judged(Files(folder=folder, files=(broken, good)))
    assert [finding.where.file for finding in answer.findings if finding.where] == [
        "x/a.json",
        "x/b.json",
    ]
    assert answer.findings[0].code == "JSON_SYNTAX_ERROR"


@pytest.mark.parametrize("name", ["", "x/policy.txt"])
@pytest.mark.parametrize(("form", "column"), [(json.dumps, 83), (quote, 1)])
def test_a_document_may_be_text_as_a_whole(
    name: str, form: Callable[[str], str], column: int
) -> None:
    statement = {"Effect": "Deny", "Action": "s3:Nope", "Resource": "*"}
    text = form(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    answer = judged(Files(files=(File(name=name, text=text),)))
    (finding,) = answer.findings
    assert finding.code == "INVALID_ACTION"
    assert finding.where
    assert finding.where.pointer == "/Statement/0/Action"
    assert (finding.where.line, finding.where.column) == (1, column)


def test_a_folder_without_policies_is_refused() -> None:
    empty = Files(folder="x", files=(File(name="x/a.json", text="{}"),))
    with pytest.raises(InputError, match="the folder `x` holds no policy"):
        judged(empty)


STATEMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Deny", "Alow"]),
            "Action": st.sampled_from(["s3:GetObject", "s3:Nope", "s3:*", ["iam:PassRole", "*"]]),
            "Resource": st.sampled_from(
                ["*", "arn:aws:s3:::b/*", "ran:x", ["*", "arn:aws:s3:::b"]]
            ),
        },
        optional={"Sid": st.sampled_from(["A", "b c", ""])},
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=examples(18), deadline=None)
@given(STATEMENTS)
def test_a_policy_in_any_container_has_the_findings_that_it_has_alone(
    statements: list[Any],
) -> None:
    body = document(*statements)
    alone = sorted(
        (finding.code, finding.message)
        for finding in validate(body, "identity")
        if not finding.code.startswith("POLICY_SIZE")
    )
    for name, wrapped in wrappings(body).items():
        found = judged(wrapped, kind="identity").findings
        assert (
            sorted(
                (finding.code, finding.message)
                for finding in found
                if not finding.code.startswith("POLICY_SIZE")
            )
            == alone
        ), name


def wrappings(body: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(body)
    properties = {"PolicyDocument": body}
    values = {"policy": text}
    resource = {
        "address": "aws_iam_policy.p",
        "mode": "managed",
        "type": "aws_iam_policy",
        "values": values,
    }
    ack = {
        "apiVersion": "iam.services.k8s.aws/v1alpha1",
        "kind": "Policy",
        "metadata": {"name": "p"},
    }
    yaml_template = yaml.safe_dump(json.loads(template(properties)))
    return {
        "template": template(properties),
        "template in YAML": file("t.yaml", yaml_template),
        "template with text": template({"PolicyDocument": text}),
        "plan": {"planned_values": {"root_module": {"resources": [resource]}}},
        "manifest": file("m.yaml", yaml.safe_dump({**ack, "spec": {"policyDocument": text}})),
        "answer": {"PolicyName": "p", "RoleName": "r", "PolicyDocument": body},
        "URL-encoded": {"PolicyName": "p", "RoleName": "r", "PolicyDocument": quote(text)},
        "anywhere": {"deep": [{"er": text}]},
        "anywhere as an object": {"deep": [{"er": body}]},
        "yaml": file("p.yaml", yaml.safe_dump(body)),
        "file": file("p.json", text),
        "an answer of ours": {
            "summary": "x",
            "artifacts": [{"name": "p", "language": "json", "content": text}],
        },
    }


JUNK = st.recursive(
    st.sampled_from(
        ["Ref", "AWS::Region", "${X}", "{{resolve:x}}", "{", '{"Statement": ', "%7B", "x", "AWS::IAM::Role", ""]
    )
    | st.none()
    | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Resources", "Type", "Properties", "PolicyDocument", "Policies", "Statement", "Effect", "Ref", "Fn::Sub",
                    "Fn::If", "Fn::Join", "Fn::GetAtt", "Fn::Select", "Fn::Split", "Fn::FindInMap", "planned_values",
                    "root_module", "resources", "values", "address", "type", "apiVersion", "kind", "metadata", "Policy",
                    "PolicySummary", "Content", "RoleDetailList", "resource_changes", "change", "after_unknown",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=examples(40), deadline=None)
@given(JUNK)
def test_whatever_the_file_it_is_judged_or_refused(junk: Any) -> None:
    for given_ in (
        junk,
        file("junk.yaml", yaml.safe_dump(junk)),
        template({"PolicyDocument": junk}),
    ):
        try:
            answer = judged(given_)
        except InputError as refused:
            assert refused.message  # noqa: PT017 - either outcome is right, a third one is not
        else:
            assert json.dumps(to_json(answer))


def test_syntax_is_kept_for_text_without_larger_meaning() -> None:
    (source,) = gathered("Version: 2012-10-17\nStatement: []").sources
    assert isinstance(source.content, Syntax)
