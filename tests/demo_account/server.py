"""The demonstration account behind an address: moto over HTTP on loopback, seeded before anyone is told where it is.

    caller → own answer | moto (its WSGI application, in this process) | refusal

Only a process of its own may run it: moto is told what no API can tell it, and what the environment says of AWS is
taken away.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from demo_account.call import ACCOUNT, HOME
from demo_account.stub_answers import UNKNOWN, amended, own_answer, read, refusal, unknown
from helpers.command.without_iris import without_iris
from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo_account.stub_answers import Asked, Reply

_HOST = "127.0.0.1"
# Python heeds the lower one first.
_DIRECT = {"no_proxy": _HOST, "NO_PROXY": _HOST}
_NOT_YET = (HTTPStatus.NOT_FOUND, b"Not yet implemented")


@contextmanager
def serving() -> Iterator[Mapping[str, str]]:
    """Seed the account and serve it on a free port; the environment that leads the AWS SDK there and nowhere else."""
    _forget_the_callers_settings()
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    without_iris()
    # Moto reads settings from the environment while it is imported.
    from demo_account.moto_app import moto_app  # noqa: PLC0415
    from demo_account.seed import seed  # noqa: PLC0415

    app = _Demonstration(moto_app())
    server: Any = make_server(_HOST, 0, app, threaded=True, request_handler=_Keeping)
    # A connection that is kept has a thread, which shall not outlive the server.
    server.daemon_threads = True
    url = f"http://{_HOST}:{server.server_port}"
    with serving_thread(server):
        yield {
            "AWS_ENDPOINT_URL": url,
            **seed(url),
            "AWS_REGION": HOME,
            "AWS_DEFAULT_REGION": HOME,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **_DIRECT,
        }


def _forget_the_callers_settings() -> None:
    """A profile, an endpoint or an account id of the caller's would lead the seeding elsewhere."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **_DIRECT,
        # Over a thousand in each Region, half a second, and nobody asks for them.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }


class _Keeping(WSGIRequestHandler):
    """Connections stay open, as AWS's do, and a body follows its head without waiting."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


@dataclass
class _Demonstration:
    """The WSGI application around moto's."""

    moto: Any
    # Moto's backends are plain dictionaries without locks, and threads do not make them faster.
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(content)
        with self.lock:
            status, headers, body = self._reply(read(environ, content), environ)
        sent = body.encode() if isinstance(body, str) else body
        kept = [(name, text) for name, text in headers.items() if name.lower() != "content-length"]
        words = HTTPStatus(status).phrase
        start(f"{status} {words}", [*kept, ("Content-Length", str(len(sent)))])
        return [sent]

    def _reply(self, asked: Asked | None, environ: dict[str, Any]) -> Reply:
        if asked is None:
            return refusal(None, UNKNOWN, "outside the demonstration account")
        if (own := own_answer(asked)) is not None:
            return own
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = ACCOUNT
        reply = self._of_moto(environ)
        if reply is None or (reply[0], reply[2]) == _NOT_YET:
            return unknown(asked)
        return amended(asked, reply)

    def _of_moto(self, environ: dict[str, Any]) -> Reply | None:
        said: list[Any] = []
        try:
            body = b"".join(self.moto(environ, lambda *given: said.extend(given)))
        except (NotImplementedError, ModuleNotFoundError):
            # Moto does not know the operation, or needs a package for it that is not installed.
            return None
        return int(said[0].split()[0]), dict(said[1]), body
