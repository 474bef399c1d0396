"""The options of `aws-iam serve` that say where it listens and who may come in, checked before it does."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.server.http import aws_roles
from aws_iam.server.http.issuer import Issuer
from aws_iam.server.http.place import ENDPOINT, LOOPBACK
from aws_iam.server.http.resource_server import Scopes
from aws_iam.server.http.serving import Authorization, HttpOptions
from aws_iam.web.public_documents import FOR_TESTS

if TYPE_CHECKING:
    from argparse import Namespace

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749, section 3.3
_LAST_PORT = 65535
_WITH_ISSUER = ("auth_audience", "auth_scopes", "aws_roles")
_WITHOUT_ISSUER = ("profile", "allow_role")


def http_options(given: Namespace) -> HttpOptions:
    """Where and for whom to serve; InputError for what cannot work or would let strangers in."""
    host, port = _host_and_port(given.http)
    if host not in LOOPBACK and not given.auth_issuer:
        raise InputError(
            f"refusing to listen on {quoted(host)}: there is no authentication, so anyone who reaches this port "
            "could read AWS with your credentials",
            hint="use 127.0.0.1, localhost or [::1], or have users sign in: `--auth-issuer URL --auth-audience AUDIENCE --base-url URL`",
        )
    return HttpOptions(
        host=host,
        port=port,
        base_url=_base_url(given.base_url, host),
        authorization=_authorization(given),
    )


def _authorization(given: Namespace) -> Authorization | None:
    if not given.auth_issuer:
        without = next((name for name in _WITH_ISSUER if getattr(given, name)), None)
        if without is not None:
            raise InputError(f"`--{without.replace('_', '-')}` needs `--auth-issuer`")
        return None
    if not given.auth_audience:
        raise InputError(
            "`--auth-issuer` needs `--auth-audience`",
            hint="what the issuer puts into `aud` of tokens for this server; without it tokens for others would do",
        )
    idle = next((name for name in _WITHOUT_ISSUER if getattr(given, name)), None)
    if idle is not None:
        raise InputError(
            f"`--{idle.replace('_', '-')}` allows nothing beside `--auth-issuer`: each user reads under a role of their own",
            hint="leave it out; `--aws-roles FILE` says which role each user reads under",
        )
    return Authorization(
        issuer=Issuer(given.auth_issuer, allow_http=os.environ.get(FOR_TESTS) == "1"),
        audience=given.auth_audience,
        scopes=_scopes(given.auth_scopes),
        roles=aws_roles.load(given.aws_roles) if given.aws_roles else None,
    )


def _scopes(given: str | None) -> Scopes:
    if given is None:
        return Scopes()
    names = given.split()
    if len(set(names)) != len(Scopes.__slots__) or not all(map(_SCOPE.fullmatch, names)):
        raise InputError(
            f"`--auth-scopes` {quoted(given)} must be two names with a blank between them",
            hint=f'in the place of "{Scopes().offline} {Scopes().read_account}"',
        )
    offline, read_account = names
    return Scopes(offline=offline, read_account=read_account)


def _base_url(given: str | None, host: str) -> str | None:
    """The address without a path; https, but for a server that only this machine reaches."""
    if given is None:
        if host in LOOPBACK:
            return None
        raise InputError(
            f"listening on {quoted(host)} needs `--base-url`, the address under which clients reach the server",
            hint="such as https://aws-iam.example.com, of the proxy that ends TLS",
        )
    url = given.rstrip("/").removesuffix(ENDPOINT)
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole, parts = False, urlsplit("")
    extra = parts.path or parts.query or parts.fragment or parts.username
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_whole or extra or not is_safe:
        raise InputError(
            f"`--base-url` {quoted(given)} is not an https address of a host",
            hint="such as https://aws-iam.example.com; the endpoint is /mcp below it",
        )
    return url.lower()


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    is_number = port.isascii() and port.isdecimal()
    if not host or not is_number or not 0 < int(port[:6]) <= _LAST_PORT:
        raise InputError(
            f"`--http` must be HOST:PORT, not {quoted(address)}", hint="for example 127.0.0.1:8080"
        )
    return host, int(port)
