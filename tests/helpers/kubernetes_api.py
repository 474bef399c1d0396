"""A Kubernetes API on loopback: kmock's emulator, on an event loop of its own beside the test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kmock import KubernetesEmulator


@contextmanager
def kubernetes_api() -> Iterator[KubernetesEmulator]:
    """The API, which lists the service accounts put into it; what else it answers is added to it.

    kmock's own fixture is for tests that are coroutines, with a plugin of pytest for these: here it is a library.
    """
    import kmock  # noqa: PLC0415 - half a second, which every process that collects tests would pay

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(kmock.KubernetesEmulator()) as api,
        portal.wrap_async_context_manager(kmock.Server(api)),
    ):
        api.resources["v1/serviceaccounts"] = {"kind": "ServiceAccount", "namespaced": True}
        yield api


def add_service_account(
    api: KubernetesEmulator, namespace: str, name: str, **annotations: Any
) -> None:
    """Put a service account into the API."""
    metadata = {"name": name, "namespace": namespace}
    annotated = {f"eks.amazonaws.com/{key}": value for key, value in annotations.items()}
    api.objects["v1/serviceaccounts", namespace, name] = {
        "metadata": metadata | ({"annotations": annotated} if annotated else {})
    }
