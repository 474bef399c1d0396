"""The demonstration account: a small company, embedded. Nothing leaves the process.

    session → before-send → own answer | moto (in process) | refusal

Only sessions made here are answered this way; every other session of the process reaches AWS as usual. Moto's
`mock_aws` is not used: it would answer all of them.
"""

from __future__ import annotations

import gc
import os
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.demo_call import HOME, REGIONS, Call
from aws_iam.account.demo_people import MANAGED, PEOPLE, ROOT
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

__all__ = ["ACCOUNT", "REGIONS", "demo_session"]

ACCOUNT = "111122223333"

_INSTALL = "pip install 'aws-iam-mcp[demo]'"
_SEED = 20261124
# Moto's backends are plain dictionaries without locks, and threads do not make them faster.
_LOCK = threading.RLock()


def demo_session() -> boto3.Session:
    """A session that reads the demonstration account as its role SecurityAudit; the account is built on first use."""
    with _LOCK:
        moto = _private_moto()
        built = _built()
        if not moto.holds(ACCOUNT, PEOPLE[0].name):
            _built.cache_clear()
            built = _built()
        return _session(*built)


def _private_moto() -> Any:
    try:
        from aws_iam.account import demo_moto
    except ModuleNotFoundError as missing:
        # Anything of ours that is missing is a bug and must look like one.
        if (missing.name or "").startswith("aws_iam"):
            raise
        raise InputError(
            "the demonstration account needs the extra `demo`, which is not installed",
            hint=f"install it: `{_INSTALL}`",
        ) from None
    return demo_moto


@cache
def _built() -> tuple[str, str, str]:
    """Fill the account once per process; the credentials of the role that reads it."""
    from aws_iam.account import demo_moto
    from aws_iam.account.demo_estate import seed_estate
    from aws_iam.account.demo_people import seed_people
    from aws_iam.account.demo_roles import role_ages, seed_roles
    from aws_iam.account.demo_watch import seed_watch

    now = datetime.now(UTC)
    session = _session("AKIADEMO", "demo", None)
    call = Call(session, ACCOUNT)
    demo_moto.look_up_regions_in(session)
    demo_moto.read_models_through(_loader())
    demo_moto.let_requests_name_their_account()
    demo_moto.repeatable(_SEED)
    with _no_collection(), demo_moto.sparing():
        demo_moto.add_managed_policies(ACCOUNT, MANAGED)
        seed_people(call)
        seed_roles(call)
        seed_watch(call, seed_estate(call))
    demo_moto.age_people(ACCOUNT, PEOPLE, now)
    demo_moto.age_roles(ACCOUNT, role_ages(ACCOUNT), now)
    demo_moto.set_root(ACCOUNT, ROOT, now)
    reader = call(
        "sts",
        "assume_role",
        RoleArn=call.arn("iam", "role/SecurityAudit"),
        RoleSessionName="aws-iam",
    )["Credentials"]
    return reader["AccessKeyId"], reader["SecretAccessKey"], reader["SessionToken"]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Moto's tables and API models live as long as the process; looking for garbage among them costs a third more."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def _session(key: str, secret: str, token: str | None) -> boto3.Session:
    import boto3

    from aws_iam.account.session import client_events

    core = client_events.session()
    core.register_component("data_loader", _loader())
    # INVARIANT: nothing of the caller's environment or files steers a request of this session. The store's overrides
    # are set, not the session's variables: there None would mean "look in the environment".
    store = core.get_component("config_store")
    for name, value in _SEALED.items():
        store.set_config_variable(name, value)
    core.set_credentials(key, secret, token)
    # The stubs say that handlers answer nothing; botocore's own comment on this event says what an answer does.
    answer: Any = _answer
    core.register("before-send", answer)
    return boto3.Session(botocore_session=core, region_name=HOME)


@cache
def _loader() -> Any:
    """The API models, read once for the session that fills and those that read."""
    from aws_iam.account.session.api_models import bare_loader

    return bare_loader()


_SEALED: dict[str, Any] = {
    "profile": None,
    "config_file": os.devnull,
    "credentials_file": os.devnull,
    "ca_bundle": None,
    "ignore_configured_endpoint_urls": True,
    "use_dualstack_endpoint": False,
    "use_fips_endpoint": False,
    "account_id_endpoint_mode": "disabled",
}


def _answer(*, request: AWSPreparedRequest, **_context: object) -> AWSResponse:
    """Answer a request in this process; botocore sends nothing once a handler has answered."""
    from botocore.awsrequest import AWSResponse

    from aws_iam.account.demo_moto import raw

    with _LOCK:
        status, headers, body = _reply(request)
    return AWSResponse(request.url, status, headers, raw(body))


def _reply(request: AWSPreparedRequest) -> tuple[int, Any, str | bytes]:
    from aws_iam.account.demo_answers import amended, own_answer, read, refusal
    from aws_iam.account.demo_moto import ACCOUNT_HEADER, emulator

    asked = read(request, ACCOUNT)
    if asked is None:
        return refusal(None, "NotInDemonstration", "outside the demonstration account")
    if (own := own_answer(asked)) is not None:
        return own
    request.headers[ACCOUNT_HEADER] = ACCOUNT
    try:
        reply = emulator()(request)
    except (NotImplementedError, ModuleNotFoundError):
        # Moto does not know the operation, or needs a package for it that the extra leaves out.
        reply = None
    if reply is None or (reply[0], reply[2]) == (404, "Not yet implemented"):
        message = f"the demonstration account does not know {asked.operation} of {asked.service}"
        return refusal(asked, "NotInDemonstration", message)
    return amended(asked, reply)
