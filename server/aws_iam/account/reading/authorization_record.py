"""AWS's own record of one refused request: its evaluations, and the policies as they were captured with it.

    read_record(connection, "1a2b3c…", progress)  →  ReadRecord, or the Miss that says why there is none

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied-authorization-id.html
"""

from __future__ import annotations

import json
from dataclasses import field, replace
from time import sleep
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import UnknownServiceError

from aws_iam.account.calls.clients import client_config, make_client
from aws_iam.account.calls.failures import FAILURES, calling, miss_of
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.session.connect import (
    checked_regions,
    connect,
    home_region,
    known_regions,
)
from aws_iam.account.session.permitted import regions_of
from aws_iam.errors import AwsError
from aws_iam.escape import escaped
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.account.session.account_arguments import AccountArguments

SERVICE = "iam-toolbox"
DETAILS = f"{SERVICE}:GetRequestAuthorizationDetails"
POLICY = f"{SERVICE}:GetRequestAuthorizationPolicy"
MOST_PAGES = 100
MOST_POLICIES = 300
MOST_BYTES = 8_000_000
"""What is read of one record; a request has a few evaluations, and few policies decide it."""
WAITS = (2, 4)
"""Seconds after which a record that is not there yet is asked for again."""
_LONGEST_URI = 2_048


@slotted
class ReadRecord:
    """The record as the API's answers have it; `unread` says by URI why a policy was not read."""

    region: str
    details: Mapping[str, Any]
    policies: Mapping[str, Any]
    unread: Mapping[str, str] = field(default_factory=dict)


def read_record(
    source: AccountArguments,
    authorization_id: str,
    progress: Callable[[int, int, str], None],
    *,
    likely: str = "",
) -> ReadRecord | Miss:
    """The record from the first of the source's Regions that has it; without any from the likely one, or the session's own."""
    session = connect(source)
    named = tuple(dict.fromkeys(regions_of(source)))
    checked_regions(session, named)
    if not named and likely in known_regions(session):
        named = (likely,)
    asked = named or (home_region(session, ()),)
    # AWS writes a record a moment after the denial, and the denial may just have happened.
    for wait in (0, *(WAITS if len(asked) == 1 else ())):
        if wait:
            progress(0, 1, "waiting for AWS to write the record")
            sleep(wait)
        misses = []
        for region in asked:
            reader = _Reader(_client(session, region), region, authorization_id, progress)
            found = reader.record()
            if isinstance(found, ReadRecord):
                return found
            misses.append(found)
        # A record that is in no Region says less than a Region that could not be asked.
        elsewhere = [miss for miss in misses if miss.kind is not MissKind.ABSENT]
        if elsewhere:
            return elsewhere[0]
    return replace(misses[0], region=", ".join(asked))


def _client(session: boto3.Session, region: str) -> Any:
    try:
        client = make_client(session, SERVICE, region, client_config())
    except UnknownServiceError:
        raise _older_sdk() from None
    # The first models of the service have neither the policies nor the checks.
    if POLICY.partition(":")[2] not in client.meta.service_model.operation_names:
        raise _older_sdk()
    return client


def _older_sdk() -> AwsError:
    return AwsError(
        f"the installed AWS SDK (boto3 {boto3.__version__}) is older than the call {POLICY}",
        hint="`pip install --upgrade boto3` (1.44.8 has it), or give the record, read with a new AWS CLI, as `authorization`",
    )


class _Reader:
    """Reads one record in one Region, within limits."""

    def __init__(
        self,
        client: Any,
        region: str,
        authorization_id: str,
        progress: Callable[[int, int, str], None],
    ) -> None:
        self._client = client
        self._region = region
        self._id = authorization_id
        self._progress = progress
        self._bytes = 0

    def record(self) -> ReadRecord | Miss:
        """All pages and policies, or why there is no first page."""
        pages: list[dict[str, Any]] = []
        token = ""
        while len(pages) < MOST_PAGES and self._bytes < MOST_BYTES:
            self._progress(len(pages), len(pages) + 1, "reading AWS's record")
            more = {"nextToken": token} if token else {}
            page = self._asked(DETAILS, "get_request_authorization_details", **more)
            if isinstance(page, Miss):
                if not pages:
                    return page
                break
            pages.append(page)
            following = page.get("nextToken") or ""
            if following in {"", token}:
                token = ""
                break
            token = following
        details = _joined(pages, token)
        return self._with_policies(details)

    def _with_policies(self, details: Mapping[str, Any]) -> ReadRecord:
        uris = tuple(dict.fromkeys(_uris(details)))
        policies: dict[str, Any] = {}
        unread: dict[str, str] = {}
        for number, uri in enumerate(uris):
            if number >= MOST_POLICIES or self._bytes >= MOST_BYTES:
                unread[uri] = f"not read, after {MOST_POLICIES:,} policies or {MOST_BYTES:,} bytes"
                continue
            if len(uri) > _LONGEST_URI:
                unread[uri] = f"not read: its URI has more than {_LONGEST_URI:,} characters"
                continue
            self._progress(number, len(uris), "reading the captured policies")
            answer = self._asked(POLICY, "get_request_authorization_policy", policyUri=uri)
            if isinstance(answer, Miss):
                unread[uri] = str(answer)
            else:
                policies[uri] = answer.get("policyDocument")
        return ReadRecord(region=self._region, details=details, policies=policies, unread=unread)

    def _asked(self, operation: str, method: str, **arguments: str) -> dict[str, Any] | Miss:
        try:
            with calling():
                answer: dict[str, Any] = getattr(self._client, method)(
                    authorizationId=self._id, **arguments
                )
        except FAILURES as error:
            return miss_of(error, operation, self._region, "")
        answer.pop("ResponseMetadata", None)
        self._bytes += len(json.dumps(answer, default=str))
        return answer


def _joined(pages: Sequence[Mapping[str, Any]], token: str) -> dict[str, Any]:
    """The pages as one answer; a token that is left says that there are more."""
    policies: dict[str, Any] = {}
    for page in pages:
        for policy in page.get("policies", ()):
            policies.setdefault(json.dumps(policy, sort_keys=True, default=str), policy)
    return {
        "requestContext": pages[0].get("requestContext", {}),
        "evaluations": [row for page in pages for row in page.get("evaluations", ())],
        "policies": list(policies.values()),
        **({"nextToken": token} if token else {}),
    }


def _uris(details: Mapping[str, Any]) -> Iterator[str]:
    for policy in details["policies"]:
        if uri := policy.get("uri"):
            yield uri


def words_of(miss: Miss) -> tuple[str, str]:
    """Why the record could not be read, and what would help."""
    if miss.kind is MissKind.ABSENT:
        why = f"AWS has no such record in {miss.region} ({escaped(miss.code, 60)})"
        return why, _KEPT
    if miss.kind is MissKind.DENIED:
        return str(miss), _ALLOW
    return str(miss), f"the call needs {miss.permission}, in the Region of the denial"


_KEPT = (
    "AWS writes it a moment after the denial, so try again after a minute; it is kept for 24 hours or more, in the Region of"
    " the denial, for the account or organization of the denied principal: check the ID, the Region (`regions`) and the"
    " account"
)
_ALLOW = (
    "allow iam:GetRequestAuthorizationDetails and iam:GetRequestAuthorizationPolicy (statement ReadDenialsOnRequest of"
    " assets/audit-policy.json)"
)
