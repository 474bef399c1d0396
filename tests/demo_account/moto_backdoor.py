"""Facts that no API of moto can set: root's credentials, ages, AWS's managed policies.

The private names of moto that the demonstration relies on are used here, in moto_app.py and in moto_keys.py; a test
fails loudly when moto renames one.
"""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import moto.core.utils
import moto.rds.models
from botocore.loaders import create_loader
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import (
    AccessKeyLastUsed,
    AWSManagedPolicy,
    VirtualMfaDevice,
    iam_backends,
)
from moto.moto_api._internal import mock_random

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from demo_account.users import AccessKey, Root, User

_PARTITION = "aws"
_REGION = "us-east-1"
_ROOT_COLUMNS = 22


def repeatable(seed: int) -> None:
    """Make the ids that moto gives out from now on the same in every run."""
    mock_random.seed(seed)
    # RDS names the secrets of its passwords without moto's own chance.
    models: Any = moto.rds.models
    models.uuid = mock_random


def read_models_once() -> None:
    """Moto makes a loader of API models for each service, and each reads the same ones again."""
    loader = create_loader()
    utils: Any = moto.core.utils
    utils.create_loader = lambda: loader


def add_managed_policies(account: str, names: frozenset[str]) -> None:
    """Put AWS's managed policies into the account, which moto does only when the environment asks for it."""
    backend: Any = iam_backends[account][_PARTITION]
    listed = [
        AWSManagedPolicy.from_data(name, account, _REGION, data)
        for name, data in json.loads(aws_managed_policies_data).items()
        if name in names
    ]
    backend.aws_managed_policies = listed
    backend.managed_policies.update({policy.arn: policy for policy in listed})


def age_users(account: str, users: Iterable[User], now: datetime) -> None:
    """Give users, passwords and keys the ages of the scenario."""
    backend = iam_backends[account][_PARTITION]
    for wanted in users:
        user = backend.users[wanted.name]
        user.create_date = _ago(now, wanted.created)
        user.password_last_used = _ago(now, wanted.signed_in)
        for made, key in zip(user.access_keys, wanted.keys, strict=True):
            _age_key(made, key, now)


def age_roles(account: str, roles: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Say when each role was made and when it was last taken."""
    made = {role.name: role for role in iam_backends[account][_PARTITION].roles.values()}
    for role in roles:
        made[role["name"]].create_date = _ago(now, role["days_since_created"])
        made[role["name"]].last_used = _ago(now, role["days_since_used"])


def _age_key(key: Any, wanted: AccessKey, now: datetime) -> None:
    key.create_date = _ago(now, wanted.created)
    if wanted.used is not None:
        key.last_used = AccessKeyLastUsed(
            timestamp=_ago(now, wanted.used), service=wanted.service, region=_REGION
        )


def set_root(account: str, root: Root, now: datetime) -> None:
    """Give the root user its MFA device, its key and its row in the credential report."""
    backend: Any = iam_backends[account][_PARTITION]
    backend.account_summary._account_mfa_enabled = int(root.mfa)  # noqa: SLF001
    backend.account_summary._account_access_keys_present = int(root.key is not None)  # noqa: SLF001
    if root.mfa:
        _add_root_device(account, now, root)
    report = backend.get_credential_report
    row = _root_row(account, root, now)

    def with_root() -> str:
        header, _, users = report().partition("\n")
        return f"{header}\n{row}\n{users}"

    backend.get_credential_report = with_root


def _add_root_device(account: str, now: datetime, root: Root) -> None:
    backend = iam_backends[account][_PARTITION]
    device: Any = VirtualMfaDevice(account, _REGION, "/root-account-mfa-device")
    device.enable_date = _ago(now, root.created)
    device.user = SimpleNamespace(
        arn=f"arn:aws:iam::{account}:root",
        id=account,
        create_date=_ago(now, root.created),
        password_last_used=_ago(now, root.signed_in),
        tags=[],
    )
    backend.virtual_mfa_devices[device.serial_number] = device


def _root_row(account: str, root: Root, now: datetime) -> str:
    key = root.key
    cells = [
        "<root_account>",
        f"arn:aws:iam::{account}:root",
        _stamp(now, root.created),
        "true",
        _stamp(now, root.signed_in) if root.signed_in is not None else "no_information",
        _stamp(now, root.created),
        "not_supported",
        str(root.mfa).lower(),
        str(key is not None).lower(),
        _stamp(now, key.created) if key else "N/A",
        _stamp(now, key.used) if key and key.used is not None else "N/A",
        *((_REGION, key.service) if key and key.used is not None else ("N/A", "N/A")),
    ]
    # The second key and both certificates: a root user of this company never had them.
    cells += ["false", "N/A", "N/A", "N/A", "N/A", "false", "N/A", "false", "N/A"]
    if len(cells) != _ROOT_COLUMNS:
        message = f"the root row has {len(cells)} cells"
        raise AssertionError(message)
    return ",".join(cells)


def _ago(now: datetime, days: float | None) -> Any:
    """Moto keeps naive UTC times."""
    return None if days is None else now.replace(tzinfo=None) - timedelta(days=days)


def _stamp(now: datetime, days: float) -> str:
    return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
