"""Service accounts from a Kubernetes API, reached as a context of the user's kubeconfig says; read, never written.

What the context needs to sign in stays here: nothing of it is told, and no command of the file is run.
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

from aws_iam import web
from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import quoted

_PAGE_SIZE = 500
_MOST_PAGES = 200
_MOST_BYTES = 16_000_000
_MOST_CONFIG = 1_000_000
_KIND = "ServiceAccountList"
_BY_HAND = "give the output of `kubectl get serviceaccounts -A -o json` as `manifests`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How a cluster's API is reached."""

    server: str
    headers: dict[str, str] = field(repr=False)
    verify: ssl.SSLContext | bool


def service_accounts(context: str) -> dict[str, Any]:
    """Every service account of the cluster as a `ServiceAccountList`."""
    config = _config()
    with tempfile.TemporaryDirectory() as folder:
        entry = _entry(config, context, Path(folder))
        return {"apiVersion": "v1", "kind": _KIND, "items": _items(entry)}


def _items(entry: Entry) -> list[Any]:
    items: list[Any] = []
    following = ""
    for _ in range(_MOST_PAGES):
        address = f"{entry.server.rstrip('/')}/api/v1/serviceaccounts?limit={_PAGE_SIZE}"
        if following:
            import urllib.parse

            address += f"&continue={urllib.parse.quote(following, safe='')}"
        found, following = _page(address, entry)
        items += found
        if not following:
            return items
    raise AwsIamError(f"the cluster has more than {_MOST_PAGES * _PAGE_SIZE:,} service accounts")


def _page(address: str, entry: Entry) -> tuple[list[Any], str]:
    """The items of one answer, and the token of the answer that follows; empty where none does."""
    raw = web.fetched(address, headers=entry.headers, verify=entry.verify, most=_MOST_BYTES)
    found = _read(raw)
    match found:
        case {"items": list() | None as items, "metadata": {**about}}:
            following = about.get("continue") or ""
            if isinstance(following, str) and found.get("kind", _KIND) == _KIND:
                return items or [], following
        case _:
            pass
    raise AwsIamError("the Kubernetes API answers no list of service accounts", hint=_BY_HAND)


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _config() -> dict[str, Any]:
    """The first file that KUBECONFIG names, else the one in the home folder."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    path = Path(named) if named else Path.home() / ".kube" / "config"
    import yaml

    try:
        text = path.read_text(encoding="utf-8")[:_MOST_CONFIG]
        found = yaml.safe_load(text)
    except OSError as error:
        raise InputError(
            f"the kubeconfig {quoted(str(path))} cannot be read: {(error.strerror or '').lower()}",
            hint=f"set KUBECONFIG, or {_BY_HAND}",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InputError(f"the kubeconfig {quoted(str(path))} is no YAML") from None
    if not isinstance(found, dict):
        raise InputError(f"the kubeconfig {quoted(str(path))} holds no configuration")
    return found


def _entry(config: dict[str, Any], name: str, folder: Path) -> Entry:
    context = _named(config, "contexts", "context", name)
    cluster = _named(config, "clusters", "cluster", str(context.get("cluster", "")))
    user = _named(config, "users", "user", str(context.get("user", "")))
    server = cluster.get("server")
    if not isinstance(server, str):
        raise InputError(f"context {quoted(name)} names no server")
    return Entry(
        server=server, headers=_headers(user, name), verify=_verify(cluster, user, folder)
    )


def _named(config: dict[str, Any], kind: str, inner: str, name: str) -> dict[str, Any]:
    listed = config.get(kind)
    known = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    found = next((each.get(inner) for each in known if each.get("name") == name), None)
    if not isinstance(found, dict):
        names = ", ".join(quoted(str(each.get("name"))) for each in known[:10]) or "none"
        raise InputError(f"the kubeconfig has no {inner} {quoted(name)}", hint=f"it has {names}")
    return found


def _headers(user: dict[str, Any], name: str) -> dict[str, str]:
    if "exec" in user or "auth-provider" in user:
        raise InputError(
            f"context {quoted(name)} signs in by a command, which is not run", hint=_BY_HAND
        )
    token = user.get("token")
    if not token and isinstance(user.get("tokenFile"), str):
        try:
            token = Path(user["tokenFile"]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise InputError(f"the token file of context {quoted(name)} cannot be read") from None
    return {"Authorization": f"Bearer {token}"} if isinstance(token, str) and token else {}


def _verify(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext | bool:
    """Whom to believe, and the client's own certificate; a server is never believed unseen."""
    authority = _file(cluster, "certificate-authority", folder)
    certificate, key = _file(user, "client-certificate", folder), _file(user, "client-key", folder)
    if authority is None and certificate is None:
        return True
    try:
        made = ssl.create_default_context(cafile=authority)
        if certificate:
            made.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError):
        raise InputError(
            "the certificates of the kubeconfig cannot be used", hint=_BY_HAND
        ) from None
    return made


def _file(holder: dict[str, Any], name: str, folder: Path) -> str | None:
    """The file of that name; what stands in the kubeconfig itself is written to a folder that only lives now."""
    inline = holder.get(f"{name}-data")
    if not isinstance(inline, str):
        path = holder.get(name)
        return path if isinstance(path, str) else None
    try:
        raw = base64.b64decode(inline, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"`{name}-data` of the kubeconfig is no base64") from None
    file = folder / f"{name}.pem"
    file.touch(mode=0o600)
    file.write_bytes(raw)
    return str(file)
