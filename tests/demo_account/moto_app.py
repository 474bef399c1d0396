"""Moto's application for the servers of the tests and of the demonstration, which looks for a service once."""

from __future__ import annotations

from functools import cache

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


class _Dispatcher(DomainDispatcherApplication):
    # Moto would list its folders with each request.
    get_backend_for_host = cache(DomainDispatcherApplication.get_backend_for_host)


def moto_app() -> DomainDispatcherApplication:
    """The application that answers for all services, told apart by what a request is signed for."""
    return _Dispatcher(create_backend_app)
