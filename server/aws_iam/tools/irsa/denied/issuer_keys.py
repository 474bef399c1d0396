"""The keys that an issuer publishes, read by its discovery document as AWS reads them."""

from __future__ import annotations

import json
from typing import Any

from aws_iam import web
from aws_iam.errors import AwsIamError
from aws_iam.escape import quoted

DISCOVERY = ".well-known/openid-configuration"


def fetched(host: str) -> Any:
    """The key set of the issuer with that host and path."""
    base = web.address_of(host)
    found = _json(base + DISCOVERY)
    address = found.get("jwks_uri") if isinstance(found, dict) else None
    if not isinstance(address, str):
        raise AwsIamError(
            f"the discovery document of {quoted(host)} names no `jwks_uri`",
            hint="give the keys in `jwks`",
        )
    return _json(address)


def _json(address: str) -> Any:
    try:
        return json.loads(web.fetched(address))
    except (ValueError, RecursionError):
        raise AwsIamError(
            f"{quoted(address)} answers no JSON", hint="give the keys in `jwks`"
        ) from None
