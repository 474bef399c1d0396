"""Connections of clients that call many hosts over TLS: kept for every Region, with one TLS context for all.

The SDK keeps the connections of ten hosts, and reads the certificates of all authorities again for each connection: an
audit of 17 Regions over TLS takes 2.5 times the processor time without this module (tests/benchmarks/without.py, November
2026). It overrides three private methods of botocore's `URLLib3Session`; tests/account/calls/test_connections.py counts
connections and reads of the authorities, and fails when botocore changes them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from botocore.httpsession import URLLib3Session, create_urllib3_context, get_cert_path
from urllib3.exceptions import SSLError

if TYPE_CHECKING:
    import ssl

MAX_HOSTS = 256
"""More than there are Regions; buckets have hosts of their own."""
_OPEN_FILES = 4_096


def raise_open_file_limit() -> None:
    """Allow connections to several hundred hosts, which exceed the usual limit of 256 or 1,024 open files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Connections:
    """What the clients of one session share: a TLS context for each bundle of authorities."""

    def __init__(self) -> None:
        self._contexts: dict[Any, _TlsContext] = {}

    def install(self, client: Any) -> None:
        """Replace the HTTP session of a client that uses no proxy by one with shared TLS and the same settings."""
        endpoint = client._endpoint  # noqa: SLF001 - the SDK has no setting for what differs
        replaced, config = endpoint.http_session, client.meta.config
        verify = replaced._verify  # noqa: SLF001
        endpoint.http_session = _Session(
            self._contexts.setdefault(verify, _TlsContext(str(get_cert_path(verify)))),
            verify=verify,
            timeout=(config.connect_timeout, config.read_timeout),
            max_pool_connections=config.max_pool_connections,
            socket_options=replaced._socket_options,  # noqa: SLF001
        )


class _TlsContext:
    """A TLS context, and the authorities that it trusts, read when the first connection needs them."""

    def __init__(self, authorities: str) -> None:
        self.context: ssl.SSLContext = create_urllib3_context()
        self._authorities = authorities
        self._lock = threading.Lock()
        self._is_loaded = False

    def load_authorities(self) -> None:
        """Read the authorities, once."""
        with self._lock:
            if self._is_loaded:
                return
            try:
                self.context.load_verify_locations(self._authorities)
            except OSError as error:
                # The error that urllib3 would raise.
                raise SSLError(error) from error
            self._is_loaded = True


class _Session(URLLib3Session):
    def __init__(self, tls: _TlsContext, **settings: Any) -> None:
        # INVARIANT: set before the SDK's own part, which asks for the context.
        self._tls = tls
        super().__init__(**settings)

    def _get_pool_manager_kwargs(self, **extra: Any) -> Any:
        sdk: Any = super()
        return sdk._get_pool_manager_kwargs(num_pools=MAX_HOSTS, **extra)  # noqa: SLF001

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._tls.context

    def _setup_ssl_cert(self, conn: Any, url: str, verify: Any) -> None:
        sdk: Any = super()
        sdk._setup_ssl_cert(conn, url, verify)  # noqa: SLF001
        if conn.ca_certs:
            self._tls.load_authorities()
            # Otherwise urllib3 reads the file again for each connection.
            conn.ca_certs = None
