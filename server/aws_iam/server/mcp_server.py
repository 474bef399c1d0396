"""The MCP server: its tools, prompts, resources and completions.

It uses the SDK's low-level server, which passes arguments unchanged: duplicate keys and positions in a policy's text
survive, and unknown arguments can be refused by name.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp import types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from aws_iam.account.session.permitted import Permitted
from aws_iam.answer import to_json
from aws_iam.errors import AwsIamError, InputError, closest
from aws_iam.escape import escaped, quoted
from aws_iam.report.answer_text import markdown
from aws_iam.server import app, skill
from aws_iam.server.call_log import LoggedCall
from aws_iam.server.http.users import user_of
from aws_iam.server.kept_answers import RESULTS, KeptAnswers, client_of, mime_type
from aws_iam.server.logged_bugs import LoggedBugs
from aws_iam.server.tool_calls import run
from aws_iam.server.workers import Runner, WorkerFailedError, in_a_thread
from aws_iam.tools import playbooks
from aws_iam.tools.kit import schemas
from aws_iam.tools.registry import tools
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

    from aws_iam.answer import Answer, Artifact
    from aws_iam.server.call_log import CallLog
    from aws_iam.server.http.users import User
    from aws_iam.tools.kit.tool import Tool

    Context = ServerRequestContext[Any]
    Handler = Callable[[Context, Any], Awaitable[Any]]

# What only a new version of the server changes. Everything else is private and stale at once, the SDK's default.
_FIXED = CacheHint(ttl_ms=3_600_000, scope="public")
_ERROR_CHARACTERS = 2000
_BUG = "internal error; the traceback is in the server's log"
_MOST_COMPLETIONS = 100  # the protocol's limit
_logged_bugs = partial(LoggedBugs, passing=(MCPError,))


def _logged(handler: Handler) -> Handler:
    """The handler, its bugs logged and answered with an error that does not repeat them."""

    async def handle(context: Context, params: Any) -> Any:
        with _logged_bugs(context.method):
            return await handler(context, params)
        uri = getattr(params, "uri", None)
        raise MCPError(types.INTERNAL_ERROR, _BUG, None if uri is None else _place(str(uri)))

    return handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What callers may name, which may depend on the user, what runs heavy calls, and who is told of each call."""

    permitted: Callable[[User | None], Permitted] = lambda _user: Permitted()
    heavy: Runner = in_a_thread
    log: CallLog | None = None

    def logged(
        self, context: Context, tool: Tool, arguments: Mapping[str, Any]
    ) -> AbstractContextManager[LoggedCall]:
        """The block of one call, which ends with a line in the log if there is one."""
        if self.log is None:
            return nullcontext(LoggedCall())
        action = arguments.get("action") or tool.default
        # Only words of ours: anything else may be a text of the caller's.
        known = action if isinstance(action, str) and action in tool.actions else ""
        return self.log.call(user_of(context.request), tool.name, known)


_ALONE = Serving()


def build(serving: Serving = _ALONE) -> Server[Any]:
    """The server with its tools, prompts, resources and completions; nothing runs yet."""
    kept = KeptAnswers()
    server: Server[Any] = Server(
        "aws-iam",
        version=__version__,
        title="AWS IAM",
        instructions=playbooks.instructions(tools()),
        cache_hints={
            "server/discover": _FIXED,
            "tools/list": _FIXED,
            "prompts/list": _FIXED,
            "resources/list": _FIXED,
            "resources/templates/list": _FIXED,
        },
        on_list_tools=_list_tools,
        on_call_tool=partial(_call_tool, kept, serving),
        on_list_prompts=_list_prompts,
        on_get_prompt=_logged(_get_prompt),
        on_list_resources=_logged(_list_resources),
        on_list_resource_templates=_list_resource_templates,
        on_read_resource=_logged(partial(_read_resource, kept)),
        on_completion=_logged(_complete),
    )
    server.extensions |= app.EXTENSIONS
    skill.serve(server, _FIXED)
    server.middleware.append(_without_cursors)
    return server


