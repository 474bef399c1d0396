"""The service accounts of a cluster, read from its Kubernetes API through a context of the user's kubeconfig.

Nothing is written. The context's credentials never leave this module, and no command that the file names is run.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import quoted
from aws_iam.regular_files import read_regular
from aws_iam.web import documents

_PAGE_SIZE = 500
_MOST_PAGES = 200
_MOST_BYTES = 16_000_000
_MOST_CONFIG = 1_000_000
_LONGEST_TOKEN = 100_000
_MOST_CERTIFICATES = 5_000_000
_KIND = "ServiceAccountList"
_BY_HAND = "pass `manifests` with the output of `kubectl get serviceaccounts -A -o json`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How to reach a cluster's API."""

    server: str
    headers: dict[str, str] = field(repr=False)
    verify: ssl.SSLContext | bool


def service_accounts(context: str) -> dict[str, Any]:
    """Every service account of the cluster as a `ServiceAccountList`."""
    config = _config()
    with tempfile.TemporaryDirectory() as folder:
        endpoint = _endpoint(config, context, Path(folder))
        return {"apiVersion": "v1", "kind": _KIND, "items": _items(endpoint)}


def _items(endpoint: Endpoint) -> list[Any]:
    items: list[Any] = []
    following = ""
    for _ in range(_MOST_PAGES):
        address = f"{endpoint.server.rstrip('/')}/api/v1/serviceaccounts?limit={_PAGE_SIZE}"
        if following:
            import urllib.parse

            address += f"&continue={urllib.parse.quote(following, safe='')}"
        found, following = _page(address, endpoint)
        items += found
        if not following:
            return items
    raise AwsIamError(f"the cluster has more than {_MOST_PAGES * _PAGE_SIZE:,} service accounts")


def _page(address: str, endpoint: Endpoint) -> tuple[list[Any], str]:
    """The items of one page, and the token of the next page; empty on the last one."""
    raw = documents.fetched(
        address, headers=endpoint.headers, verify=endpoint.verify, most=_MOST_BYTES
    )
    found = _read(raw)
    match found:
        case {"items": list() | None as items, "metadata": {**about}}:
            following = about.get("continue") or ""
            if isinstance(following, str) and found.get("kind", _KIND) == _KIND:
                return items or [], following
        case _:
            pass
    raise AwsIamError("the Kubernetes API returned no list of service accounts", hint=_BY_HAND)


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _config() -> dict[str, Any]:
    """The first file that KUBECONFIG names, else `~/.kube/config`."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    path = Path(named) if named else Path.home() / ".kube" / "config"
    import yaml

    try:
        raw = read_regular(path, _MOST_CONFIG)
        if len(raw) > _MOST_CONFIG:
            raise InputError(
                f"the kubeconfig {quoted(str(path))} has more than {_MOST_CONFIG:,} bytes",
                hint=f"set KUBECONFIG to one with this cluster alone, or {_BY_HAND}",
            )
        text = raw.decode()
        # Refuses a text whose aliases expand to more than fits in memory.
        scan_yaml(text)
        found = yaml.safe_load(text)
    except OSError as error:
        raise InputError(
            f"the kubeconfig {quoted(str(path))} cannot be read: {(error.strerror or '').lower()}",
            hint=f"set KUBECONFIG, or {_BY_HAND}",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InputError(f"the kubeconfig {quoted(str(path))} is not YAML") from None
    if not isinstance(found, dict):
        raise InputError(f"the kubeconfig {quoted(str(path))} is not a mapping")
    return found


def _endpoint(config: dict[str, Any], name: str, folder: Path) -> Endpoint:
    context = _named(config, "contexts", "context", name)
    cluster = _named(config, "clusters", "cluster", str(context.get("cluster", "")))
    user = _named(config, "users", "user", str(context.get("user", "")))
    server = cluster.get("server")
    if not isinstance(server, str):
        raise InputError(f"context {quoted(name)} names no server")
    return Endpoint(
        server=server, headers=_headers(user, name), verify=_verify(cluster, user, folder)
    )


def _named(config: dict[str, Any], kind: str, inner: str, name: str) -> dict[str, Any]:
    listed = config.get(kind)
    entries = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    found = next((entry.get(inner) for entry in entries if entry.get("name") == name), None)
    if not isinstance(found, dict):
        names = ", ".join(quoted(str(entry.get("name"))) for entry in entries[:10]) or "none"
        raise InputError(f"the kubeconfig has no {inner} {quoted(name)}", hint=f"it has {names}")
    return found


def _headers(user: dict[str, Any], name: str) -> dict[str, str]:
    if "exec" in user or "auth-provider" in user:
        raise InputError(
            f"context {quoted(name)} signs in with a command, which aws-iam does not run",
            hint=_BY_HAND,
        )
    token = user.get("token")
    if not token and isinstance(user.get("tokenFile"), str):
        try:
            token = read_regular(user["tokenFile"], _LONGEST_TOKEN).decode().strip()
        except (OSError, ValueError):
            raise InputError(f"the token file of context {quoted(name)} cannot be read") from None
    return {"Authorization": f"Bearer {token}"} if isinstance(token, str) and token else {}


def _verify(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext | bool:
    """The authorities to trust and the client's own certificate; the server's certificate is always verified."""
    authority = _file(cluster, "certificate-authority", folder)
    certificate, key = _file(user, "client-certificate", folder), _file(user, "client-key", folder)
    if authority is None and certificate is None:
        return True
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError):
        raise InputError(
            "the certificates of the kubeconfig cannot be used", hint=_BY_HAND
        ) from None
    return context


def _file(holder: dict[str, Any], name: str, folder: Path) -> str | None:
    """The path of that file; inline data is written to `folder`, which is deleted after the call."""
    inline = holder.get(f"{name}-data")
    if not isinstance(inline, str):
        path = holder.get(name)
        if not isinstance(path, str):
            return None
        try:
            # The TLS library opens it by its name, and would wait for the other end of a pipe.
            read_regular(path, _MOST_CERTIFICATES)
        except (OSError, ValueError):
            raise InputError(
                f"the certificates of the kubeconfig cannot be used: `{name}` names no file that can be read",
                hint=_BY_HAND,
            ) from None
        return path
    try:
        raw = base64.b64decode(inline, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"`{name}-data` of the kubeconfig is not base64") from None
    file = folder / f"{name}.pem"
    file.touch(mode=0o600)
    file.write_bytes(raw)
    return str(file)
