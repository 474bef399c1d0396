"""HTTP in bounds: https only, except on this machine; no redirects; an answer of limited size, within a deadline."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, TypeVar

import httpx

from aws_iam.errors import AwsIamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

_THREADS = 8
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_HEADERS = {"User-Agent": "aws-iam", "Accept": "application/json"}

# What httpx raises for a proxy or certificates of the environment that it cannot use.
CLIENT_FAILURES = (ValueError, OSError, ImportError, httpx.InvalidURL)
CLIENT_PROBLEM = "the proxy or the certificates that the environment names cannot be used"
CLIENT_HINT = "check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"


class Deadline:
    """So many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + seconds


class StatusError(Exception):
    """The server answered with another status than 200."""


class TooLargeError(Exception):
    """The answer has more bytes than allowed."""


def client_for(
    url: httpx.URL,
    *,
    headers: Mapping[str, str] | None = None,
    verify: ssl.SSLContext | bool = True,
) -> httpx.Client:
    """A client for one host; CLIENT_FAILURES where the environment's proxy or certificates cannot be used."""
    return httpx.Client(
        timeout=_TIMEOUT,
        headers={**_HEADERS, **(headers or {})},
        # A proxy of the environment is right for the internet and wrong for this machine.
        trust_env=not is_loopback(url.host),
        verify=verify,
    )


def download(client: httpx.Client, url: httpx.URL, most: int) -> bytes:
    """The body of the answer; StatusError for another status than 200, TooLargeError for more than `most` bytes."""
    return _body(client, client.build_request("GET", url), most)


def download_from(url: httpx.URL, address: str, most: int) -> bytes:
    """As `download`, from a server at this IP address: nothing is resolved again, and no proxy stands between."""
    verify = httpx.create_ssl_context()
    with httpx.Client(
        timeout=_TIMEOUT, headers=_HEADERS, trust_env=False, verify=verify
    ) as client:
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"Host": url.netloc.decode("ascii")},
            # The certificate must be for the name, not the address.
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        return _body(client, request, most)


def _body(client: httpx.Client, request: httpx.Request, most: int) -> bytes:
    response = client.send(request, stream=True)
    with closing(response):
        if response.status_code != httpx.codes.OK:
            raise StatusError(response.status_code)
        data = bytearray()
        for piece in response.iter_bytes():
            data += piece
            if len(data) > most:
                raise TooLargeError
        return bytes(data)


def may_fetch(url: httpx.URL) -> bool:
    """Whether the address is one of https, or of this machine."""
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def done(
    base: httpx.URL,
    jobs: Mapping[str, Callable[[], T]],
    deadline: Deadline,
    *,
    broken: Callable[[httpx.URL, str], AwsIamError],
) -> Iterator[tuple[str, T]]:
    """The results of the jobs in the order in which they arrive, until the deadline.

    A server that sends a byte now and then keeps a connection alive for ever; while it sends headers, none of our code
    runs. So each job runs in a thread that nobody waits for.
    """
    waiting: queue.SimpleQueue[tuple[str, Callable[[], T]]] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[str, T | AwsIamError | None]] = queue.SimpleQueue()
    for row in jobs.items():
        waiting.put(row)
    for _ in range(min(_THREADS, len(jobs))):
        threading.Thread(target=_work, args=(waiting, results), daemon=True).start()
    try:
        for _ in jobs:
            name, result = results.get(timeout=max(0.0, deadline.until - time.monotonic()))
            if result is None:
                raise broken(base, "fetching it ended early")
            if isinstance(result, AwsIamError):
                raise result
            yield name, result
    except queue.Empty:
        raise broken(base, f"it took longer than {deadline.seconds:g} seconds") from None
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


def words_of(failure: httpx.HTTPError) -> str:
    """Why the fetch failed, as part of a sentence."""
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
