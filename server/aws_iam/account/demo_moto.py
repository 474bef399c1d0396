"""Facts that no API of moto can set: root's credentials, ages, AWS's managed policies.

Every private name of moto that this package relies on is used here and nowhere else; a test fails loudly when moto
renames one.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import moto.core.utils
import moto.kms.models
from moto.core.base_backend import AccountSpecificBackend
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.responses import BaseResponse
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import (
    AccessKeyLastUsed,
    AWSManagedPolicy,
    VirtualMfaDevice,
    iam_backends,
)
from moto.moto_api._internal import mock_random

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from botocore.awsrequest import AWSPreparedRequest

    from aws_iam.account.demo_people import AccessKey, Person, Root

Reply = tuple[int, "Mapping[str, str]", "str | bytes"]
"""Status, headers and body of an answer, as moto gives them."""

ACCOUNT_HEADER = "x-moto-account-id"
"""The header that tells moto which account a request belongs to."""

_PARTITION = "aws"
_REGION = "us-east-1"
_ROOT_COLUMNS = 22
_IMAGES = "MOTO_EC2_LOAD_DEFAULT_AMIS"


def emulator() -> Callable[[AWSPreparedRequest], Reply | None]:
    """Moto, as a function of a request; None for hosts that are not AWS's."""
    stubber = BotocoreStubber()
    stubber.enabled = True
    return stubber.process_request


def raw(body: str | bytes) -> Any:
    """A body that botocore reads like a stream from a socket."""
    return MockRawResponse(body)


def look_up_regions_in(session: boto3.Session) -> None:
    """Let moto ask this session which Regions there are: a plain one would fall over the caller's AWS_PROFILE."""
    own: Any = AccountSpecificBackend
    own.get_session = classmethod(lambda _cls: session)
    # Moto's EC2 asks while it is imported, before it could be told.
    mine, plain = threading.get_ident(), boto3.Session

    class Sealed(boto3.Session):
        """Our session for this thread; every other thread gets what it asks for."""

        def __new__(cls, *args: Any, **named: Any) -> Any:
            return session if threading.get_ident() == mine else plain(*args, **named)

    boto3.Session = Sealed  # type: ignore[misc]
    try:
        importlib.import_module("moto.ec2.models")
    finally:
        boto3.Session = plain  # type: ignore[misc]


def read_models_through(loader: Any) -> None:
    """Let moto take the API models from this loader: it would make one for each service, and read all of them again."""
    utils: Any = moto.core.utils
    utils.create_loader = lambda: loader


@cache
def let_requests_name_their_account() -> None:
    """Let the request's header win over MOTO_ACCOUNT_ID, which would put the company into another account."""
    responses: Any = BaseResponse
    plain = responses.get_current_account

    def named(self: Any) -> Any:
        return self.headers.get(ACCOUNT_HEADER) or plain(self)

    responses.get_current_account = named


def repeatable(seed: int) -> None:
    """Make the ids that moto gives out from now on the same in every run."""
    mock_random.seed(seed)


@contextmanager
def sparing() -> Iterator[None]:
    """Spend no half second on what nobody asks this account for.

    That is the public images of EC2, over a thousand in each Region, and a private key of its own for every key of KMS.
    """
    models: Any = moto.kms.models
    plain, images = models.generate_private_key, os.environ.get(_IMAGES)
    models.generate_private_key = cache(plain)
    os.environ[_IMAGES] = "false"
    try:
        yield
    finally:
        models.generate_private_key = plain
        if images is None:
            del os.environ[_IMAGES]
        else:
            os.environ[_IMAGES] = images


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


def holds(account: str, user: str) -> bool:
    """Whether the account still has the user: moto's own switches empty every account of the process."""
    return user in iam_backends[account][_PARTITION].users


def age_people(account: str, people: tuple[Person, ...], now: datetime) -> None:
    """Give users, passwords and keys the ages of the scenario."""
    backend = iam_backends[account][_PARTITION]
    for person in people:
        user = backend.users[person.name]
        user.create_date = _ago(now, person.created)
        user.password_last_used = _ago(now, person.signed_in)
        for key, wanted in zip(user.access_keys, person.keys, strict=True):
            _age_key(key, wanted, now)


def age_roles(account: str, ages: Mapping[str, tuple[float, float | None]], now: datetime) -> None:
    """Say when each role was made and when it was last taken."""
    roles = {role.name: role for role in iam_backends[account][_PARTITION].roles.values()}
    for name, (created, used) in ages.items():
        roles[name].create_date = _ago(now, created)
        roles[name].last_used = _ago(now, used)


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
