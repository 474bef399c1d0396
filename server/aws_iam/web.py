"""The network apart from AWS's API: https only, no redirects, bounded. The only module that imports httpx."""

from __future__ import annotations

import ipaddress
import json
import os
import queue
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from aws_iam.engine.reference import catalog_rows, corrections, service_reference
from aws_iam.engine.reference.catalog import catalog, forget, shipped, user_file
from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import quoted
from aws_iam.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from aws_iam.engine.reference.catalog_rows import ServiceRow

T = TypeVar("T")

SERVICE_REFERENCE = "https://servicereference.us-east-1.amazonaws.com/"
ENVIRONMENT = "AWS_IAM_SERVICE_REFERENCE"
_MOST_BYTES = 16_000_000
_MOST_SERVICES = 5_000
_MOST_BYTES_OF_DOCUMENT = 1_000_000
_THREADS = 8
_SECONDS_FOR_DOCUMENT = 20.0
_SECONDS_FOR_CATALOG = 120.0
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_HEADERS = {"User-Agent": "aws-iam", "Accept": "application/json"}
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


def address_of(host: str) -> str:
    """The URL for a host with a path: https, or http for this machine."""
    bare = host.rstrip("/")
    name = bare.partition("/")[0].rpartition(":")[0] or bare.partition("/")[0]
    return f"{'http' if _is_loopback(name) else 'https'}://{bare}/"


def fetched(
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    verify: ssl.SSLContext | bool = True,
    most: int = _MOST_BYTES_OF_DOCUMENT,
) -> bytes:
    """Fetch one document within limits of size and time; the headers may be secret and appear in no message."""
    url = _checked_url(address)

    def read() -> bytes:
        try:
            with _client(url, headers=headers, verify=verify) as client:
                return _download(client, url, most)
        except httpx.HTTPError as failure:
            raise AwsIamError(
                f"could not fetch from {quoted(url.host)}: {_words(failure)}"
            ) from None
        except _TooLargeError:
            raise AwsIamError(f"{quoted(str(url))} has more than {most:,} bytes") from None
        except _StatusError as status:
            raise AwsIamError(f"{quoted(str(url))} answers {status}") from None
        except _CLIENT_FAILURES:
            raise AwsIamError(_CLIENT_PROBLEM, hint=_CLIENT_HINT) from None

    until = time.monotonic() + _SECONDS_FOR_DOCUMENT
    return dict(_done(url, {"": read}, until, broken=_incomplete))[""]


# What httpx raises for a proxy or certificates of the environment that it cannot use.
_CLIENT_FAILURES = (ValueError, OSError, ImportError, httpx.InvalidURL)
_CLIENT_PROBLEM = "the proxy or the certificates that the environment names cannot be used"
_CLIENT_HINT = "check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"


class _StatusError(Exception):
    """The server answered with another status than 200."""


class _TooLargeError(Exception):
    """The answer has more bytes than allowed."""


def _client(
    url: httpx.URL,
    *,
    headers: Mapping[str, str] | None = None,
    verify: ssl.SSLContext | bool = True,
) -> httpx.Client:
    return httpx.Client(
        timeout=_TIMEOUT,
        headers={**_HEADERS, **(headers or {})},
        # A proxy of the environment is right for the internet and wrong for this machine.
        trust_env=not _is_loopback(url.host),
        verify=verify,
    )


def _download(client: httpx.Client, url: httpx.URL, most: int) -> bytes:
    with client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise _StatusError(response.status_code)
        data = bytearray()
        for piece in response.iter_bytes():
            data += piece
            if len(data) > most:
                raise _TooLargeError
        return bytes(data)


def _incomplete(url: httpx.URL, _why: str) -> AwsIamError:
    return AwsIamError(
        f"no complete answer from {quoted(url.host)} within {_SECONDS_FOR_DOCUMENT:g} seconds"
    )


def _checked_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.userinfo or not url.host or not _may_fetch(url):
        raise AwsIamError(
            f"{quoted(url.host or address)} is not an address to fetch from",
            hint="use https without a user name; http is for this machine only",
        )
    return url


