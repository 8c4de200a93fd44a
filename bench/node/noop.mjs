// A TypeScript MCP server with one tool that does nothing, over stdio: `node noop.mjs [agentcat PROJECT]`.
//
// Used by `trackway-bench added`, which copies it beside the packages of tests/node. With `agentcat` the published SDK tracks
// it; the address of its API is in AGENTCAT_API_URL.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "noop", version: "1.0.0" });
server.registerTool("noop", { description: "Does nothing.", inputSchema: { n: z.number() } }, async () => ({
  content: [{ type: "text", text: "ok" }],
}));
if (process.argv[2] === "agentcat") {
  const agentcat = await import("agentcat");
  agentcat.track(server, process.argv[3]);
}
await server.connect(new StdioServerTransport());
