"""What the demonstration company's users and roles used, in AWS's words; moto keeps no such record."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from aws_iam.engine.reference.catalog import catalog
from demo_account.roles import ROLES
from demo_account.users import USERS

# Days since the last use; None: allowed, and not used in the time that AWS keeps.
_Days = float | None
_USED: dict[str, dict[str, _Days]] = {
    "user/alice.meyer": {"ec2": 12, "iam": 1, "kms": 40, "rds": 33, "s3": 2, "sts": 1},
    "user/bob.okafor": {"ec2": 3, "lambda": 9, "s3": 3},
    "user/carol.lindqvist": {"ec2": 122, "s3": 121},
    "user/ci-deploy": {"ecs": 0.1, "s3": 0.1},
    "user/dmitri.petrov": {"s3": None, "secretsmanager": 4},
    "user/backup-agent": {"s3": None},
    "role/build-runner": {"iam": None, "lambda": 1, "s3": None},
    "role/data-import": {"s3": 0.6},
    "role/gitlab-catalogue": {"s3": 5},
    "role/nightly-report": {"s3": 1},
    "role/order-export": {"s3": 0.4},
    "role/order-workflow": {"s3": 0.2},
    "role/shop-web": {"s3": 0.1, "secretsmanager": 0.1},
    "role/github-shop-main": {"s3": 2, "secretsmanager": None},
    "role/helpdesk": {"iam": 8},
    "role/task-execution": {"secretsmanager": 0.1},
}
# Their policies allow every service.
_WIDE = frozenset(
    {"user/alice.meyer", "user/bob.okafor", "user/carol.lindqvist", "user/ci-deploy"}
)
# Some of the actions that AWS tracks, of who may call them, with the days since the last use.
_ACTIONS: dict[str, dict[str, dict[str, _Days]]] = {
    "user/alice.meyer": {
        "ec2": {"DescribeInstances": 12, "RunInstances": None, "TerminateInstances": None},
        "iam": {"CreateRole": 1, "AttachRolePolicy": 1, "CreateUser": None},
        "s3": {"CreateBucket": 2, "DeleteBucket": None, "ListAllMyBuckets": 2},
    },
    "user/ci-deploy": {
        "ecs": {"RegisterTaskDefinition": 0.1, "UpdateService": 0.1, "DeleteCluster": None},
        "s3": {"CreateBucket": None, "DeleteBucket": None, "PutBucketPolicy": None},
    },
    "role/build-runner": {
        "lambda": {
            "CreateFunction": 30,
            "UpdateFunctionCode": 1,
            "AddPermission": None,
            "DeleteFunction": None,
        },
    },
    "role/helpdesk": {
        "iam": {"CreateAccessKey": None, "ListUsers": 8, "UpdateLoginProfile": 8},
    },
}
_SPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def generated(arn: str) -> str:
    """The answer of GenerateServiceLastAccessedDetails."""
    return _answer("GenerateServiceLastAccessedDetails", f"<JobId>{_job(arn)}</JobId>")


def details(account: str, job: str) -> str | None:
    """The answer of GetServiceLastAccessedDetails; None for a job that nobody started."""
    names = [f"user/{user.name}" for user in USERS]
    names += [f"role/{role['name']}" for role in ROLES]
    known = {_job(f"arn:aws:iam::{account}:{name}"): name for name in names}
    if job not in known:
        return None
    name = known[job]
    actions = _ACTIONS.get(name, {})
    rows = "".join(
        _row(service, days, actions.get(service, {})) for service, days in _services(name).items()
    )
    stamp = _stamp(0)
    return _answer(
        "GetServiceLastAccessedDetails",
        f"<JobStatus>COMPLETED</JobStatus><JobCreationDate>{stamp}</JobCreationDate>"
        f"<JobCompletionDate>{stamp}</JobCompletionDate><IsTruncated>false</IsTruncated>"
        f"<ServicesLastAccessed>{rows}</ServicesLastAccessed>",
    )


def _services(name: str) -> dict[str, _Days]:
    allowed: dict[str, _Days] = dict.fromkeys(sorted(catalog().services)) if name in _WIDE else {}
    return allowed | _USED.get(name, {})


def _job(arn: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, arn))


def _row(service: str, days: _Days, actions: dict[str, _Days]) -> str:
    used = f"<LastAuthenticated>{_stamp(days)}</LastAuthenticated>" if days is not None else ""
    name = f"<ServiceName>{escape(service)}</ServiceName>"
    tracked = "".join(_action(action, last) for action, last in actions.items())
    listed = f"<TrackedActionsLastAccessed>{tracked}</TrackedActionsLastAccessed>"
    return (
        f"<member>{name}<ServiceNamespace>{escape(service)}</ServiceNamespace>"
        f"{used}{listed if tracked else ''}</member>"
    )


def _action(name: str, days: _Days) -> str:
    used = f"<LastAccessedTime>{_stamp(days)}</LastAccessedTime>" if days is not None else ""
    return f"<member><ActionName>{escape(name)}</ActionName>{used}</member>"


def _stamp(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(operation: str, result: str) -> str:
    meta = "<ResponseMetadata><RequestId>demo</RequestId></ResponseMetadata>"
    inner = f"<{operation}Result>{result}</{operation}Result>{meta}"
    return f'<{operation}Response xmlns="{_SPACE}">{inner}</{operation}Response>'
