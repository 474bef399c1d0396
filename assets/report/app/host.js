// The host of this view, a chat that shows MCP Apps: JSON-RPC 2.0 by postMessage, as SEP-1865 (2026-01-26) has it.
const newHost = (handlers) => {
  const waiting = new Map();
  let last = 0;

  // A sandbox may give host and view opaque origins, which cannot be named: the receiver is the frame around this one.
  const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

  const request = (method, params) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      send({ id: last, method, params });
    });

  const answer = async (id, method, params) => {
    const handler = handlers[method];
    try {
      if (!handler) throw Object.assign(new Error("Method not found"), { code: -32601 });
      send({ id, result: (await handler(params)) || {} });
    } catch (error) {
      send({ id, error: { code: error.code || -32603, message: error.message } });
    }
  };

  addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== parent || !message || message.jsonrpc !== "2.0") return;
    if (typeof message.method === "string") {
      if (message.id !== undefined) answer(message.id, message.method, message.params || {});
      else if (handlers[message.method]) handlers[message.method](message.params || {});
      return;
    }
    const call = waiting.get(message.id);
    if (!call) return;
    waiting.delete(message.id);
    if (message.error) call.reject(new Error(String(message.error.message)));
    else call.resolve(message.result || {});
  });

  return { request, notify: (method, params) => send({ method, params: params || {} }) };
};
