"""Archives of JSON files, as the service data, the managed policies and the lists of permissions are kept."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from aws_iam import resources

if TYPE_CHECKING:
    from collections.abc import Mapping

# Equal data gives equal bytes, whenever and wherever it is packed.
_TIME = (2020, 1, 1, 0, 0, 0)
_UNIX = 3


def packed(members: Mapping[str, bytes]) -> bytes:
    """The archive of these members, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            file.writestr(info, content, compresslevel=9)
    return out.getvalue()


def compact(value: object) -> bytes:
    """The JSON of a member."""
    return json.dumps(value, separators=(",", ":")).encode()


def shipped(asset: str) -> zipfile.ZipFile:
    """A shipped archive, by its path from the root."""
    return zipfile.ZipFile(io.BytesIO(resources.path(asset).read_bytes()))


def only_member(asset: str) -> Any:
    """The value of the only member of a shipped archive."""
    with shipped(asset) as file:
        (name,) = file.namelist()
        return json.loads(file.read(name))
