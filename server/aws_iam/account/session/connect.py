"""Opens a guarded session from a profile, a role or the environment, and explains every way in which that can fail."""

from __future__ import annotations

import os
import re
import socket
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as UnreachableError,
)
from botocore.hooks import HierarchicalEmitter
from botocore.parsers import ResponseParserError

from aws_iam.account.calls.clients import client_config, make_client
from aws_iam.account.calls.complete_answers import refuse_incomplete_answers
from aws_iam.account.calls.failures import (
    FAILURES,
    calling,
    code_of,
    expired,
    is_aws_fault,
    is_throttled,
    text_of,
)
from aws_iam.account.calls.rate_limits import limit_rates
from aws_iam.account.calls.unreadable_answers import keep_answers_out_of_errors
from aws_iam.account.guard.allowlist import ALLOWED, guard
from aws_iam.account.names import id_formats
from aws_iam.account.session.api_models import trimmed_loader
from aws_iam.account.session.named_files import (
    refuse_endless_configuration,
    refuse_endless_files,
)
from aws_iam.account.session.permitted import refuse_what_is_not_permitted, regions_of, user_role
from aws_iam.errors import AwsError, InputError, closest
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import boto3

    from aws_iam.account.calls.failures import Failure
    from aws_iam.account.session.account_arguments import AccountArguments

SESSION_NAME = "aws-iam-audit"
DEFAULT_REGION = "us-east-1"

_HOW_TO_CONNECT = (
    "connect with `aws configure`, `aws sso login` and AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY; or see the demonstration account with `demo: true`"
)
_CHECK_PROVIDER = (
    "try again; then check what provides the credentials (`credential_process`, a token file, a metadata service, "
    "AWS_ENDPOINT_URL) and the proxy"
)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,575}")
_METADATA = "http://169.254.169.254"
_PROBE_SECONDS = 0.4
_CONNECT_SECONDS = 3
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")
_CLOCK = ("RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException")
_WRONG_KEY = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "InvalidAccessKeyId",
)


def connect(source: AccountArguments) -> boto3.Session:
    """A guarded session with credentials, for the profile or the default chain, in the role if one is named."""
    if source.role_arn is None and source.external_id is not None:
        raise InputError("`external_id` needs `role_arn`, which is missing")
    if source.role_arn is not None and not _ROLE.fullmatch(source.role_arn):
        raise InputError(
            f"`role_arn` {quoted(source.role_arn)} is not the ARN of a role",
            hint="write arn:aws:iam::111122223333:role/NAME",
        )
    refuse_what_is_not_permitted(source)
    try:
        session = _session(source.profile)
    except ResponseParserError as error:
        # A program, a token file or an endpoint did not provide credentials.
        raise AwsError(
            f"no AWS credentials were found: {text_of(error)}", hint=_CHECK_PROVIDER
        ) from None
    except (ClientError, BotoCoreError) as error:
        # INVARIANT: no SDK error is the cause of one of ours: a traceback would print it, with what it quotes.
        raise explained(error) from None
    if source.role_arn is None and user_role() is None:
        return session
    return _assumed(session, source)


def checked_regions(session: boto3.Session, regions: Iterable[str]) -> tuple[str, ...]:
    """The Regions, sorted; InputError for one that AWS does not have."""
    known = known_regions(session)
    for region in regions:
        if region not in known:
            raise InputError(f"{quoted(region)} is not an AWS Region", hint=_near(region, known))
    return tuple(sorted(set(regions)))


def home_region(session: boto3.Session, regions: Sequence[str]) -> str:
    """The Region of calls that have none of their own: the session's, else the first that was named."""
    configured = session.region_name or ""
    if configured and not regions:
        known = known_regions(session)
        if configured not in known:
            raise InputError(
                f"the configured Region {quoted(configured)} is not an AWS Region",
                hint=f"set AWS_REGION or the profile's `region`; {_near(configured, known)}",
            )
        return configured
    return configured if configured in regions else next(iter(regions), DEFAULT_REGION)


def known_regions(session: boto3.Session, partition: str | None = None) -> frozenset[str]:
    """Every Region of a partition, or of all, that the SDK knows."""
    partitions = [partition] if partition else session.get_available_partitions()
    return frozenset(
        region
        for partition in partitions
        for region in session.get_available_regions("ec2", partition_name=partition)
    )


def caller(session: boto3.Session, region: str) -> tuple[str, str]:
    """The account id and the caller's ARN; AwsError when AWS cannot be read at all."""
    answer = call_sts(session, region, "get_caller_identity")
    account, arn = answer.get("Account", ""), answer.get("Arn", "")
    if not id_formats.has_format(id_formats.ACCOUNT, account) or not id_formats.has_format(
        id_formats.ARN, arn
    ):
        raise _not_aws()
    return account, arn


