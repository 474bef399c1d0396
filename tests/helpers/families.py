"""The modules of a package that declare something: what its catalogue has to list."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def declaring(package: ModuleType, kind: type) -> set[ModuleType]:
    """The modules below the package that declare a value of the kind."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    modules = [importlib.import_module(module.name) for module in found]
    return {
        module
        for module in modules
        if any(isinstance(value, kind) for value in vars(module).values())
        and not module.__name__.endswith(".catalogue")
    }