def _may_fetch(url: httpx.URL) -> bool:
    return url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host))


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
    if url.host and _may_fetch(url):
        return url
    raise InputError(
        f"{quoted(base)} is not an address to fetch from",
        hint="use https; http is for this machine only, as in http://127.0.0.1:8000/",
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
    until = time.monotonic() + _SECONDS_FOR_CATALOG
    with _catalog_client(base) as client:

        def listing() -> dict[str, str]:
            return _understood(base, _get(client, base), service_reference.addresses)

        addresses = dict(_done(base, {"": listing}, until))[""]
        if len(addresses) > _MOST_SERVICES:
            raise _unusable(base, f"it lists {len(addresses)} services")
        jobs = {
            prefix: partial(_fetch_one, client, _same_origin(base, url), prefix)
            for prefix, url in addresses.items()
        }
        rows: dict[str, ServiceRow] = {}
        for prefix, row in _done(base, jobs, until):
            rows[prefix] = row
            progress(len(rows), len(jobs), prefix)
    return rows


def _catalog_client(base: httpx.URL) -> httpx.Client:
    try:
        return _client(base)
    except _CLIENT_FAILURES as failure:
        raise AwsIamError(
            f"{_CLIENT_PROBLEM}; nothing was changed", hint=_CLIENT_HINT
        ) from failure


def _done(
    base: httpx.URL,
    jobs: Mapping[str, Callable[[], T]],
    until: float,
    *,
    broken: Callable[[httpx.URL, str], AwsIamError] | None = None,
) -> Iterator[tuple[str, T]]:
    """The results of the jobs in the order in which they arrive, until the deadline.

    A server that sends a byte now and then keeps a connection alive for ever; while it sends headers, none of our code
    runs. So each job runs in a thread that nobody waits for.
    """
    failed = broken or _unusable
    waiting: queue.SimpleQueue[tuple[str, Callable[[], T]]] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[str, T | AwsIamError | None]] = queue.SimpleQueue()
    for row in jobs.items():
        waiting.put(row)
    for _ in range(min(_THREADS, len(jobs))):
        threading.Thread(target=_work, args=(waiting, results), daemon=True).start()
    try:
        for _ in jobs:
            name, result = results.get(timeout=max(0.0, until - time.monotonic()))
            if result is None:
                raise failed(base, "fetching it ended early")
            if isinstance(result, AwsIamError):
                raise result
            yield name, result
    except queue.Empty:
        raise failed(base, f"it took longer than {_SECONDS_FOR_CATALOG:g} seconds") from None
    finally:
        with suppress(queue.Empty):
            while True:
                waiting.get_nowait()


def _work(
    waiting: queue.SimpleQueue[tuple[str, Callable[[], T]]],
    results: queue.SimpleQueue[tuple[str, T | AwsIamError | None]],
) -> None:
    with suppress(queue.Empty):
        while True:
            name, job = waiting.get_nowait()
            result: T | AwsIamError | None = None
            try:
                result = job()
            except AwsIamError as failure:
                result = failure
            except (RuntimeError, ValueError, OSError):
                # httpx and ssl raise these when the client is closed after the deadline.
                result = None
            finally:
                results.put((name, result))


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
        return _download(client, url, _MOST_BYTES)
    except _StatusError as status:
        raise _unusable(url, f"the server answers {status}") from None
    except _TooLargeError:
        raise _unusable(url, f"it has more than {_MOST_BYTES} bytes") from None
    except httpx.HTTPError as failure:
        raise AwsIamError(
            f"could not fetch from {quoted(url.host)}: {_words(failure)}; nothing was changed",
            hint=f"the data of {catalog().as_of} stays in use; try again with access to the internet",
        ) from failure


def _words(failure: httpx.HTTPError) -> str:
    causes = tuple(_causes(failure))
    words = (text for kind, text in _FAILURES if any(isinstance(cause, kind) for cause in causes))
    return next(words, "the connection failed")


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure:
        yield failure
        failure = failure.__cause__ or failure.__context__


# The first that applies. The messages of the libraries themselves do not help the reader.
_FAILURES: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted on this machine"),
    (ssl.SSLError, "it does not speak TLS as expected"),
    (socket.gaierror, "its name has no address"),
    (ConnectionRefusedError, "it refuses the connection"),
    (httpx.TimeoutException, "no answer in time"),
    (httpx.ProxyError, "the proxy rejects the request"),
    (httpx.ConnectError, "there is no connection to it"),
    (httpx.DecodingError, "its answer is damaged"),
    (httpx.RemoteProtocolError, "it does not speak HTTP or broke off"),
    (httpx.NetworkError, "the connection broke off"),
)


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
