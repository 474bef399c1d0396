"""Who may act for the demonstration company without being a user: its roles and identity providers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_iam.account.demo_call import Call

_GITHUB = "token.actions.githubusercontent.com"
_GITLAB = "gitlab.com"


def role_names(account: str) -> list[str]:
    """The names of all roles."""
    return [role["name"] for role in _roles(account)]


def role_ages(account: str) -> dict[str, tuple[float, float | None]]:
    """The days since each role was made, and since it was last taken."""
    return {role["name"]: (role["created"], role["used"]) for role in _roles(account)}


def seed_roles(call: Call) -> None:
    """Create the identity providers and the roles; the policies exist already."""
    _seed_providers(call)
    for role in _roles(call.account):
        _seed_role(call, role)


def _seed_providers(call: Call) -> None:
    for host in (_GITHUB, _GITLAB):
        call(
            "iam",
            "create_open_id_connect_provider",
            Url=f"https://{host}",
            ClientIDList=["sts.amazonaws.com" if host == _GITHUB else "https://gitlab.com"],
            ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"],
        )


def _seed_role(call: Call, role: dict[str, Any]) -> None:
    name = role["name"]
    call(
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(role["trust"]),
        Description=role["description"],
        **({"PermissionsBoundary": role["boundary"]} if "boundary" in role else {}),
    )
    for arn in role.get("policies", ()):
        call("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
    if "inline" in role:
        document = json.dumps({"Version": "2012-10-17", "Statement": role["inline"]})
        call("iam", "put_role_policy", RoleName=name, PolicyName="own", PolicyDocument=document)
    if role.get("profile"):
        call("iam", "create_instance_profile", InstanceProfileName=name)
        call("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)


def _roles(account: str) -> list[dict[str, Any]]:
    provider = f"arn:aws:iam::{account}:oidc-provider/"
    local = f"arn:aws:iam::{account}:policy/"
    return [
        {
            "name": "SecurityAudit",
            "created": 700,
            "used": 0.01,
            "description": "Read-only access for audits",
            "trust": _trust({"AWS": f"arn:aws:iam::{account}:root"}, "sts:AssumeRole"),
            "policies": ["arn:aws:iam::aws:policy/SecurityAudit"],
        },
        {
            "name": "incident-support",
            "created": 690,
            "used": 210,
            "description": "Open and follow AWS Support cases",
            "trust": _trust({"AWS": f"arn:aws:iam::{account}:root"}, "sts:AssumeRole"),
            "policies": ["arn:aws:iam::aws:policy/AWSSupportAccess"],
        },
        {
            "name": "shop-web",
            "created": 600,
            "used": 0.1,
            "description": "Web servers of the shop",
            "trust": _trust({"Service": "ec2.amazonaws.com"}, "sts:AssumeRole"),
            "policies": [f"{local}shop-runtime"],
            "profile": True,
        },
        {
            "name": "order-export",
            "created": 420,
            "used": 0.4,
            "description": "Nightly export of orders",
            "trust": _trust({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole"),
            "policies": [f"{local}orders-read"],
        },
        {
            "name": "github-shop-main",
            "created": 260,
            "used": 2,
            "description": "Deployments of larkspur/shop from its main branch",
            "trust": _trust(
                {"Federated": f"{provider}{_GITHUB}"},
                "sts:AssumeRoleWithWebIdentity",
                {
                    "StringEquals": {
                        f"{_GITHUB}:aud": "sts.amazonaws.com",
                        f"{_GITHUB}:sub": "repo:larkspur/shop:ref:refs/heads/main",
                    }
                },
            ),
            "policies": [f"{local}shop-runtime"],
        },
        {
            # Every repository on GitHub may assume it: the audience alone says nothing about who asks.
            "name": "github-deploy-legacy",
            "created": 640,
            "used": 301,
            "description": "Deployments, the first attempt",
            "trust": _trust(
                {"Federated": f"{provider}{_GITHUB}"},
                "sts:AssumeRoleWithWebIdentity",
                {"StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"}},
            ),
            "policies": ["arn:aws:iam::aws:policy/PowerUserAccess"],
        },
        {
            # The star reaches groups whose name only begins like ours.
            "name": "gitlab-catalogue",
            "created": 300,
            "used": 5,
            "description": "Publishes the catalogue",
            "trust": _trust(
                {"Federated": f"{provider}{_GITLAB}"},
                "sts:AssumeRoleWithWebIdentity",
                {"StringLike": {f"{_GITLAB}:sub": "project_path:larkspur*"}},
            ),
            "policies": [f"{local}orders-read"],
        },
        {
            # A supplier's account, without an external id.
            "name": "supplier-feed",
            "created": 380,
            "used": None,
            "description": "Lets our distributor fetch the catalogue",
            "trust": _trust({"AWS": "arn:aws:iam::444455556666:root"}, "sts:AssumeRole"),
            "policies": [f"{local}orders-read"],
        },
        {
            "name": "config-recorder",
            "created": 500,
            "used": 0.1,
            "description": "AWS Config",
            "trust": _trust({"Service": "config.amazonaws.com"}, "sts:AssumeRole"),
            "policies": ["arn:aws:iam::aws:policy/service-role/AWS_ConfigRole"],
        },
        {
            "name": "trail-to-logs",
            "created": 500,
            "used": 0.1,
            "description": "CloudTrail to CloudWatch Logs, and VPC flow logs",
            "trust": _trust(
                {"Service": ["cloudtrail.amazonaws.com", "vpc-flow-logs.amazonaws.com"]},
                "sts:AssumeRole",
            ),
        },
        {
            # Whoever may make keys for every user is every user.
            "name": "helpdesk",
            "created": 330,
            "used": 8,
            "description": "Resets passwords and keys",
            "trust": _trust({"AWS": f"arn:aws:iam::{account}:root"}, "sts:AssumeRole"),
            "inline": [
                {
                    "Effect": "Allow",
                    "Action": ["iam:ListUsers", "iam:CreateAccessKey", "iam:UpdateLoginProfile"],
                    "Resource": "*",
                }
            ],
        },
        {
            # As broad as the one before, if its boundary did not take that back.
            "name": "build-runner",
            "created": 90,
            "used": 1,
            "description": "Builds and tests, within the boundary of workloads",
            "trust": _trust({"Service": "codebuild.amazonaws.com"}, "sts:AssumeRole"),
            "inline": [
                {
                    "Effect": "Allow",
                    "Action": ["iam:PassRole", "lambda:*", "s3:*"],
                    "Resource": "*",
                }
            ],
            "boundary": f"{local}workload-boundary",
        },
    ]


def _trust(principal: Any, action: str, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}
