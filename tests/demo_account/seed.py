"""Fill moto with the demonstration account: a small company with the faults that an audit should find."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3

from demo_account import moto_backdoor
from demo_account.call import ACCOUNT, HOME, Call
from demo_account.monitoring import seed_monitoring
from demo_account.moto_keys import one_private_key
from demo_account.resources import seed_resources
from demo_account.roles import ROLES, seed_roles
from demo_account.users import MANAGED, ROOT, USERS, seed_users
from demo_account.workloads import seed_workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEED = 20261124


def seed(url: str) -> Mapping[str, str]:
    """Fill the account of the moto at this address, which runs in this process; credentials of its role SecurityAudit."""
    now = datetime.now(UTC)
    call = Call(boto3.Session("AKIADEMO", "demo", region_name=HOME), url)
    moto_backdoor.read_models_once()
    moto_backdoor.repeatable(_SEED)
    moto_backdoor.add_managed_policies(ACCOUNT, MANAGED)
    with _no_collection(), one_private_key():
        seed_users(call)
        seed_roles(call)
        seed_monitoring(call, seed_resources(call))
        seed_workloads(call)
    moto_backdoor.age_users(ACCOUNT, USERS, now)
    moto_backdoor.age_roles(ACCOUNT, ROLES, now)
    moto_backdoor.set_root(ACCOUNT, ROOT, now)
    role = call.arn("iam", "role/SecurityAudit")
    reader = call("sts", "assume_role", RoleArn=role, RoleSessionName="aws-iam")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": reader["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": reader["SecretAccessKey"],
        "AWS_SESSION_TOKEN": reader["SessionToken"],
    }


@contextmanager
def _no_collection() -> Iterator[None]:
    """Moto's tables and API models live as long as the process; looking for garbage among them costs a third more."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
