"""Fetches AWS's Service Reference into the user's cache."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from aws_iam.engine.reference import catalog_rows, corrections, service_reference
from aws_iam.engine.reference.catalog import catalog, forget, shipped, user_file
from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import quoted
from aws_iam.web.connection import (
    CLIENT_FAILURES,
    CLIENT_HINT,
    CLIENT_PROBLEM,
    Deadline,
    StatusError,
    TooLargeError,
    client_for,
    done,
    download,
    may_fetch,
    words_of,
)
from aws_iam.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aws_iam.engine.reference.catalog_rows import ServiceRow

T = TypeVar("T")

SERVICE_REFERENCE = "https://servicereference.us-east-1.amazonaws.com/"
ENVIRONMENT = "AWS_IAM_SERVICE_REFERENCE"
_MOST_BYTES = 16_000_000
_MOST_SERVICES = 5_000
_SECONDS_FOR_CATALOG = 120.0
# An answer with a smaller share of the known actions is broken, not news.
_LEAST_KEPT = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh changed: the new file, counts before and after, actions that are new and gone."""

    file: Path
    as_of: str
    fetched: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    new_actions: tuple[str, ...]
    gone_actions: tuple[str, ...]


def refresh_catalog(
    progress: Callable[[int, int, str], None], base: str | None = None
) -> Refreshed:
    """Fetch AWS's Service Reference into the user's cache; a failure changes nothing."""
    address = _checked_base(base or os.environ.get(ENVIRONMENT) or SERVICE_REFERENCE)
    file = user_file()
    if file is None:
        raise AwsIamError(
            "cannot store the file: the user has no home folder",
            hint="set XDG_CACHE_HOME to a folder",
        )
    rows = _fetch_all(address, progress)
    known = shipped()
    services = dict(known.rows())
    before = dict(services)
    for prefix, row in rows.items():
        services[prefix] = service_reference.merged(
            row, before.get(prefix, catalog_rows.ServiceRow()), old_day=known.as_of
        )
    corrections.correct(services)
    _refuse_loss(rows, before)
    today = datetime.now(UTC).date().isoformat()
    source = {
        "name": "AWS Service Reference",
        "version": "v1",
        "date": today,
        "services": len(rows),
    }
    provenance = {
        "as_of": max(today, known.as_of),
        "sources": [source, *known.provenance["sources"]],
        "dependents": known.provenance["dependents"],
        "note": "the Service Reference over the shipped data",
    }
    _write(file, catalog_rows.pack(services, known.rcp_services, provenance))
    forget()
    return Refreshed(
        file=file,
        as_of=provenance["as_of"],
        fetched=len(rows),
        before=catalog_rows.count(before),
        after=catalog_rows.count(services),
        new_actions=_actions_only_in(services, before),
        gone_actions=_actions_only_in(before, services),
    )


def _checked_base(base: str) -> httpx.URL:
    if "@" in base:
        # Messages show the address, and must not show a password.
        raise InputError(
            "the address to fetch from contains a user name or password",
            hint=f"remove them, as in {SERVICE_REFERENCE}",
        )
    try:
        url = httpx.URL(base if base.endswith("/") else f"{base}/")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.host and may_fetch(url):
        return url
    raise InputError(
        f"{quoted(base)} is not an address to fetch from",
        hint="use https; http is for this machine only, as in http://127.0.0.1:8000/",
    )


def _fetch_all(
    base: httpx.URL, progress: Callable[[int, int, str], None]
) -> dict[str, ServiceRow]:
    deadline = Deadline(_SECONDS_FOR_CATALOG)
    with _catalog_client(base) as client:

        def listing() -> dict[str, str]:
            return _understood(base, _get(client, base), service_reference.addresses)

        addresses = dict(done(base, {"": listing}, deadline, broken=_unusable))[""]
        if len(addresses) > _MOST_SERVICES:
            raise _unusable(base, f"it lists {len(addresses)} services")
        jobs = {
            prefix: partial(_fetch_one, client, _same_origin(base, url), prefix)
            for prefix, url in addresses.items()
        }
        rows: dict[str, ServiceRow] = {}
        for prefix, row in done(base, jobs, deadline, broken=_unusable):
            rows[prefix] = row
            progress(len(rows), len(jobs), prefix)
    return rows


def _catalog_client(base: httpx.URL) -> httpx.Client:
    try:
        return client_for(base)
    except CLIENT_FAILURES as failure:
        raise AwsIamError(f"{CLIENT_PROBLEM}; nothing was changed", hint=CLIENT_HINT) from failure


def _fetch_one(client: httpx.Client, url: httpx.URL, prefix: str) -> ServiceRow:
    def service(data: Any) -> ServiceRow:
        return service_reference.service(data, prefix)

    return _understood(url, _get(client, url), service)


def _understood(url: httpx.URL, data: bytes, reader: Callable[[Any], T]) -> T:
    try:
        return reader(json.loads(data))
    except service_reference.NotUnderstood as why:
        raise _unusable(url, str(why)) from why
    except (ValueError, RecursionError) as why:
        raise _unusable(url, "it is not JSON") from why


def _get(client: httpx.Client, url: httpx.URL) -> bytes:
    try:
        return download(client, url, _MOST_BYTES)
    except StatusError as status:
        raise _unusable(url, f"the server answers {status}") from None
    except TooLargeError:
        raise _unusable(url, f"it has more than {_MOST_BYTES} bytes") from None
    except httpx.HTTPError as failure:
        raise AwsIamError(
            f"could not fetch from {quoted(url.host)}: {words_of(failure)}; nothing was changed",
            hint=f"the data of {catalog().as_of} stays in use; try again with access to the internet",
        ) from failure


def _same_origin(base: httpx.URL, text: str) -> httpx.URL:
    try:
        url = base.join(text)
    except httpx.InvalidURL:
        raise _unusable(base, f"it contains the malformed address {quoted(text)}") from None
    if url.userinfo:
        raise _unusable(base, "it contains an address with a user name or password")
    if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
        raise _unusable(base, f"it refers to another server, {quoted(url.host)}")
    return url


def _unusable(url: httpx.URL, why: str) -> AwsIamError:
    return AwsIamError(
        f"{quoted(str(url))} is not usable: {why}; nothing was changed",
        hint=f"the data of {catalog().as_of} stays in use",
    )


def _refuse_loss(rows: Mapping[str, ServiceRow], before: Mapping[str, ServiceRow]) -> None:
    """Refuse an answer that lacks many known actions: they would all count as retired."""
    known = sum(len(before[prefix].actions) for prefix in rows if prefix in before)
    lost = sum(
        len(set(before[prefix].actions) - set(row.actions))
        for prefix, row in rows.items()
        if prefix in before
    )
    if lost > known * (1 - _LEAST_KEPT):
        raise AwsIamError(
            f"the Service Reference lacks {lost} of {known} known actions; nothing was changed",
            hint=f"the data of {catalog().as_of} stays in use",
        )


def _actions_only_in(
    one: Mapping[str, ServiceRow], other: Mapping[str, ServiceRow]
) -> tuple[str, ...]:
    return tuple(
        f"{prefix}:{name}"
        for prefix, row in sorted(one.items())
        for name in sorted(row.actions)
        if prefix not in other or name not in other[prefix].actions
    )


def _write(file: Path, data: bytes) -> None:
    """Replace the file atomically: a reader sees the old file or the new one, never a part."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, data)
    except OSError as failure:
        raise AwsIamError(
            f"could not write {quoted(str(file))}: {failure.strerror}; nothing was changed",
            hint="set XDG_CACHE_HOME to a folder that can be written",
        ) from failure