def role_session(answer: dict[str, Any]) -> tuple[ReadOnlyCredentials, str]:
    """The credentials in an answer of AssumeRole, and the ARN of the session."""
    try:
        keys = answer["Credentials"]
        credentials = ReadOnlyCredentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        return credentials, answer["AssumedRoleUser"]["Arn"]
    except KeyError:
        raise _not_aws() from None


def call_sts(session: boto3.Session, region: str, method: str, **arguments: Any) -> dict[str, Any]:
    """The answer of one call to STS, whose failure ends the run."""
    try:
        config = client_config(attempts=2, connect=_CONNECT_SECONDS)
        call = getattr(make_client(session, "sts", region, config), method)
        with calling():
            answer: dict[str, Any] = call(**arguments)
    except FAILURES as error:
        raise explained(error) from None
    return answer


def explained(error: Failure) -> AwsError | InputError:
    """The failure as an error that says what to do."""
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, BotoCoreError):
        return _failure(error)
    return _not_aws(f": {text_of(error)}")


def _not_aws(why: str = "") -> AwsError:
    return AwsError(
        f"the endpoint does not answer as AWS does{why}",
        hint="try again; then check AWS_ENDPOINT_URL and the proxy",
    )


def is_callers_fault(code: str) -> bool:
    """Whether an error is about the caller's credentials or clock: then no other account can be read either."""
    return code in (*_EXPIRED, *_CLOCK, *_WRONG_KEY, "SignatureDoesNotMatch")


def session_of(profile: str | None, region: str, provider: Any) -> boto3.Session:
    """A guarded session whose credentials come only from this provider."""
    core = _core(profile)
    core.register_component("credential_provider", provider)
    return _boto3(core, region)


def _session(profile: str | None) -> boto3.Session:
    refuse_endless_configuration()
    core = _core(profile)
    if profile is not None and profile not in core.available_profiles:
        raise InputError(
            f"the AWS configuration has no profile {quoted(profile)}",
            hint=_near(profile, core.available_profiles)
            or "list them: `aws configure list-profiles`",
        )
    refuse_endless_files(core.full_config.get("profiles", {}), core.profile or "default")
    _skip_absent_metadata_service(core)
    _prompt_for_mfa_only_at_a_terminal(core)
    with calling():
        credentials = core.get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials else None
    if frozen is None or not frozen.access_key:
        raise AwsError("no AWS credentials were found", hint=_HOW_TO_CONNECT)
    return _boto3(core, None)


def _asked_for(source: AccountArguments) -> dict[str, Any]:
    """What AssumeRole is asked; for a user of a shared server so that CloudTrail names the user in every call."""
    role = user_role()
    if role is None:
        extra = {} if source.external_id is None else {"ExternalId": source.external_id}
        return {"RoleArn": source.role_arn, "RoleSessionName": SESSION_NAME, **extra}
    asked: dict[str, Any] = {"RoleArn": role.role_arn, "RoleSessionName": role.session_name}
    if role.external_id is not None:
        asked["ExternalId"] = role.external_id
    if role.source_identity is not None:
        asked["SourceIdentity"] = role.source_identity
    if role.tags:
        asked["Tags"] = [{"Key": key, "Value": value} for key, value in role.tags]
    return asked


def _assumed(session: boto3.Session, source: AccountArguments) -> boto3.Session:
    region = home_region(session, regions_of(source))
    answer = call_sts(session, region, "assume_role", **_asked_for(source))
    credentials, _ = role_session(answer)
    core = _core(source.profile)
    core.set_credentials(credentials.access_key, credentials.secret_key, credentials.token)
    return _boto3(core, region)


def _core(profile: str | None) -> Any:
    import botocore.session

    handlers = HierarchicalEmitter()
    core: Any = botocore.session.Session(profile=profile, event_hooks=handlers)
    # INVARIANT: what registers a handler on a client names services as botocore does today. It goes without the translator of
    # former names that the session registers its own through: each client would copy it and learn all names anew.
    core.register_component("event_emitter", handlers)
    core.lazy_register_component(
        "data_loader",
        lambda: trimmed_loader(ALLOWED),
    )
    if region := os.environ.get("AWS_REGION"):
        # The AWS CLI and the other SDKs read it first, this one only AWS_DEFAULT_REGION. It is set here and not in the
        # boto3 session because a profile's role is assumed before that exists.
        core.set_config_variable("region", region)
    guard(core)
    limit_rates(core)
    refuse_incomplete_answers(core)
    keep_answers_out_of_errors(core)
    core.set_config_variable("metadata_service_timeout", 1)
    core.set_config_variable("metadata_service_num_attempts", 1)
    core.register("before-sign.s3-control", _without_account_in_a_local_host)
    return core


