"""The SDK's API models without documentation, and cut to the operations that may be sent.

EC2 alone has some 750 operations, of which an audit sends about twenty; a client has a method for each. What the guard
would refuse does not exist on such a client at all. With the SDK's own models an audit takes 1.2 to 1.3 times the
processor time, and 175 MB of memory in place of 118 (tests/benchmarks/without.py, November 2026).
tests/account/session/test_api_models.py compares each client with the SDK's own, and fails when botocore changes the
layout of its models.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import JSONFileLoader, Loader, create_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_OPENERS: tuple[tuple[str, Callable[[Path], Any]], ...] = (
    (".json", open),
    (".json.gz", gzip.open),
)
_MODEL = "service-2"


def trimmed_loader(search_path: str | None, operations: frozenset[str]) -> Loader:
    """A loader for a botocore session whose models have only these operations, as `service:Operation`.

    `search_path` is the session's setting `data_path`.
    """
    paths: list[str] = create_loader(search_path).search_paths
    return _TrimmedLoader(
        paths, _TrimmingFileLoader(operations), include_default_search_paths=False
    )


class _TrimmingFileLoader(JSONFileLoader):
    def __init__(self, operations: frozenset[str]) -> None:
        super().__init__()
        self._operations = operations

    def load_file(self, file_path: str) -> Any:
        """The file's data in plain dictionaries; None where there is no such file, as the SDK expects."""
        for suffix, opener in _OPENERS:
            path = Path(f"{file_path}{suffix}")
            if path.is_file():
                with opener(path) as file:
                    data = json.loads(file.read())
                if path.name != _MODEL + suffix:
                    return data
                # …/SERVICE/VERSION/service-2
                return _without_documentation(_trimmed(data, path.parts[-3], self._operations))
        return None


class _TrimmedLoader(Loader):
    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """The model of a service.

        The SDK adds parts to shapes that were cut away, which leaves shapes without a type. It fails on those when it
        looks for the shape of an error.
        """
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name == _MODEL:
            shapes = model.get("shapes", {})
            model["shapes"] = {name: shape for name, shape in shapes.items() if "type" in shape}
        return model


def _trimmed(model: dict[str, Any], service: str, operations: frozenset[str]) -> dict[str, Any]:
    """The model with some of its operations, and the shapes that these refer to."""
    kept_operations = {
        name: operation
        for name, operation in model["operations"].items()
        if f"{service}:{name}" in operations
    }
    shapes = model["shapes"]
    kept_shapes: dict[str, Any] = {}
    pending = [name for operation in kept_operations.values() for name in _shapes_in(operation)]
    while pending:
        name = pending.pop()
        if name not in kept_shapes:
            kept_shapes[name] = shapes[name]
            pending += _shapes_in(shapes[name])
    return model | {"operations": kept_operations, "shapes": kept_shapes}


def _shapes_in(part: Mapping[str, Any]) -> Iterator[str]:
    """The names of the shapes that an operation or a shape refers to."""
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


def _without_documentation(part: Any) -> Any:
    """A part of a model with its documentation emptied, in place."""
    if isinstance(part, dict):
        # Emptied, not removed: the SDK asks some parameters for it. A member may have this name too, and is an object.
        if isinstance(part.get("documentation"), str):
            part["documentation"] = ""
        for value in part.values():
            _without_documentation(value)
    elif isinstance(part, list):
        for value in part:
            _without_documentation(value)
    return part