async def _without_cursors(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Every list is one page: a cursor of it was not given by this server."""
    cursor = (ctx.params or {}).get("cursor")
    if cursor is not None and ctx.method.endswith(("/list", "/read")):
        raise MCPError(types.INVALID_PARAMS, "unknown cursor: the first page holds everything")
    return await call_next(ctx)


async def _list_tools(_context: Context, _params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_tool_listing(tool) for tool in tools()])


def _tool_listing(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schemas.input_schema(tool),
        output_schema=schemas.ANSWER_TOP_LEVEL,
        annotations=types.ToolAnnotations(
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=True,
        ),
        _meta=app.tool_metadata(tool.name),
    )


async def _call_tool(
    kept: KeptAnswers, serving: Serving, context: Context, params: types.CallToolRequestParams
) -> types.CallToolResult:
    by_name = {tool.name: tool for tool in tools()}
    if params.name not in by_name:
        near = closest(params.name, by_name)
        hint = f"did you mean `{near}`?" if near else f"the tools are {', '.join(by_name)}"
        raise MCPError(types.INVALID_PARAMS, f"there is no tool {quoted(params.name)}; {hint}")
    tool = by_name[params.name]
    with serving.logged(context, tool, params.arguments or {}) as call:
        with _logged_bugs(tool.name):
            try:
                answer = await _page(kept, serving, tool, params.arguments or {}, context)
            except AwsIamError as error:
                call.outcome = "refused"
                return _error(error)
            except WorkerFailedError:
                call.outcome = "failed"
                return _failed(f"{tool.name}: {_BUG}")
            call.outcome = "answered"
            return _result(answer)
        call.outcome = "failed"
    return _failed(f"{tool.name}: {_BUG}")


async def _page(
    kept: KeptAnswers, serving: Serving, tool: Tool, arguments: dict[str, Any], context: Context
) -> Answer:
    values = dict(arguments)
    detail = values.pop("detail", None)
    cursor = values.pop("cursor", None)
    limit = schemas.page_limit("concise" if detail is None else detail)
    if not isinstance(cursor, str | None):
        raise InputError("`cursor` must be text", hint="pass the `next_cursor` unchanged")
    call = f"{tool.name} {_canonical(values)}"
    client = client_of(context.request)
    if cursor is not None:
        return kept.next_page(client, call, cursor, limit)
    return kept.first_page(
        client,
        call,
        await run(
            tool,
            values,
            serving.permitted(user_of(context.request)),
            serving.heavy,
            context,
            length=len(call),
        ),
        limit,
    )


def _canonical(arguments: dict[str, Any]) -> str:
    """The arguments as text, equal for equal calls."""
    try:
        return json.dumps(arguments, sort_keys=True)
    except (ValueError, RecursionError):
        raise InputError(
            "an argument holds a number or a nesting that JSON cannot carry",
            hint="send the document as text",
        ) from None


def _result(answer: Answer) -> types.CallToolResult:
    links = [_link(file) for file in answer.artifacts if file.is_withheld and file.uri]
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=markdown(answer)), *links],
        structured_content=to_json(answer),
    )


def _link(file: Artifact) -> types.ResourceLink:
    return types.ResourceLink(
        type="resource_link",
        uri=str(file.uri),
        name=file.name,
        mime_type=mime_type(file),
        size=file.bytes,
    )


def _error(error: AwsIamError) -> types.CallToolResult:
    return _failed(escaped(str(error), _ERROR_CHARACTERS))


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


async def _list_prompts(_context: Context, _params: Any) -> types.ListPromptsResult:
    request = types.PromptArgument(
        name="request", description="what you want to know", required=False
    )
    return types.ListPromptsResult(
        prompts=[
            types.Prompt(
                name=t.name, title=t.title, description=t.description, arguments=[request]
            )
            for t in tools()
        ]
    )


async def _get_prompt(
    _context: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult:
    by_name = {tool.name: tool for tool in tools()}
    if params.name not in by_name:
        raise _no_prompt(params.name)
    text = playbooks.prompt(params.name, (params.arguments or {}).get("request", ""))
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(description=by_name[params.name].description, messages=[message])


def _no_prompt(name: str) -> MCPError:
    names = ", ".join(tool.name for tool in tools())
    return MCPError(
        types.INVALID_PARAMS, f"there is no prompt {quoted(name)}; the prompts are {names}"
    )


async def _list_resources(_context: Context, _params: Any) -> types.ListResourcesResult:
    return types.ListResourcesResult(
        resources=[
            types.Resource(
                uri=document.uri,
                name=document.name,
                title=document.title,
                mime_type=document.mime_type,
            )
            for document in playbooks.documents()
        ]
        + [skill.manifest(), app.listing()]
    )


async def _list_resource_templates(
    _context: Context, _params: Any
) -> types.ListResourceTemplatesResult:
    return types.ListResourceTemplatesResult(
        resource_templates=[
            types.ResourceTemplate(
                uri_template=_template(folder), name=folder, mime_type=mime_type
            )
            for folder, mime_type in playbooks.FOLDERS.items()
        ]
        + [
            types.ResourceTemplate(
                uri_template="aws-iam://references/{name}#{section}",
                name="section",
                mime_type=playbooks.FOLDERS["references"],
            ),
            types.ResourceTemplate(uri_template=f"{RESULTS}{{id}}/{{name}}", name="results"),
        ]
    )


def _template(folder: str) -> str:
    return f"aws-iam://{folder}/{{name}}"


async def _read_resource(
    kept: KeptAnswers, context: Context, params: types.ReadResourceRequestParams
) -> types.ReadResourceResult:
    uri = str(params.uri)
    if result := kept.file(client_of(context.request), uri):
        text = types.TextResourceContents(
            uri=uri, mime_type=mime_type(result), text=result.content
        )
        return types.ReadResourceResult(contents=[text])
    if uri == app.URI:
        return _fixed(app.contents())
    if file := skill.files().get(uri):
        return _fixed_text(uri, file.mime_type, file.content.decode())
    by_uri = {served.uri: served for served in playbooks.documents()}
    if document := by_uri.get(uri) or playbooks.section(uri):
        return _fixed_text(uri, document.mime_type, document.read())
    if uri.startswith(RESULTS):
        message = f"{quoted(uri)} is no longer kept: call the tool again"
        raise MCPError(types.INVALID_PARAMS, message, _place(uri))
    hint = playbooks.near_documents(uri)
    if not hint and (near := closest(uri, [*by_uri, *skill.files(), app.URI])):
        hint = f"did you mean {near}?"
    message = f"there is no resource {quoted(uri)}{f'; {hint}' if hint else ''}"
    raise MCPError(types.INVALID_PARAMS, message, _place(uri))


def _fixed_text(uri: str, mime_type: str, text: str) -> types.ReadResourceResult:
    return _fixed(types.TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _fixed(contents: types.TextResourceContents) -> types.ReadResourceResult:
    """A resource that ships with the server."""
    return types.ReadResourceResult(
        contents=[contents], ttl_ms=_FIXED.ttl_ms, cache_scope=_FIXED.scope
    )


def _place(uri: str) -> dict[str, str]:
    """What an error about a resource carries beside its message."""
    return {"uri": escaped(uri, _ERROR_CHARACTERS)}


async def _complete(
    _context: Context, params: types.CompleteRequestParams
) -> types.CompleteResult:
    offered = _offered(params.ref).get(params.argument.name)
    if offered is None:
        raise MCPError(
            types.INVALID_PARAMS, f"there is no argument {quoted(params.argument.name)}"
        )
    typed = params.argument.value.lower()
    matching = [value for value in offered if typed in value.lower()]
    matching.sort(key=lambda value: not value.lower().startswith(typed))
    completion = types.Completion(
        values=matching[:_MOST_COMPLETIONS],
        total=len(matching),
        has_more=len(matching) > _MOST_COMPLETIONS,
    )
    return types.CompleteResult(completion=completion)


def _offered(
    reference: types.ResourceTemplateReference | types.PromptReference,
) -> dict[str, list[str]]:
    """The values of each argument of a prompt or a template of resources."""
    if isinstance(reference, types.PromptReference):
        for tool in tools():
            if tool.name == reference.name:
                asked = [f"{action.name}: {action.summary}" for action in tool.actions.values()]
                return {"request": asked}
        raise _no_prompt(reference.name)
    uri = str(reference.uri)
    folder = next((name for name in playbooks.FOLDERS if uri == _template(name)), None)
    if folder is None:
        raise MCPError(
            types.INVALID_PARAMS, f"there is no template of resources {quoted(uri)}", _place(uri)
        )
    return {"name": [page.name for page in playbooks.documents() if page.folder == folder]}
