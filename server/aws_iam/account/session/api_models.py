"""The SDK's API models, cut to the operations that may be sent, and without their documentation.

EC2 alone has some 750 operations, of which an audit sends about twenty; a client has a method for each. What the guard
would refuse does not exist on such a client at all. The files are read into plain dictionaries, and only the services
of the operations are offered, so that the SDK does not search four hundred folders. With the SDK's own reader, models
cut all the same, an audit of 17 Regions takes 1.45 times the processor time, 1.6 s in place of 1.1 s, and with whole
models 180 MB of memory in place of 125 (tests/benchmarks/audit.py and without.py, November 2026).
tests/account/session/test_api_models.py compares each client with the SDK's own, and fails when botocore changes the
layout of its models.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MODEL = "service-2"
_OPENERS: tuple[tuple[str, Callable[[Path], Any]], ...] = (
    (".json", open),
    (".json.gz", gzip.open),
)


# One for all sessions: a session of its own for each account would read the endpoints of AWS and every model anew.
@cache
def trimmed_loader(operations: frozenset[str]) -> Loader:
    """A loader for botocore sessions whose models have only these operations, as `service:Operation`.

    INVARIANT: models come from the installed SDK alone. With those of `AWS_DATA_PATH` or `~/.aws/models` an operation
    that is read-only by its name could be another one on the wire.
    """
    return _TrimmedLoader([Loader.BUILTIN_DATA_PATH], operations)


class _TrimmedLoader(Loader):
    """Offers the services of the operations, and no others."""

    def __init__(self, paths: list[str], operations: frozenset[str]) -> None:
        files = _TrimmingFileLoader(operations)
        super().__init__(paths, files, include_default_search_paths=False)
        self._services = {operation.partition(":")[0] for operation in operations}
        self._completing = Lock()

    def list_available_services(self, type_name: str) -> list[str]:
        """The services that have a model of this type, among those of the operations."""
        return sorted(service for service in self._services if self._has(service, type_name))

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """The model of a service.

        The SDK adds parts to shapes that were cut away, which leaves shapes without a type. It fails on those when it
        looks for the shape of an error. It adds them in place, so one thread at a time may come here.
        """
        with self._completing:
            model = super().load_service_model(service_name, type_name, api_version)
            if type_name == _MODEL:
                shapes = model.get("shapes", {})
                model["shapes"] = {
                    name: shape for name, shape in shapes.items() if "type" in shape
                }
            return model

    def _has(self, service: str, type_name: str) -> bool:
        try:
            self.list_api_versions(service, type_name)
        except DataNotFoundError:
            return False
        return True


class _TrimmingFileLoader(JSONFileLoader):
    def __init__(self, operations: frozenset[str]) -> None:
        super().__init__()
        self._operations = operations

    def load_file(self, file_path: str) -> Any:
        """The file in plain dictionaries; None where there is no such file, as the SDK expects."""
        for ending, opened in _OPENERS:
            path = Path(f"{file_path}{ending}")
            if path.is_file():
                with opened(path) as file:
                    data = json.loads(file.read())
                if path.name != _MODEL + ending:
                    return data
                # …/SERVICE/VERSION/service-2
                return _trimmed_model(data, path.parts[-3], self._operations)
        return None


def _trimmed_model(
    model: dict[str, Any], service: str, operations: frozenset[str]
) -> dict[str, Any]:
    """The model with the operations that may be sent, and the shapes that these refer to."""
    kept = {
        name: operation
        for name, operation in model["operations"].items()
        if f"{service}:{name}" in operations
    }
    shapes: dict[str, Any] = {}
    waiting = [name for operation in kept.values() for name in _shapes_in(operation)]
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes_in(shapes[name])
    trimmed = model | {"operations": kept, "shapes": shapes}
    _empty_documentation(trimmed)
    return trimmed


def _empty_documentation(part: Any) -> None:
    """Empty the documentation of a part of a model, in place; not remove it: the SDK asks some parameters for theirs.

    A field of some operations is called `documentation` too, and is described by an object.
    """
    if isinstance(part, dict):
        if isinstance(part.get("documentation"), str):
            part["documentation"] = ""
        for value in part.values():
            _empty_documentation(value)
    elif isinstance(part, list):
        for value in part:
            _empty_documentation(value)


def _shapes_in(part: Mapping[str, Any]) -> Iterator[str]:
    """The shapes that an operation or a shape refers to."""
    for key, value in part.items():
        if key == "shape":
            yield value
        elif key == "members":
            yield from (member["shape"] for member in value.values())
        elif key == "errors":
            yield from (error["shape"] for error in value)
        elif key in {"input", "output", "member", "key", "value"}:
            yield value["shape"]
