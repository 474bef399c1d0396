"""The modules of a package that declare checks: what its catalogue has to list."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from aws_iam.rules.check import checks_in

if TYPE_CHECKING:
    from types import ModuleType


def declaring(package: ModuleType) -> set[ModuleType]:
    """The modules below the package that declare a check."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    names = [module.name for module in found if not module.name.endswith(".catalogue")]
    return {
        module
        for module in map(importlib.import_module, names)
        if any(check.test.__module__ == module.__name__ for check in checks_in(module))
    }
