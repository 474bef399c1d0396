"""The network apart from AWS's API: the one module that imports httpx. Https only, no redirects, bounded."""

from __future__ import annotations

import ipaddress
import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import escaped, quoted
from aws_iam.policy import catalog_file, service_reference
from aws_iam.policy.catalog import catalog, shipped, user_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.policy.catalog_file import ServiceRow

T = TypeVar("T")

SERVICE_REFERENCE = "https://servicereference.us-east-1.amazonaws.com/"
ENVIRONMENT = "AWS_IAM_SERVICE_REFERENCE"
_MOST_BYTES = 16_000_000
_MOST_SERVICES = 5_000
_AT_ONCE = 8
_SECONDS = 120.0
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
# Losing more than this share of the known actions is a broken answer, no news.
_LEAST_KEPT = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh changed: the file written, and counts and services before and after."""

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
    """Fetch AWS's Service Reference into the user's cache; on any failure nothing is changed."""
    address = _checked_base(base or os.environ.get(ENVIRONMENT) or SERVICE_REFERENCE)
    file = user_file()
    if file is None:
        raise AwsIamError(
            "there is no place for the file: the user has no home folder",
            hint="set XDG_CACHE_HOME to a folder",
        )
    rows = _fetch_all(address, progress)
    known = shipped()
    services = dict(known.rows())
    before = dict(services)
    for prefix, row in rows.items():
        services[prefix] = service_reference.merged(
            row, before.get(prefix, catalog_file.ServiceRow())
        )
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
    _write(file, catalog_file.pack(services, known.rcp_services, provenance))
    catalog.cache_clear()
    return Refreshed(
        file=file,
        as_of=provenance["as_of"],
        fetched=len(rows),
        before=catalog_file.count(before),
        after=catalog_file.count(services),
        new_actions=_more(services, before),
        gone_actions=_more(before, services),
    )


def _checked_base(base: str) -> httpx.URL:
    try:
        url = httpx.URL(base if base.endswith("/") else f"{base}/")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.host and (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host))):
        return url
    raise InputError(
        f"{quoted(base)} is no address to fetch from",
        hint="give an https address; http is for this machine only, such as http://127.0.0.1:8000/",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _fetch_all(
    base: httpx.URL, progress: Callable[[int, int, str], None]
) -> dict[str, ServiceRow]:
    until = time.monotonic() + _SECONDS
    # A proxy of the environment is right for the internet and wrong for this machine.
    trust = not _is_loopback(base.host)
    headers = {"User-Agent": "aws-iam", "Accept": "application/json"}
    with httpx.Client(timeout=_TIMEOUT, headers=headers, trust_env=trust) as client:
        addresses = _understood(base, _get(client, base, until), service_reference.addresses)
        if len(addresses) > _MOST_SERVICES:
            raise _unusable(base, f"it lists {len(addresses)} services")
        urls = {prefix: _same_origin(base, url) for prefix, url in addresses.items()}
        rows: dict[str, ServiceRow] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            running = {
                pool.submit(_fetch_one, client, url, prefix, until): prefix
                for prefix, url in urls.items()
            }
            try:
                for done in as_completed(running):
                    rows[running[done]] = done.result()
                    progress(len(rows), len(urls), running[done])
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    return rows


def _fetch_one(client: httpx.Client, url: httpx.URL, prefix: str, until: float) -> ServiceRow:
    def service(data: Any) -> ServiceRow:
        return service_reference.service(data, prefix)

    return _understood(url, _get(client, url, until), service)


def _understood(url: httpx.URL, data: bytes, reader: Callable[[Any], T]) -> T:
    try:
        return reader(json.loads(data))
    except service_reference.NotUnderstood as why:
        raise _unusable(url, str(why)) from why
    except (ValueError, RecursionError) as why:
        raise _unusable(url, "it is no JSON") from why


def _get(client: httpx.Client, url: httpx.URL, until: float) -> bytes:
    try:
        with client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise _unusable(url, f"the server answers {response.status_code}")
            data = bytearray()
            for piece in response.iter_bytes():
                data += piece
                if len(data) > _MOST_BYTES:
                    raise _unusable(url, f"it has more than {_MOST_BYTES} bytes")
                if time.monotonic() > until:
                    raise _unusable(url, f"it took longer than {_SECONDS:.0f} seconds")
            return bytes(data)
    except httpx.HTTPError as failure:
        raise AwsIamError(
            f"could not reach {quoted(url.host)}: {_words(failure)}; nothing was changed",
            hint=f"the data of {catalog().as_of} stays in use; try again with access to the internet",
        ) from failure


def _words(failure: httpx.HTTPError) -> str:
    if isinstance(failure, httpx.TimeoutException):
        return "no answer in time"
    text = escaped(str(failure))
    return text[:1].lower() + text[1:] if text else "the connection failed"


def _same_origin(base: httpx.URL, text: str) -> httpx.URL:
    try:
        url = base.join(text)
    except httpx.InvalidURL:
        raise _unusable(base, f"it names the ill-formed address {quoted(text)}") from None
    if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
        raise _unusable(base, f"it names another server, {quoted(url.host)}")
    return url


def _unusable(url: httpx.URL, why: str) -> AwsIamError:
    return AwsIamError(
        f"{quoted(str(url))} is not usable: {why}; nothing was changed",
        hint=f"the data of {catalog().as_of} stays in use",
    )


def _refuse_loss(rows: Mapping[str, ServiceRow], before: Mapping[str, ServiceRow]) -> None:
    """A listing that lost many of the actions known before is broken: all of them would count as retired."""
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


def _more(one: Mapping[str, ServiceRow], other: Mapping[str, ServiceRow]) -> tuple[str, ...]:
    return tuple(
        f"{prefix}:{name}"
        for prefix, row in sorted(one.items())
        for name in sorted(row.actions)
        if prefix not in other or name not in other[prefix].actions
    )


def _write(file: Path, data: bytes) -> None:
    """Replace the file in one step: a reader sees the old one or the new one, never half of one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as failure:
        raise AwsIamError(
            f"could not write {quoted(str(file))}: {failure.strerror}; nothing was changed",
            hint="set XDG_CACHE_HOME to a folder that can be written",
        ) from failure
