// A real MCP server that reports through a published AgentCat or MCPcat SDK: the host whose traffic the tests check.
//
// Started by agent.mjs: `node server.mjs --sdk agentcat|mcpcat --identify none|start|late --transport stdio|http`, with the
// project in TRACKWAY_PROJECT and the API's address in the SDK's own variable. Only the two things that a user of the SDK
// would change are changed: that address and the project.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const { values: options } = parseArgs({
  options: {
    sdk: { type: "string", default: "agentcat" },
    identify: { type: "string", default: "none" },
    transport: { type: "string", default: "stdio" },
  },
});
const sdk = await import(options.sdk);
const project = process.env.TRACKWAY_PROJECT;

function shop() {
  const server = new McpServer({ name: "node-shop", version: "3.1.4" });
  let person = options.identify === "start" ? { userId: "u_start", userName: "Sina Start" } : null;
  server.registerTool(
    "search",
    { description: "Search the catalogue.", inputSchema: { query: z.string() } },
    async ({ query }) => ({ content: [{ type: "text", text: `found 3 products for ${query}` }] }),
  );
  server.registerTool(
    "login",
    { description: "Sign in.", inputSchema: { id: z.string(), name: z.string() } },
    async ({ id, name }) => {
      if (options.identify === "late") {
        person = { userId: id, userName: name, userData: { plan: "premium" } };
      }
      return { content: [{ type: "text", text: "signed in" }] };
    },
  );
  server.registerTool("boom", { description: "Fails by throwing.", inputSchema: { n: z.number() } }, async ({ n }) => {
    throw new TypeError(`cannot frobnicate ${n}`, { cause: new Error("disk on fire") });
  });
  server.registerTool("soft", { description: "Fails by saying so.", inputSchema: {} }, async () => ({
    isError: true,
    content: [{ type: "text", text: "rate limit exceeded: retry in 30s" }],
  }));
  server.registerTool(
    "emit",
    { description: "Publishes a custom event.", inputSchema: { label: z.string() } },
    async ({ label }) => {
      await sdk.publishCustomEvent(server, project, {
        resourceName: label,
        message: "checkout finished",
        parameters: { total: 42 },
        tags: { channel: "test" },
      });
      return { content: [{ type: "text", text: "published" }] };
    },
  );
  sdk.track(server, project, {
    enableReportMissing: true,
    identify: options.identify === "none" ? undefined : async () => person,
    eventTags: async () => ({ env: "test" }),
  });
  return server;
}

if (options.transport === "stdio") {
  await shop().connect(new StdioServerTransport());
} else {
  const sessions = new Map();
  const http = createServer(async (request, response) => {
    const known = sessions.get(request.headers["mcp-session-id"]);
    if (known) return known.handleRequest(request, response);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => sessions.set(id, transport),
    });
    await shop().connect(transport);
    return transport.handleRequest(request, response);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
  http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
}
