"""What the demonstration company's users and roles used, in AWS's words; moto keeps no such record."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from demo_account.roles import ROLES
from demo_account.users import USERS

# Days since the last use; None: allowed, and not used in the time that AWS keeps.
_EVERYTHING = ("cloudtrail", "dynamodb", "ec2", "ecs", "iam", "kms", "lambda", "rds", "s3", "sts")
_USED: dict[str, dict[str, float | None]] = {
    "user/alice.meyer": {"ec2": 12, "iam": 1, "kms": 40, "rds": 33, "s3": 2, "sts": 1},
    "user/bob.okafor": {"ec2": 3, "lambda": 9, "s3": 3},
    "user/carol.lindqvist": {"ec2": 122, "s3": 121},
    "user/ci-deploy": {"ecs": 0.1, "s3": 0.1},
    "user/dmitri.petrov": {"s3": None, "secretsmanager": 4},
    "user/backup-agent": {"s3": None},
    "role/order-export": {"s3": 0.4},
    "role/shop-web": {"s3": 0.1, "secretsmanager": 0.1},
    "role/github-shop-main": {"s3": 2, "secretsmanager": None},
    "role/helpdesk": {"iam": 8},
}
_WIDE = frozenset(
    {"user/alice.meyer", "user/bob.okafor", "user/carol.lindqvist", "user/ci-deploy"}
)
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
    rows = "".join(_row(service, days) for service, days in _services(known[job]).items())
    stamp = _stamp(0)
    return _answer(
        "GetServiceLastAccessedDetails",
        f"<JobStatus>COMPLETED</JobStatus><JobCreationDate>{stamp}</JobCreationDate>"
        f"<JobCompletionDate>{stamp}</JobCompletionDate><IsTruncated>false</IsTruncated>"
        f"<ServicesLastAccessed>{rows}</ServicesLastAccessed>",
    )


def _services(name: str) -> dict[str, float | None]:
    allowed: dict[str, float | None] = dict.fromkeys(_EVERYTHING) if name in _WIDE else {}
    return allowed | _USED.get(name, {})


def _job(arn: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, arn))


def _row(service: str, days: float | None) -> str:
    used = f"<LastAuthenticated>{_stamp(days)}</LastAuthenticated>" if days is not None else ""
    name = f"<ServiceName>{escape(service)}</ServiceName>"
    return f"<member>{name}<ServiceNamespace>{escape(service)}</ServiceNamespace>{used}</member>"


def _stamp(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(operation: str, result: str) -> str:
    meta = "<ResponseMetadata><RequestId>demo</RequestId></ResponseMetadata>"
    inner = f"<{operation}Result>{result}</{operation}Result>{meta}"
    return f'<{operation}Response xmlns="{_SPACE}">{inner}</{operation}Response>'
