"""Names that begin with the folder that Terraform runs in: an address stands once for each of them.

root_of("envs/prod module.app.aws_iam_role.app", roots)   →   ("envs/prod", "module.app.aws_iam_role.app")
module_of("module.app.aws_iam_role.app")                  →   "module.app."
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_MODULES = re.compile(r'(?:module\.[^.\[ ]+(?:\[(?:"[^"]*"|[^\]]*)\])?\.)+')


def below(folder: str, root: str) -> str:
    """The root folder from the folder on that was named; empty for that folder itself."""
    top, path = (posixpath.normpath(own.replace("\\", "/")) for own in (folder, root))
    return "" if path == top else path.removeprefix(f"{top.rstrip('/')}/")


def root_of(name: str, roots: Collection[str]) -> tuple[str, str]:
    """The root folder in which something has this name, and its name there."""
    end = name.rfind(" ")
    while end > 0:
        if name[:end] in roots:
            return name[:end], name[end + 1 :]
        end = name.rfind(" ", 0, end)
    return "", name


def module_of(address: str) -> str:
    """The call of a module in an address of Terraform: another call may create what has the same name in another account."""
    found = _MODULES.match(address)
    return found[0] if found else ""
