// A host of MCP Apps made of the official parts: the client that talks to the server, and the bridge to the view.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  AppBridge,
  PostMessageTransport,
  RESOURCE_MIME_TYPE,
  buildAllowAttribute,
  getToolUiResourceUri,
} from "@modelcontextprotocol/ext-apps/app-bridge";

// What a host must apply to a view that declares no domains, word for word from SEP-1865; only then what browsers add.
const POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; media-src 'self' data:; connect-src 'none'";
const EVERYTHING = {
  openLinks: {},
  serverTools: {},
  serverResources: {},
  downloadFile: {},
  message: { text: {} },
};

const MOST_MILLISECONDS = 20_000;

const nothing = () => ({
  calls: [],
  reads: [],
  messages: [],
  links: [],
  downloads: [],
  heights: [],
  modes: [],
});
let seen = nothing();
let bridge;
let client;

const connected = async () => {
  const made = new Client(
    { name: "test-host", version: "1" },
    {
      capabilities: { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: [RESOURCE_MIME_TYPE] } } },
    },
  );
  await made.connect(new StreamableHTTPClientTransport(new URL("/mcp", location.href)));
  return made;
};

// The view takes messages in order: once it answers, it has drawn what came before.
const drawn = () => bridge.request({ method: "ping" }, { timeout: MOST_MILLISECONDS });

window.host = {
  get seen() {
    return seen;
  },

  // Shows the view of the tool, as the server's own metadata describes it.
  async open({ capabilities = EVERYTHING, context = {}, refuses = [] } = {}) {
    client ||= await connected();
    if (bridge) await bridge.close();
    seen = nothing();
    const { tools } = await client.listTools();
    const tool = tools.find((listed) => getToolUiResourceUri(listed));
    const {
      contents: [view],
    } = await client.readResource({ uri: getToolUiResourceUri(tool) });
    if (view.mimeType !== RESOURCE_MIME_TYPE) throw new Error(`a view of type ${view.mimeType}`);

    const frame = document.createElement("iframe");
    frame.title = "The view";
    frame.setAttribute("sandbox", "allow-scripts");
    frame.allow = buildAllowAttribute(view._meta.ui.permissions);
    document.body.replaceChildren(frame);

    bridge = new AppBridge(client, { name: "test-host", version: "1" }, capabilities, {
      hostContext: { toolInfo: { tool }, ...context },
    });
    bridge.onsizechange = ({ height }) => {
      seen.heights.push(height);
      frame.style.height = `${height}px`;
    };
    bridge.onopenlink = async ({ url }) => {
      seen.links.push(url);
      return {};
    };
    bridge.ondownloadfile = async ({ contents }) => {
      seen.downloads.push(contents);
      return {};
    };
    bridge.onrequestdisplaymode = async ({ mode }) => {
      seen.modes.push(mode);
      return { mode };
    };
    bridge.onmessage = async (message) => {
      if (refuses.includes("message")) return { isError: true };
      seen.messages.push(message);
      return {};
    };
    const initialized = new Promise((resolve, reject) => {
      bridge.oninitialized = resolve;
      setTimeout(() => reject(new Error("the view did not introduce itself")), MOST_MILLISECONDS);
    });
    await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
    bridge.oncalltool = async (params) => {
      seen.calls.push(params.arguments);
      if (refuses.includes("call")) throw new Error("the user declined");
      return client.callTool(params);
    };
    bridge.onreadresource = async (params) => {
      seen.reads.push(params.uri);
      return client.readResource(params);
    };

    const meta = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
    frame.srcdoc = view.text.replace("<head>", `<head>${meta}`);
    await initialized;
    return { app: bridge.getAppVersion(), abilities: bridge.getAppCapabilities() };
  },

  // Calls the tool as the assistant would, and passes arguments and result on to the view.
  async call(input) {
    await bridge.sendToolInput({ arguments: input });
    await bridge.sendToolResult(await client.callTool({ name: "audit", arguments: input }));
    await drawn();
  },

  // Passes a result on that no server gave.
  async show(result, input = {}) {
    await bridge.sendToolInput({ arguments: input });
    await bridge.sendToolResult({ content: [], ...result });
    await drawn();
  },

  async input(input) {
    await bridge.sendToolInput({ arguments: input });
    await drawn();
  },
  async cancel(reason) {
    await bridge.sendToolCancelled({ reason });
    await drawn();
  },
  async context(changed) {
    await bridge.sendHostContextChange(changed);
    await drawn();
  },
  async teardown() {
    return bridge.teardownResource({});
  },
};
