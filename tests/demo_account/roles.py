"""Who may act for the demonstration company without being a user: its roles, in `roles.json`, and identity providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo_account.call import Call

_PROVIDERS = {
    "token.actions.githubusercontent.com": "sts.amazonaws.com",
    "gitlab.com": "https://gitlab.com",
}
"""The identity providers, each with the audience of its tokens."""

ROLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "roles.json").read_text(encoding="utf-8")
)
"""The roles; `why` says what is wrong with one."""


def seed_roles(call: Call) -> None:
    """Create the identity providers and the roles; the policies exist already."""
    for host, audience in _PROVIDERS.items():
        call(
            "iam",
            "create_open_id_connect_provider",
            Url=f"https://{host}",
            ClientIDList=[audience],
            ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"],
        )
    for role in ROLES:
        _seed_role(call, role)


def _seed_role(call: Call, role: dict[str, Any]) -> None:
    name = role["name"]
    call(
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=_document(role["trust"]),
        Description=role["description"],
        **({"PermissionsBoundary": role["boundary"]} if "boundary" in role else {}),
    )
    for arn in role.get("policies", ()):
        call("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
    if "inline" in role:
        document = _document(*role["inline"])
        call("iam", "put_role_policy", RoleName=name, PolicyName="own", PolicyDocument=document)
    if role.get("instance_profile"):
        call("iam", "create_instance_profile", InstanceProfileName=name)
        call("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
