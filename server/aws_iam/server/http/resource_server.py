"""The server as an OAuth 2.1 resource server: who may come in, and which scope a call needs.

https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization. The parts are the SDK's: it reads the token of
each request, publishes the metadata of RFC 9728 and ties a session to its user. Added is the scope in the challenges,
which the specification wants and the SDK leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route

from aws_iam.account.session.permitted import Permitted
from aws_iam.errors import InputError
from aws_iam.server.http.access_tokens import AccessTokens
from aws_iam.server.http.users import user_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aws_iam.server.http.aws_roles import AwsRoles
    from aws_iam.server.http.issuer import Issuer
    from aws_iam.server.http.place import Place
    from aws_iam.server.http.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """The names of the two scopes; the second includes the first."""

    offline: str = "aws-iam:offline"
    read_account: str = "aws-iam:read-account"


class ResourceServer:
    """Lets requests with a token of the issuer for this place in, and says what each user may do."""

    def __init__(
        self,
        issuer: Issuer,
        audience: str,
        place: Place,
        *,
        scopes: Scopes,
        roles: AwsRoles | None,
    ) -> None:
        self.issuer = issuer
        self._scopes = scopes
        self._roles = roles
        self._place = place
        self._metadata = build_resource_metadata_url(AnyHttpUrl(place.resource))
        self._verifier = AccessTokens(issuer, audience, place.resource)

    def middleware(self) -> list[Middleware]:
        """Reads the token of each request."""
        return [
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(self._verifier)),
            Middleware(AuthContextMiddleware),
        ]

    def routes(self) -> list[Route]:
        """Where clients learn which issuer to ask (RFC 9728): in our own words, as the SDK's add a slash to the issuer."""
        metadata = {
            "resource": self._place.resource,
            "authorization_servers": [self.issuer.url],
            "scopes_supported": [self._scopes.offline, self._scopes.read_account],
            "bearer_methods_supported": ["header"],
            "resource_name": "AWS IAM",
        }

        async def tell(_request: Request) -> JSONResponse:
            return JSONResponse(metadata, headers={"Access-Control-Allow-Origin": "*"})

        return [Route(urlsplit(str(self._metadata)).path, tell)]

    def guarded(self, app: ASGIApp) -> ASGIApp:
        """The application for requests with a token that has one of the scopes."""
        return _Guarded(self, RequireAuthMiddleware(app, [], self._metadata))

    def challenge(self, *scopes: str) -> Response:
        """The answer to a request whose token lacks a scope: all that the operation needs."""
        needed = " ".join(scopes)
        words = f"this needs the scope {' and '.join(scopes)}"
        header = (
            f'Bearer error="insufficient_scope", error_description="{words}", scope="{needed}", '
            f'resource_metadata="{self._metadata}"'
        )
        return JSONResponse(
            {"error": "insufficient_scope", "error_description": words},
            status_code=403,
            headers={"WWW-Authenticate": header},
        )

    def challenge_for_account(self, user: User) -> Response | None:
        """The answer to a call that reads an account, if the user's token does not allow it."""
        if self._scopes.read_account in user.scopes:
            return None
        return self.challenge(self._scopes.offline, self._scopes.read_account)

    def permitted(self, user: User, general: Permitted) -> Permitted:
        """What the user may name: nothing; their calls to AWS are made under the role that the file has for them."""
        if self._scopes.read_account not in user.scopes:
            return Permitted(
                issuers=general.issuers,
                refusal=InputError(
                    f"this token does not allow reading an account: it lacks the scope {self._scopes.read_account}",
                    hint="sign in again with that scope; what needs no account works, and `demo: true` too",
                ),
            )
        role = self._roles.of(user) if self._roles else None
        if role is None:
            why = "has no AWS role for you" if self._roles else "has no AWS roles for its users"
            return Permitted(
                issuers=general.issuers,
                refusal=InputError(
                    f"this server {why}, so it reads no account for you",
                    hint="whoever runs it can add one to the file of `--aws-roles`; what needs no account works, and `demo: true` too",
                ),
            )
        return Permitted(regions=general.regions, issuers=general.issuers, user_role=role)

    def may_come_in(self, user: User) -> bool:
        """Whether the token has a scope of this server."""
        return not user.scopes.isdisjoint({self._scopes.offline, self._scopes.read_account})

    @property
    def first_scope(self) -> str:
        """The scope to begin with."""
        return self._scopes.offline


class _Guarded:
    """The application behind the SDK's check; an object, because Starlette takes a function for a handler of GET."""

    def __init__(self, server: ResourceServer, required: ASGIApp) -> None:
        self._server = server
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = user_of(HTTPConnection(scope))
        if user is not None and not self._server.may_come_in(user):
            await self._server.challenge(self._server.first_scope)(scope, receive, send)
            return

        async def with_scope(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(map(self._scoped, message["headers"]))}
            await send(message)

        await self._required(scope, receive, with_scope)

    def _scoped(self, header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """A challenge with the scope to ask for."""
        name, value = header
        if name.lower() != b"www-authenticate" or b" scope=" in value:
            return header
        return name, value + f', scope="{self._server.first_scope}"'.encode()
