"""The readers of hostile input: each with examples to spoil, and how it is called. AwsIamError alone may come out."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading import snapshot
from aws_iam.cli.files import read_policies
from aws_iam.cli.parsers import serve_parser
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import AwsIamError
from aws_iam.resources import text as resource_text
from aws_iam.server import messages
from aws_iam.server.http import aws_roles
from aws_iam.server.permitted_options import permitted_by
from aws_iam.tools.registry import tool_named

if TYPE_CHECKING:
    from collections.abc import Callable

INPUTS = Path(__file__).parents[1] / "cases" / "inputs"
STATEMENT = {"Effect": "Allow", "Action": ["s3:Get*", "iam:PassRole"], "Resource": "arn:aws:s3:::b/${aws:username}/*", "Condition": {"StringLike": {"aws:PrincipalTag/team": ["a*", "?"]}}}  # fmt: skip
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT, {**STATEMENT, "Effect": "Deny"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringLike": {"gitlab.com:sub": "project_path:a/*"}},
        }
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader."""

    name: str
    examples: tuple[str, ...]
    read: Callable[[str], object]


def run(tool: str, action: str, **arguments: Any) -> object:
    """A call as over MCP."""
    return tool_named(tool).run({"action": action, **arguments})


def of_file(name: str) -> Callable[[str], object]:
    """A file of that name, judged as on the command line."""

    def read(text: str) -> object:
        files = Files(files=(File(name=name, text=text),))
        return tool_named("policy").run({"action": "validate", "document": files}, cli=True)

    return read


def in_folder(name: str) -> Callable[[str], object]:
    """A file of that name in a folder, read from the disk."""

    def read(text: str) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            given = read_policies("document", [folder])
            return tool_named("policy").run({"action": "validate", "document": given}, cli=True)

    return read


def message(text: str) -> object:
    """A message of the protocol."""
    try:
        return messages.read(text.encode("utf-8", "surrogatepass"))
    except messages.UnreadableMessageError as error:
        raise AwsIamError(str(error)) from None


