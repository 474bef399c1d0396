"""The SDK's API models, cut to the operations that may be sent.

EC2 alone has some 750 operations, of which an audit sends about twenty; a client has a method for each. What the guard
would refuse does not exist on such a client at all. With the SDK's whole models an audit of 17 Regions takes 1.1 times
the processor time, and 180 MB of memory in place of 125 (tests/benchmarks/without.py, November 2026).
tests/account/session/test_api_models.py compares each client with the SDK's own, and fails when botocore changes the
layout of its models.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import JSONFileLoader, Loader, create_loader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        """The file's data; None where there is no such file."""
        data = super().load_file(file_path)
        # …/SERVICE/VERSION/service-2
        path = Path(file_path)
        if data is None or path.name != _MODEL:
            return data
        return _trimmed(data, path.parts[-3], self._operations)


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
