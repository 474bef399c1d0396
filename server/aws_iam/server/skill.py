"""The skill, served: every file of it a resource, and its entry with their digests (SEP-2640).

The extension is defined for protocol revision 2026-07-28 and later; older clients see neither declaration nor methods.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mcp import types
from mcp.shared.exceptions import MCPError
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from aws_iam import resources
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from mcp.server.caching import CacheHint
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server

    Context = ServerRequestContext[Any]

EXTENSION = "io.modelcontextprotocol/skills"
ROOT = "skill://aws-iam"
_MANIFEST = f"{ROOT}/SKILL.md"
_FOLDERS = ("skills", "references", "assets/policy-templates")
_MIME_TYPES = {".md": "text/markdown", ".json": "application/json"}
_DIRECTORY = "inode/directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillFile:
    """One file of the skill as it was when first asked for: what is read always has the digest that is listed."""

    path: str
    mime_type: str
    content: bytes

    @property
    def uri(self) -> str:
        """The address of the file."""
        return f"{ROOT}/{self.path}"


@cache
def files() -> dict[str, SkillFile]:
    """The files of the skill by URI: SKILL.md and the folders that it names."""
    top = resources.root()
    paths = [top / "SKILL.md"]
    for folder in _FOLDERS:
        found = resources.path(folder).rglob("*")
        paths += sorted(path for path in found if path.suffix in _MIME_TYPES)
    served = [
        SkillFile(
            path=path.relative_to(top).as_posix(),
            mime_type=_MIME_TYPES[path.suffix],
            content=path.read_bytes(),
        )
        for path in paths
    ]
    return {file.uri: file for file in served}


@cache
def _frontmatter() -> dict[str, Any]:
    import yaml

    lines = files()[_MANIFEST].content.decode().splitlines()
    fields: dict[str, Any] = yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
    return fields


def manifest() -> types.Resource:
    """SKILL.md as resources/list shows it; the other files are in the skill's entry."""
    fields = _frontmatter()
    return types.Resource(
        uri=_MANIFEST,
        name=fields["name"],
        description=fields["description"],
        mime_type=_MIME_TYPES[".md"],
        size=len(files()[_MANIFEST].content),
    )


def _entry() -> dict[str, Any]:
    return {
        "uri": _MANIFEST,
        "frontmatter": _frontmatter(),
        "resources": [
            {
                "uri": file.uri,
                "digest": f"sha256:{hashlib.sha256(file.content).hexdigest()}",
                "size": len(file.content),
            }
            for file in files().values()
        ],
    }


def _children(folder: str) -> list[dict[str, Any]] | None:
    """The files and folders directly in a folder, or None where there is no such folder."""
    children: dict[str, dict[str, Any]] = {}
    for file in files().values():
        if not file.uri.startswith(f"{folder}/"):
            continue
        name, below, _ = file.uri[len(folder) + 1 :].partition("/")
        mime_type = _DIRECTORY if below else file.mime_type
        children[name] = {"uri": f"{folder}/{name}", "name": name, "mimeType": mime_type}
    return list(children.values()) or None


class UriParams(types.PaginatedRequestParams):
    """What a method takes that is asked for one address."""

    uri: str


def serve(server: Server[Any], hint: CacheHint) -> None:
    """Add the methods of the extension; the hint says how long a result stays true."""
    cached = {"ttlMs": hint.ttl_ms, "cacheScope": hint.scope}

    async def discover(context: Context, _params: types.RequestParams) -> types.DiscoverResult:
        version = context.protocol_version
        extensions = {**server.extensions, EXTENSION: {"directoryRead": True}}
        return types.DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=server.get_capabilities(extensions=extensions, protocol_version=version),
            instructions=server.instructions,
        )

    async def list_skills(context: Context, _params: types.PaginatedRequestParams) -> Any:
        _require_modern(context)
        return {"skills": [_entry()], **cached}

    async def get_skill(context: Context, params: UriParams) -> Any:
        _require_modern(context)
        if params.uri != _MANIFEST:
            raise _unknown("skill", params.uri, f"the skill is {_MANIFEST}")
        return {"skill": _entry(), **cached}

    async def read_directory(context: Context, params: UriParams) -> Any:
        _require_modern(context)
        children = _children(params.uri)
        if children is None:
            raise _unknown("folder", params.uri, f"the outermost one is {ROOT}")
        return {"resources": children}

    server.add_request_handler("server/discover", types.RequestParams, discover)
    server.add_request_handler("skills/list", types.PaginatedRequestParams, list_skills)
    server.add_request_handler("skills/get", UriParams, get_skill)
    server.add_request_handler("resources/directory/read", UriParams, read_directory)


def _require_modern(context: Context) -> None:
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        raise MCPError(types.METHOD_NOT_FOUND, "Method not found", context.method)


def _unknown(kind: str, uri: str, hint: str) -> MCPError:
    return MCPError(types.INVALID_PARAMS, f"there is no {kind} {quoted(uri)}; {hint}")
