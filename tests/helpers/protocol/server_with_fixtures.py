"""The product's server with the tools, prompts and resources that the conformance suite asks for: `python …/server_with_fixtures.py`.

What the suite exercises and the product has no use for (images, sampling, forms) is here, so that every scenario meets
the product's own dispatch, transports and middleware. The names and contents are the suite's.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING, Any

import anyio
from mcp import types
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

from aws_iam.server.http.place import Place
from aws_iam.server.http.serving import http_app, run_http
from aws_iam.server.mcp_server import build

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server

    Context = ServerRequestContext[Any]
    Called = types.CallToolResult | types.InputRequiredResult
    Function = Callable[[Context, types.CallToolRequestParams], Awaitable[Called]]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
IMAGE = types.ImageContent(type="image", data=PNG, mime_type="image/png")

TOOLS: dict[str, tuple[dict[str, Any], Function]] = {}


def tool(name: str, **schema: Any) -> Callable[[Function], Function]:
    """Offer the function as a tool of this name; the input schema is that of an object."""

    def offered(function: Function) -> Function:
        TOOLS[name] = {"type": "object", **schema}, function
        return function

    return offered


def text(value: str) -> types.TextContent:
    return types.TextContent(type="text", text=value)


def done(*content: types.ContentBlock) -> types.CallToolResult:
    return types.CallToolResult(content=list(content))


def embedded(uri: str, value: str, mime_type: str = "text/plain") -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=value)
    return types.EmbeddedResource(type="resource", resource=contents)


def plain(name: str, *content: types.ContentBlock) -> None:
    """Offer a tool without arguments that always gives the same."""

    async def give(_context: Context, _params: types.CallToolRequestParams) -> Called:
        return done(*content)

    TOOLS[name] = {"type": "object"}, give


plain("test_simple_text", text("This is a simple text response for testing."))
plain("test_image_content", IMAGE)
plain("test_audio_content", types.AudioContent(type="audio", data=WAV, mime_type="audio/wav"))
plain(
    "test_embedded_resource",
    embedded("test://embedded-resource", "This is an embedded resource content."),
)
plain(
    "test_multiple_content_types",
    text("Multiple content types test:"),
    IMAGE,
    embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
)


@tool("test_error_handling")
async def error_handling(_context: Context, _params: types.CallToolRequestParams) -> Called:
    said = text("This tool intentionally returns an error for testing")
    return types.CallToolResult(content=[said], is_error=True)


@tool("test_tool_with_progress")
async def tool_with_progress(context: Context, _params: types.CallToolRequestParams) -> Called:
    for step in (0, 50, 100):
        await context.session.report_progress(step, 100, f"Completed step {step} of 100")
    return done(text("done"))


async def _log(context: Context, *lines: str) -> Called:
    for line in lines:
        await context.session.send_log_message("info", line, related_request_id=context.request_id)
        await anyio.sleep(0.05)  # the suite wants to see that the messages come apart
    return done(text("done"))


@tool("test_tool_with_logging")
async def tool_with_logging(context: Context, _params: types.CallToolRequestParams) -> Called:
    return await _log(
        context, "Tool execution started", "Tool processing data", "Tool execution completed"
    )


@tool("test_logging_tool")
async def logging_tool(context: Context, _params: types.CallToolRequestParams) -> Called:
    return await _log(context, "a line that nobody asked for")


@tool("test_sampling", properties={"prompt": {"type": "string"}}, required=["prompt"])
async def sampling(context: Context, params: types.CallToolRequestParams) -> Called:
    message = types.SamplingMessage(role="user", content=text((params.arguments or {})["prompt"]))
    answer = await context.session.create_message(
        [message], max_tokens=100, related_request_id=context.request_id
    )
    return done(text(f"LLM response: {answer.content.text}"))


async def _form(context: Context, message: str, required: list[str], **kinds: Any) -> Called:
    schema = {"type": "object", "properties": kinds, "required": required}
    answer = await context.session.elicit_form(
        message, schema, related_request_id=context.request_id
    )
    said = f"action={answer.action}, content={json.dumps(answer.content)}"
    return done(text(f"Elicitation completed: {said}"))


@tool("test_elicitation", properties={"message": {"type": "string"}}, required=["message"])
async def elicitation(context: Context, params: types.CallToolRequestParams) -> Called:
    kind = {"type": "string", "description": "User's response"}
    message = (params.arguments or {})["message"]
    return await _form(context, message, ["username", "email"], username=kind, email=kind)


@tool("test_elicitation_sep1034_defaults")
async def elicitation_sep1034_defaults(
    context: Context, _params: types.CallToolRequestParams
) -> Called:
    return await _form(
        context,
        "Please provide user information",
        [],
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        verified={"type": "boolean", "default": True},
    )


@tool("test_elicitation_sep1330_enums")
async def elicitation_sep1330_enums(
    context: Context, _params: types.CallToolRequestParams
) -> Called:
    words = ["option1", "option2", "option3"]
    titled = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
    return await _form(
        context,
        "Please choose",
        [],
        untitledSingle={"type": "string", "enum": words},
        titledSingle={"type": "string", "oneOf": titled},
        legacyEnum={
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti={"type": "array", "items": {"type": "string", "enum": words}},
        titledMulti={"type": "array", "items": {"anyOf": titled}},
    )


@tool("test_missing_capability")
async def missing_capability(_context: Context, _params: types.CallToolRequestParams) -> Called:
    raise MCPError(
        types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        "the client cannot sample",
        {"requiredCapabilities": {"sampling": {}}},
    )


@tool(
    "test_header_parameter",
    properties={"region": {"type": "string", "x-mcp-header": "Region"}},
    required=["region"],
)
async def header_parameter(_context: Context, params: types.CallToolRequestParams) -> Called:
    return done(text((params.arguments or {})["region"]))


SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@tool("json_schema_2020_12_tool", **SCHEMA_2020_12)
async def json_schema_2020_12_tool(
    _context: Context, _params: types.CallToolRequestParams
) -> Called:
    return done(text("done"))


# Input that the server asks for in its answer (2026-07-28): the client calls again with it.


def form(message: str, name: str, kind: str = "string") -> types.ElicitRequest:
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=message, requested_schema=schema)
    )


def sample(question: str, most_tokens: int) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=text(question))
    params = types.CreateMessageRequestParams(messages=[message], max_tokens=most_tokens)
    return types.CreateMessageRequest(params=params)


ROOTS = types.ListRootsRequest(params=types.RequestParams())
NAME = form("What is your name?", "name")
CONFIRM = form("Please confirm", "ok", "boolean")


def asking(name: str, state: str | None = None, **requests: types.InputRequest) -> None:
    """Offer a tool that asks for input until all of it is there; with a state, its echo too."""

    async def ask(_context: Context, params: types.CallToolRequestParams) -> Called:
        given = params.input_responses or {}
        if set(requests) <= set(given) and params.request_state == state:
            said = [value.model_dump_json(by_alias=True) for value in given.values()]
            return done(text(f"state-ok {said}"))
        return types.InputRequiredResult(input_requests=requests, request_state=state)

    TOOLS[name] = {"type": "object"}, ask


asking("test_input_required_result_elicitation", user_name=NAME)
asking("test_streaming_elicitation", user_name=NAME)
asking(
    "test_input_required_result_sampling",
    capital_question=sample("What is the capital of France?", 100),
)
asking("test_input_required_result_list_roots", client_roots=ROOTS)
asking("test_input_required_result_request_state", "asked", confirm=CONFIRM)
asking("test_input_required_result_tampered_state", "asked", confirm=CONFIRM)
asking(
    "test_input_required_result_multiple_inputs",
    "asked",
    user_name=NAME,
    greeting=sample("Generate a greeting", 50),
    client_roots=ROOTS,
)


@tool("test_input_required_result_multi_round")
async def multi_round(_context: Context, params: types.CallToolRequestParams) -> Called:
    rounds = {
        None: ("step1", form("Step 1: What is your name?", "name")),
        "step1": ("step2", form("Step 2: What is your favorite color?", "color")),
    }
    if params.request_state not in rounds:
        return done(text("done"))
    step, request = rounds[params.request_state]
    return types.InputRequiredResult(input_requests={step: request}, request_state=step)


@tool("test_input_required_result_capabilities")
async def capabilities(context: Context, _params: types.CallToolRequestParams) -> Called:
    able = context.session.client_capabilities
    requests: dict[str, types.InputRequest] = {"greeting": sample("Generate a greeting", 50)}
    if able and able.elicitation:
        requests["user_name"] = NAME
    return types.InputRequiredResult(input_requests=requests)


RESOURCES: dict[str, types.TextResourceContents | types.BlobResourceContents] = {
    contents.uri: contents
    for contents in (
        types.TextResourceContents(
            uri="test://static-text",
            mime_type="text/plain",
            text="This is the content of the static text resource.",
        ),
        types.BlobResourceContents(uri="test://static-binary", mime_type="image/png", blob=PNG),
        types.TextResourceContents(
            uri="test://template/123/data",
            mime_type="application/json",
            text='{"id":"123","templateTest":true,"data":"Data for ID: 123"}',
        ),
    )
}


def prompts(arguments: dict[str, str]) -> dict[str, list[types.ContentBlock]]:
    """What each prompt says, by name."""
    first, second = arguments.get("arg1"), arguments.get("arg2")
    uri = arguments.get("resourceUri", "test://example-resource")
    return {
        "test_simple_prompt": [text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            text(f"Prompt with arguments: arg1='{first}', arg2='{second}'")
        ],
        "test_prompt_with_embedded_resource": [
            embedded(uri, "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [IMAGE, text("Please analyze the image above.")],
        "test_input_required_result_prompt": [text("done")],
    }


PROMPT_ARGUMENTS = {
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
}


class Fixtures:
    """Added to a server: what the suite asks for is answered here, everything else by the server's own handlers."""

    def __init__(self, server: Server[Any]) -> None:
        self._own: dict[str, Any] = {}
        for method, params, handler in (
            ("tools/list", types.PaginatedRequestParams, self._list_tools),
            ("tools/call", types.CallToolRequestParams, self._call_tool),
            ("prompts/list", types.PaginatedRequestParams, self._list_prompts),
            ("prompts/get", types.GetPromptRequestParams, self._get_prompt),
            ("completion/complete", types.CompleteRequestParams, self._complete),
            ("resources/list", types.PaginatedRequestParams, self._list_resources),
            ("resources/read", types.ReadResourceRequestParams, self._read_resource),
        ):
            entry = server.get_request_handler(method)
            assert entry, method
            self._own[method] = entry.handler
            server.add_request_handler(method, params, handler)
        # Only the older protocol has these three.
        for method, params in (
            ("logging/setLevel", types.SetLevelRequestParams),
            ("resources/subscribe", types.SubscribeRequestParams),
            ("resources/unsubscribe", types.UnsubscribeRequestParams),
        ):
            server.add_request_handler(method, params, self._accept)
        security = RequestStateSecurity.ephemeral()
        server.middleware.append(RequestStateBoundary(security, default_audience=server.name))

    async def _list_tools(self, context: Context, params: Any) -> Any:
        listed = await self._own["tools/list"](context, params)
        listed.tools += [
            types.Tool(name=name, description="A fixture", input_schema=schema)
            for name, (schema, _) in TOOLS.items()
        ]
        return listed

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> Any:
        if params.name in TOOLS:
            return await TOOLS[params.name][1](context, params)
        return await self._own["tools/call"](context, params)

    async def _list_prompts(self, context: Context, params: Any) -> Any:
        listed = await self._own["prompts/list"](context, params)
        for name in prompts({}):
            arguments = [
                types.PromptArgument(name=argument, required=True)
                for argument in PROMPT_ARGUMENTS.get(name, ())
            ]
            prompt = types.Prompt(name=name, description="A fixture", arguments=arguments)
            listed.prompts.append(prompt)
        return listed

    async def _get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> Any:
        said = prompts(params.arguments or {})
        if params.name not in said:
            return await self._own["prompts/get"](context, params)
        if params.name == "test_input_required_result_prompt" and not params.input_responses:
            request = form("What context should the prompt use?", "context")
            return types.InputRequiredResult(input_requests={"user_context": request})
        return types.GetPromptResult(
            messages=[
                types.PromptMessage(role="user", content=content) for content in said[params.name]
            ]
        )

    async def _complete(self, context: Context, params: types.CompleteRequestParams) -> Any:
        if getattr(params.ref, "name", None) in PROMPT_ARGUMENTS:
            return types.CompleteResult(completion=types.Completion(values=["paris", "park"]))
        return await self._own["completion/complete"](context, params)

    async def _list_resources(self, context: Context, params: Any) -> Any:
        listed = await self._own["resources/list"](context, params)
        listed.resources += [
            types.Resource(uri=uri, name=uri, mime_type=contents.mime_type)
            for uri, contents in RESOURCES.items()
        ]
        return listed

    async def _read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> Any:
        if contents := RESOURCES.get(str(params.uri)):
            return types.ReadResourceResult(contents=[contents])
        return await self._own["resources/read"](context, params)

    async def _accept(self, _context: Context, _params: Any) -> types.EmptyResult:
        return types.EmptyResult()


def main() -> None:
    """Serve on a free port of loopback, and say where on standard error."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sys.stderr.write(f"http://127.0.0.1:{port}/mcp\n")
        sys.stderr.flush()
        server = build()
        Fixtures(server)
        place = Place(base_url=f"http://127.0.0.1:{port}", local_port=port)
        run_http(http_app(server, place), listener)


if __name__ == "__main__":
    main()
