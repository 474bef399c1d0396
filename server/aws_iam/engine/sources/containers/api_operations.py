"""Who may call each operation of an API that an OpenAPI document describes: by its security, or that of the whole document.

operation_settings(document, "Api.Body")   →   AccessSetting(place="Api.Body.paths./users.get.security", value="NONE", is_open=True), …

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.workload_roles import document_in, plain_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_nodes import Node

_BODIES = {
    "apigatewayrestapi": ("body", "Body"),
    "apigatewayv2api": ("body", "Body"),
    "serverlessapi": ("DefinitionBody",),
    "serverlesshttpapi": ("DefinitionBody",),
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_ANY = "x-amazon-apigateway-any-method"
# A browser asks without credentials whether it may ask.
_PREFLIGHT = "options"
_SECURITY, _SCHEMES = "security", ("securityDefinitions", "securitySchemes")


def documents_of_api(type_: str, values: Node) -> Iterator[tuple[str, Node]]:
    """The documents of an API that is a resource, with their arguments."""
    for name in _BODIES.get(plain_type(type_), ()):
        value = values.member(name)
        found = document_in(value.text) if value and value.form is Form.STRING else value
        if found is not None and found.form is Form.OBJECT and not _has_default(values):
            yield name, found


def operations(document: Node) -> Iterator[tuple[str, Node | None, bool]]:
    """The place of each operation's security, what it is, and whether nobody has to be authorized; then the schemes."""
    paths, shared = document.member("paths"), document.member(_SECURITY)
    for path in paths.members if paths else ():
        for operation in path.value.members:
            if operation.key not in _METHODS and operation.key != _ANY:
                continue
            own = operation.value.member(_SECURITY) or shared
            is_open = _asks_nobody(own) and operation.key != _PREFLIGHT
            yield f"paths.{path.key}.{operation.key}.{_SECURITY}", own, is_open
    for holder in (document, document.member("components")):
        for name in _SCHEMES if holder else ():
            schemes = holder.member(name) if holder else None
            if schemes is not None:
                yield name, schemes, False


def _asks_nobody(security: Node | None) -> bool:
    # An empty requirement among others makes them optional.
    return security is None or not security.items or any(not own.members for own in security.items)


def _has_default(values: Node) -> bool:
    """Whether SAM adds an authorizer to every operation."""
    auth = values.member("Auth")
    return auth is not None and auth.member("DefaultAuthorizer") is not None
