"""The SDK's models of AWS's services without their documentation: a third of what a run over many services holds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import JSONFileLoader, create_loader

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.loaders import Loader

_OPENERS: tuple[tuple[str, Callable[[Path], Any]], ...] = (
    (".json", open),
    (".json.gz", gzip.open),
)


class _Bare(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """The model in plain dictionaries; None where there is no such file, as the SDK expects."""
        for ending, opened in _OPENERS:
            path = Path(f"{file_path}{ending}")
            if path.is_file():
                with opened(path) as file:
                    return json.loads(file.read(), object_hook=_undocumented)
        return None


def _undocumented(data: dict[str, Any]) -> dict[str, Any]:
    # Emptied, not removed: the SDK asks some parameters for theirs. A field of some operations has this name too, and
    # is described by an object.
    if isinstance(data.get("documentation"), str):
        data["documentation"] = ""
    return data


def bare_loader(search_path: str | None = None) -> Loader:
    """A loader of models for a botocore session; `search_path` as its setting `data_path` has it."""
    loader: Any = create_loader(search_path)
    loader.file_loader = _Bare()
    found: Loader = loader
    return found