def roles(text: str) -> object:
    """A file of `--aws-roles`."""
    with tempfile.NamedTemporaryFile("wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        return aws_roles.load(file.name)


def options(text: str) -> object:
    """The options of `serve`."""
    return permitted_by(
        serve_parser().parse_args([f"--{name}={text}" for name in ("regions", "allow-issuer")])
    )


def inputs(*names: str) -> tuple[str, ...]:
    """Files of the test cases."""
    return tuple((INPUTS / name).read_text(encoding="utf-8") for name in names)


def _json(*values: Any) -> tuple[str, ...]:
    return tuple(json.dumps(value) for value in values)


TERRAFORM = """
variable "names" { default = ["a", "b"] }
locals { actions = [for n in var.names : "s3:Get${title(n)}*" if n != "c"] }
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = toset(var.names)
    content { actions = local.actions, resources = ["arn:aws:s3:::${statement.value}/*"] }
  }
}
resource "aws_iam_policy" "p" { policy = data.aws_iam_policy_document.d.json }
resource "aws_iam_role_policy" "r" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = concat(local.actions, ["*"]), Resource = "*" }] })
}
"""
CLOUDFORMATION = """
Parameters: {Env: {Type: String, Default: dev}}
Conditions: {Prod: !Equals [!Ref Env, prod]}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
      ManagedPolicyArns: [!Sub 'arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess']
      Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: !If [Prod, 's3:Get*', 's3:*'], Resource: !Join ['', ['arn:aws:s3:::', !Ref Env]]}]}}]
"""
SERVERLESS = """
service: x
custom: {a: '${self:provider.stage}'}
provider: {name: aws, stage: dev, iam: {role: {statements: [{Effect: Allow, Action: 's3:*', Resource: '${self:custom.a}'}]}}}
functions: {f: {handler: h.h, url: true, iamRoleStatements: [{Effect: Allow, Action: '*', Resource: '*'}]}}
"""
HELM = """
apiVersion: v1
kind: ConfigMap
data:
  policy.json: |
    {"Version": "2012-10-17", "Statement": [{{ if .Values.x }}{"Effect": "Allow", "Action": "{{ .Values.action }}", "Resource": "*"}{{ end }}]}
"""
WORKLOADS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: a, namespace: b, annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::111122223333:role/x'}}
---
apiVersion: apps/v1
kind: Deployment
spec: {template: {spec: {serviceAccountName: a}}}
"""
DENIAL = 'An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:sts::111122223333:assumed-role/x/y is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action'
EVENT = {"Records": [{"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/x/y", "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/x"}}}, "requestParameters": {"bucketName": "b", "key": "k"}, "resources": [{"ARN": "arn:aws:s3:::b/k"}]}]}  # fmt: skip
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2dpdGxhYi5jb20iLCJzdWIiOiJ4IiwiYXVkIjoieSJ9.c2ln"
REQUEST = {"principal": "arn:aws:iam::111122223333:role/x", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "context": {"aws:SourceIp": "10.0.0.1", "aws:MultiFactorAuthPresent": True}}  # fmt: skip

CASES = """
document: &d {Version: "2012-10-17", Statement: [{Sid: A, Effect: Allow, Action: 's3:Get*', Resource: '*', Condition: {Bool: {aws:SecureTransport: true}}}]}
request: {principal: 'arn:aws:iam::111122223333:role/x', resource: 'arn:aws:s3:::b/k'}
cases:
- {name: a, action: [s3:GetObject, s3:GetObjectAcl], context: {aws:SecureTransport: true}, expect: Allowed, reason: A}
- {name: b, action: s3:PutObject, policies: {scp: [[FullAWSAccess, *d]], boundary: null}, expect: {outcome: Denied, blocked_by: identity, missing_keys: []}}
"""

DIFF = '@@ -1,3 +1,3 @@\n {"Version": "2012-10-17",\n- "Statement": []\n+ "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}\n }\n'
TARGETS = (
    Target(name="policy", examples=_json(POLICY, TRUST), read=lambda t: run("policy", "validate", document=t)),
    Target(name="shrink", examples=_json(POLICY, TRUST), read=lambda t: run("policy", "shrink", document=t)),
    Target(name="explain", examples=_json(POLICY, TRUST), read=lambda t: run("policy", "explain", document=t)),
    Target(name="compare", examples=_json(POLICY, TRUST), read=lambda t: run("policy", "compare", document=t, baseline=POLICY)),
    Target(name="evaluate", examples=_json(REQUEST), read=lambda t: run("policy", "evaluate", request=t, policies={"identity": [POLICY]})),
    Target(name="layers", examples=_json({"identity": [POLICY], "scp": [[POLICY]]}), read=lambda t: run("policy", "evaluate", request=REQUEST, policies=t)),
    Target(name="lookup", examples=("s3:Get*", "aws s3 sync a s3://b", "aws_s3_bucket", "send message to queue", "what does `aws s3 sync` need?"), read=lambda t: run("policy", "lookup", query=t)),
    Target(name="diff", examples=(DIFF,), read=lambda t: run("policy", "review", document=t)),
    Target(name="denial", examples=(DENIAL,), read=lambda t: run("policy", "denied", message=t)),
    Target(name="events", examples=_json(EVENT), read=lambda t: run("policy", "generate", events=t)),
    Target(name="cloudformation", examples=(CLOUDFORMATION,), read=of_file("t.yaml")),
    Target(name="terraform", examples=(TERRAFORM,), read=in_folder("main.tf")),
    Target(name="serverless", examples=(SERVERLESS,), read=of_file("serverless.yml")),
    Target(name="helm", examples=(HELM,), read=in_folder("templates/c.yaml")),
    Target(name="markdown", examples=(f"# x\n\n```json\n{json.dumps(POLICY)}\n```\n", f"```hcl\n{TERRAFORM}```"), read=in_folder("a.md")),
    Target(name="ndjson", examples=("\n".join([json.dumps(POLICY)] * 3),), read=in_folder("a.ndjson")),
    Target(name="review", examples=(CLOUDFORMATION, json.dumps(POLICY)), read=lambda t: run("policy", "review", document=t, baseline=CLOUDFORMATION)),
    Target(name="cases", examples=(CASES, json.dumps({"cases": [{"name": "a", "request": REQUEST, "expect": "Denied"}]})), read=lambda t: run("policy", "test", cases=t, policies={"identity": POLICY})),
    Target(name="first cases", examples=_json(POLICY, TRUST), read=lambda t: tool_named("policy").run({"action": "test", "cases": t, "init": True}, cli=True)),
    Target(name="key policy", examples=_json(POLICY), read=lambda t: run("kms", "check", document=t)),
    Target(name="token", examples=(TOKEN,), read=lambda t: run("irsa", "denied", document=TRUST, token=t)),
    Target(name="claims", examples=_json({"iss": "https://gitlab.com", "sub": "project_path:a/b", "aud": "x"}), read=lambda t: run("irsa", "denied", document=TRUST, claims=t)),
    Target(name="keys", examples=_json({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k"}]}), read=lambda t: run("irsa", "denied", document=TRUST, token=TOKEN, jwks=t)),
    Target(name="workloads", examples=(WORKLOADS,), read=lambda t: run("irsa", "check", demo=True, manifests=t)),
    Target(name="secrets", examples=(CLOUDFORMATION, TERRAFORM), read=lambda t: run("secrets", "check", document=t)),
    Target(name="snapshot", examples=(resource_text("assets/demo/account.json")[:20_000], '{"format": 1, "account": "111122223333", "facts": []}'), read=snapshot.loads),
    Target(name="message", examples=_json({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "policy", "arguments": {}}}), read=message),
    Target(name="roles", examples=_json({"claim": "sub", "roles": {"a": {"role_arn": "arn:aws:iam::111122223333:role/x", "tags": True}}}), read=roles),
    Target(name="serve", examples=("eu-west-1,us-east-1", "gitlab.example.com/*"), read=options),
)  # fmt: skip