def _boto3(core: Any, region: str | None) -> boto3.Session:
    import boto3

    return boto3.Session(botocore_session=core, region_name=region)


def _skip_absent_metadata_service(core: Any) -> None:
    """Do not look for credentials in an instance metadata service that does not answer: it would take seconds."""
    endpoint = core.get_config_variable("ec2_metadata_service_endpoint") or _METADATA
    url = urlsplit(endpoint)
    try:
        with socket.create_connection((url.hostname, url.port or 80), timeout=_PROBE_SECONDS):
            return
    except (OSError, ValueError):
        core.get_component("credential_provider").remove("iam-role")


def _prompt_for_mfa_only_at_a_terminal(core: Any) -> None:
    """Elsewhere nobody sees the prompt for an MFA code, and the input of a protocol would be taken for the code."""
    if not sys.stdin.isatty():
        provider = core.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = _refuse_mfa_prompt  # noqa: SLF001 - the SDK has no setting for it


def _refuse_mfa_prompt(_prompt: str) -> str:
    raise AwsError(
        "the profile's role needs an MFA code, and there is no terminal to ask for it",
        hint="get temporary credentials first (`aws configure export-credentials --profile NAME`) and pass them in the environment",
    )


def _without_account_in_a_local_host(**event: Any) -> None:
    """S3 Control puts the account id before the host name, which does not resolve for `localhost` or an address."""
    request = event["request"]
    url = urlsplit(request.url)
    account, _, rest = (url.hostname or "").partition(".")
    is_local = rest == "localhost" or re.fullmatch(r"[\d.]+", rest) is not None
    if re.fullmatch(r"\d{12}", account) and is_local:
        request.url = request.url.replace(f"{account}.", "", 1)


def _near(word: str, options: Iterable[str]) -> str:
    near = closest(word, sorted(options))
    return f"did you mean `{near}`?" if near else ""


def _refusal(error: ClientError) -> AwsError:
    """AWS answered with a refusal."""
    code = code_of(error)
    text = escaped(text_of(error))
    if code in _EXPIRED:
        return expired(code)
    if code in _CLOCK or (code == "SignatureDoesNotMatch" and "expired" in text):
        return AwsError(
            f"AWS refused the time of the request ({code}): {text}",
            hint="the clock of this machine is wrong; synchronize it, for example by NTP",
        )
    if code == "SignatureDoesNotMatch":
        return AwsError(
            f"AWS refused the signature ({code})",
            hint="the secret access key does not belong to the access key id, or the clock of this machine is wrong",
        )
    if code in _WRONG_KEY:
        return AwsError(
            f"AWS does not know these credentials ({code})",
            hint=f"{_HOW_TO_CONNECT}; for China or GovCloud name one of its Regions",
        )
    return _other_refusal(error, code, text)


def _other_refusal(error: ClientError, code: str, text: str) -> AwsError:
    if is_throttled(code):
        return AwsError(
            f"AWS throttles {error.operation_name} ({code}): {text}",
            hint="wait a minute and run again; other programs call AWS from this account at the same time",
        )
    if is_aws_fault(error):
        return AwsError(
            f"AWS could not answer {error.operation_name} ({code}): {text}", hint="run again later"
        )
    return AwsError(
        f"AWS refused {error.operation_name} ({code}): {text}",
        hint="check the role's trust policy and the caller's permission"
        if error.operation_name.startswith("AssumeRole")
        else "check the credentials with `aws sts get-caller-identity`",
    )


def _failure(error: BotoCoreError) -> AwsError | InputError:
    """The SDK failed before AWS answered."""
    text = escaped(text_of(error))
    if isinstance(error, ProfileNotFound):
        # The profile that AWS_PROFILE names.
        return InputError(text, hint="list them: `aws configure list-profiles`")
    for kinds, hint in _HINTS:
        if isinstance(error, kinds):
            return AwsError(text, hint=hint)
    return AwsError(f"AWS cannot be read: {text}", hint=_HOW_TO_CONNECT)


_HINTS: tuple[tuple[tuple[type[BotoCoreError], ...], str], ...] = (
    ((SSOError, TokenRetrievalError), "sign in again: `aws sso login`"),
    ((LoginError,), "sign in again: `aws login`"),
    ((CredentialRetrievalError,), _CHECK_PROVIDER),
    ((NoCredentialsError, PartialCredentialsError), _HOW_TO_CONNECT),
    ((NoRegionError,), "set AWS_REGION, or `region` in the profile"),
    ((ConfigParseError,), "fix the AWS configuration file"),
    (
        (UnreachableError, HTTPClientError),
        "check the network, the proxy, the Region and AWS_ENDPOINT_URL; without a network see `demo: true`",
    ),
)
