"""Connections of clients that call many hosts over TLS.

The SDK's session keeps the connections of ten hosts, and reads the certificates of all authorities again for each
connection: ten milliseconds of the processor, some hundred times in an audit. These keep the connections of every
Region and read the certificates once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from botocore.httpsession import URLLib3Session, create_urllib3_context, get_cert_path
from urllib3.exceptions import SSLError

if TYPE_CHECKING:
    import ssl

HOSTS = 256
"""More than there are Regions; buckets have hosts of their own."""
_FILES = 4_096


def allow_many_connections() -> None:
    """Connections to several hundred hosts are kept open; they pass the 256 or 1,024 files that a process may have."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Connections:
    """What the clients of one session have in common: whom they trust."""

    def __init__(self) -> None:
        self._trusts: dict[Any, _Trust] = {}

    def give(self, client: Any) -> None:
        """Give a client that uses no proxy connections of this kind, in place of those it has, with the same settings."""
        endpoint = client._endpoint  # noqa: SLF001 - the SDK has no setting for what differs
        given, config = endpoint.http_session, client.meta.config
        verify = given._verify  # noqa: SLF001
        endpoint.http_session = _Session(
            self._trusts.setdefault(verify, _Trust(str(get_cert_path(verify)))),
            verify=verify,
            timeout=(config.connect_timeout, config.read_timeout),
            max_pool_connections=config.max_pool_connections,
            socket_options=given._socket_options,  # noqa: SLF001
        )


class _Trust:
    """A context of TLS, and the authorities that it trusts, read when the first connection needs them."""

    def __init__(self, authorities: str) -> None:
        self.context: ssl.SSLContext = create_urllib3_context()
        self._authorities = authorities
        self._lock = threading.Lock()
        self._is_read = False

    def read(self) -> None:
        """Read the authorities, once."""
        with self._lock:
            if self._is_read:
                return
            try:
                self.context.load_verify_locations(self._authorities)
            except OSError as error:
                # As urllib3 says it, which reads them otherwise.
                raise SSLError(error) from error
            self._is_read = True


class _Session(URLLib3Session):
    def __init__(self, trust: _Trust, **settings: Any) -> None:
        # INVARIANT: before the SDK's own part, which asks for the context.
        self._trust = trust
        super().__init__(**settings)

    def _get_pool_manager_kwargs(self, **extra: Any) -> Any:
        sdk: Any = super()
        return sdk._get_pool_manager_kwargs(num_pools=HOSTS, **extra)  # noqa: SLF001

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._trust.context

    def _setup_ssl_cert(self, conn: Any, url: str, verify: Any) -> None:
        sdk: Any = super()
        sdk._setup_ssl_cert(conn, url, verify)  # noqa: SLF001
        if conn.ca_certs:
            self._trust.read()
            # What stands here is read again for each connection.
            conn.ca_certs = None
