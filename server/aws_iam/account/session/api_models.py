"""The SDK's models of AWS's services without their documentation, and cut to the operations that are sent.

A client holds a method for each operation of its model, and there is a client for each service and Region: EC2 alone
has some 750 operations, of which an audit sends twenty. What the guard would refuse does not exist on such a client at all.
"""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader, create_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_OPENERS: tuple[tuple[str, Callable[[Path], Any]], ...] = (
    (".json", open),
    (".json.gz", gzip.open),
)
_MODEL = "service-2"


class _Bare(JSONFileLoader):
    def __init__(self, only: frozenset[str] | None) -> None:
        super().__init__()
        self._only = only

    def load_file(self, file_path: str) -> Any:
        """The model in plain dictionaries; None where there is no such file, as the SDK expects."""
        for ending, opened in _OPENERS:
            path = Path(f"{file_path}{ending}")
            if path.is_file():
                with opened(path) as file:
                    content = file.read()
                if self._only is None or path.name != _MODEL + ending:
                    return json.loads(content, object_hook=_undocumented)
                # …/SERVICE/VERSION/service-2
                return _bare(_cut(json.loads(content), path.parts[-3], self._only))
        return None


def _bare(part: Any) -> Any:
    """A part of a model without documentation, in place: the few shapes that are left after the cut."""
    if isinstance(part, dict):
        _undocumented(part)
        for each in part.values():
            _bare(each)
    elif isinstance(part, list):
        for each in part:
            _bare(each)
    return part


def _undocumented(data: dict[str, Any]) -> dict[str, Any]:
    # Emptied, not removed: the SDK asks some parameters for theirs. A field of some operations has this name too, and
    # is described by an object.
    if isinstance(data.get("documentation"), str):
        data["documentation"] = ""
    return data


def _cut(model: dict[str, Any], service: str, only: frozenset[str]) -> dict[str, Any]:
    """The model with some of its operations, and the shapes that these speak of."""
    operations = {
        name: operation
        for name, operation in model["operations"].items()
        if f"{service}:{name}" in only
    }
    shapes = model["shapes"]
    kept: dict[str, Any] = {}
    waiting = [name for operation in operations.values() for name in _named(operation)]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = shapes[name]
            waiting += _named(shapes[name])
    return model | {"operations": operations, "shapes": kept}


def _named(part: Mapping[str, Any]) -> Iterator[str]:
    """The shapes that an operation or a shape refers to."""
    for key, value in part.items():
        if key == "shape":
            yield value
        elif key == "members":
            for member in value.values():
                yield member["shape"]
        elif key == "errors":
            for error in value:
                yield error["shape"]
        elif key in {"input", "output", "member", "key", "value"}:
            yield value["shape"]


class _Models(Loader):
    """A loader that does not look through four hundred folders for each thread that asks which services there are."""

    def __init__(
        self, paths: list[str], services: frozenset[str] | None, only: frozenset[str] | None
    ) -> None:
        super().__init__(paths, _Bare(only), include_default_search_paths=False)
        self._services = services
        self._looking = threading.Lock()

    def list_available_services(self, type_name: str) -> list[str]:
        """The services that have a model of this type, among those that this loader is for."""
        if self._services is None:
            with self._looking:
                found: list[str] = super().list_available_services(type_name)
            return found
        return sorted(service for service in self._services if self._has(service, type_name))

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """The model of a service.

        The SDK adds parts to shapes that were cut away, which leaves shapes without a type; it stumbles over those when
        it looks for the shape of an error.
        """
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name == _MODEL:
            shapes = model.get("shapes", {})
            model["shapes"] = {name: each for name, each in shapes.items() if "type" in each}
        return model

    def _has(self, service: str, type_name: str) -> bool:
        try:
            self.list_api_versions(service, type_name)
        except DataNotFoundError:
            return False
        return True


def services_of(operations: Iterable[str]) -> frozenset[str]:
    """The services of operations that are written `service:Operation`."""
    return frozenset(operation.partition(":")[0] for operation in operations)


def bare_loader(
    search_path: str | None = None,
    *,
    services: frozenset[str] | None = None,
    only: frozenset[str] | None = None,
) -> Loader:
    """A loader of models for a botocore session; `search_path` as its setting `data_path` has it.

    `services` are all that there are, absent: all of the SDK's; `only` are the operations that their models keep, as
    `service:Operation`, absent: all.
    """
    paths: list[str] = create_loader(search_path).search_paths
    return _Models(paths, services, only)
