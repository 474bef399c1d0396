"""Who works at the demonstration company: its root user, users, groups and policies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo_account.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key: its age and how long ago it was used, in days; never used is None."""

    created: float
    used: float | None
    service: str = "s3"
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user. Ages in days; `signed_in` is the last sign-in with the password."""

    name: str
    created: float
    groups: tuple[str, ...] = ()
    password: bool = False
    signed_in: float | None = None
    mfa: bool = False
    keys: tuple[AccessKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The root user: MFA by a virtual device, and the key that somebody once made."""

    created: float
    mfa: bool
    signed_in: float | None
    key: AccessKey | None


ROOT = Root(
    created=1460,
    mfa=True,
    signed_in=212,
    key=AccessKey(created=1455, used=403, service="ec2"),
)

USERS = (
    # As it should be: MFA, a young key in use, rights by group.
    User(
        name="alice.meyer",
        created=1450,
        groups=("admins",),
        password=True,
        signed_in=0.4,
        mfa=True,
        keys=(AccessKey(created=20, used=1, service="iam"),),
    ),
    # Signs in every week without MFA.
    User(name="bob.okafor", created=610, groups=("developers",), password=True, signed_in=3),
    # On leave: the password has been idle for four months.
    User(
        name="carol.lindqvist",
        created=830,
        groups=("developers",),
        password=True,
        signed_in=121,
        mfa=True,
    ),
    # Two active keys, one never used since the user was set up, and rights of his own.
    User(
        name="dmitri.petrov",
        created=37,
        password=True,
        signed_in=2,
        mfa=True,
        keys=(
            AccessKey(created=37, used=None),
            AccessKey(created=30, used=4, service="secretsmanager"),
        ),
    ),
    User(
        name="erin.walsh",
        created=410,
        groups=("finance",),
        password=True,
        signed_in=6,
        mfa=True,
    ),
    # Left the company; what is left cannot be used.
    User(
        name="frank.ito",
        created=900,
        keys=(AccessKey(created=880, used=320, active=False),),
    ),
    # The build server's key is older than a year and busy.
    User(
        name="ci-deploy",
        created=412,
        groups=("deployers",),
        keys=(AccessKey(created=412, used=0.1, service="ecs"),),
    ),
    # Made for a backup that never ran.
    User(
        name="backup-agent",
        created=61,
        groups=("backup",),
        keys=(AccessKey(created=61, used=None),),
    ),
)

_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_GROUPS = {
    "admins": _ADMINISTRATOR,
    "developers": "arn:aws:iam::aws:policy/PowerUserAccess",
    "finance": "arn:aws:iam::aws:policy/job-function/Billing",
    "backup": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
}

MANAGED = frozenset(
    {
        "AWSCloudShellFullAccess",
        "AWSSupportAccess",
        "AWS_ConfigRole",
        "AdministratorAccess",
        "AmazonS3ReadOnlyAccess",
        "Billing",
        "PowerUserAccess",
        "SecurityAudit",
    }
)
"""AWS's managed policies that the account knows: those in use, and one that a control asks for by name."""


def seed_users(call: Call) -> None:
    """Create users, groups, policies and the password policy."""
    call("iam", "create_account_alias", AccountAlias="larkspur-books")
    call(
        "iam",
        "update_account_password_policy",
        MinimumPasswordLength=12,
        RequireLowercaseCharacters=True,
        RequireUppercaseCharacters=True,
        RequireNumbers=True,
        RequireSymbols=False,
        AllowUsersToChangePassword=True,
        PasswordReusePrevention=24,
    )
    for policy in _policies(call.account):
        call("iam", "create_policy", **policy)
    _seed_groups(call)
    for user in USERS:
        _seed_user(call, user)
    # Whoever reads the report finds one, instead of waiting until it is made.
    call("iam", "generate_credential_report")


def _seed_groups(call: Call) -> None:
    for name, arn in {**_GROUPS, "deployers": call.arn("iam", "policy/deploy-everything")}.items():
        call("iam", "create_group", GroupName=name)
        call("iam", "attach_group_policy", GroupName=name, PolicyArn=arn)


def _seed_user(call: Call, user: User) -> None:
    name = user.name
    call("iam", "create_user", UserName=name)
    for group in user.groups:
        call("iam", "add_user_to_group", GroupName=group, UserName=name)
    if user.password:
        call("iam", "create_login_profile", UserName=name, Password="Not-a-real-1-password")
    if user.mfa:
        device = call("iam", "create_virtual_mfa_device", VirtualMFADeviceName=name)
        call(
            "iam",
            "enable_mfa_device",
            UserName=name,
            SerialNumber=device["VirtualMFADevice"]["SerialNumber"],
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )
    for key in user.keys:
        made = call("iam", "create_access_key", UserName=name)["AccessKey"]
        if not key.active:
            call(
                "iam",
                "update_access_key",
                UserName=name,
                AccessKeyId=made["AccessKeyId"],
                Status="Inactive",
            )
    if name == "dmitri.petrov":
        call(
            "iam",
            "put_user_policy",
            UserName=name,
            PolicyName="read-orders",
            PolicyDocument=_document(
                _allow(["secretsmanager:GetSecretValue", "s3:GetObject"], "*"),
            ),
        )


def _policies(account: str) -> list[dict[str, str]]:
    orders = f"arn:aws:s3:::larkspur-orders-{account}"
    return [
        {
            "PolicyName": "deploy-everything",
            "Description": "For the build server, until we know what it needs",
            "PolicyDocument": _document(_allow("*", "*")),
        },
        {
            "PolicyName": "orders-read",
            "Description": "Read the order archive",
            "PolicyDocument": _document(
                _allow("s3:ListBucket", orders),
                _allow("s3:GetObject", f"{orders}/*"),
            ),
        },
        {
            "PolicyName": "workload-boundary",
            "Description": "The most that a workload may ever do",
            "PolicyDocument": _document(
                _allow(["s3:GetObject", "s3:PutObject", "lambda:InvokeFunction"], "*"),
            ),
        },
        {
            "PolicyName": "shop-runtime",
            "Description": "What the shop reads and writes at run time",
            "PolicyDocument": _document(
                _allow(
                    "secretsmanager:GetSecretValue",
                    f"arn:aws:secretsmanager:us-east-1:{account}:secret:shop/database-??????",
                ),
                _allow("s3:PutObject", f"{orders}/*"),
            ),
        },
    ]


def _allow(action: Any, resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
