// A real MCP server that reports through the published `@posthog/mcp` and `posthog-node`, and a real MCP client that uses it.
//
// Used by tests/tests/posthog.rs: `node posthog.mjs`, with the project's id in TRACKWAY_PROJECT, Trackway's address in
// POSTHOG_HOST and, for Capture V1, POSTHOG_CAPTURE_MODE=v1, which the SDK itself reads. The client starts this same program
// with `--serve` and talks to it over stdio. Only the two things that a user of the SDK would change are changed: host and
// key. It prints one line of JSON about what the client saw.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { instrument } from "@posthog/mcp";
import { PostHog } from "posthog-node";
import { z } from "zod";

const { values: options } = parseArgs({ options: { serve: { type: "boolean", default: false } } });
await (options.serve ? serve() : use());

async function serve() {
  const posthog = new PostHog(process.env.TRACKWAY_PROJECT, {
    host: process.env.POSTHOG_HOST,
    captureMode: process.env.POSTHOG_CAPTURE_MODE,
    flushAt: 5,
    flushInterval: 200,
  });
  let person = null;
  const server = new McpServer({ name: "node-shop", version: "3.1.4" });
  server.registerTool(
    "search",
    { description: "Search the catalogue.", inputSchema: { query: z.string() } },
    async ({ query }) => ({ content: [{ type: "text", text: `found 3 products for ${query}` }] }),
  );
  server.registerTool(
    "login",
    { description: "Sign in.", inputSchema: { id: z.string(), name: z.string() } },
    async ({ id, name }) => {
      person = { distinctId: id, properties: { name, plan: "premium" }, groups: { organization: "acme" } };
      return { content: [{ type: "text", text: "signed in" }] };
    },
  );
  server.registerTool("boom", { description: "Fails by throwing.", inputSchema: { n: z.number() } }, async ({ n }) => {
    throw new TypeError(`cannot frobnicate ${n}`);
  });
  server.registerTool("soft", { description: "Fails by saying so.", inputSchema: {} }, async () => ({
    isError: true,
    content: [{ type: "text", text: "rate limit exceeded: retry in 30s" }],
  }));
  instrument(server, posthog, { reportMissing: true, identify: async () => person });
  await server.connect(new StdioServerTransport());
  posthog.capture({ distinctId: "u_1", event: "signup", properties: { plan: "premium" } });
  process.stdin.on("close", async () => {
    await posthog.shutdown();
    process.exit(0);
  });
}

async function use() {
  const client = new Client({ name: "claude-code", version: "2.1.148" });
  const program = fileURLToPath(import.meta.url);
  const transport = new StdioClientTransport({ command: process.execPath, args: [program, "--serve"], env: process.env, stderr: "inherit" });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const answers = {};
  for (const [name, args] of [
    ["search", { query: "tent", context: "find a tent for the customer" }],
    ["login", { id: "u_1", name: "Ada Late", context: "sign in" }],
    ["search", { query: "boots", context: "find boots too" }],
    ["boom", { n: 3, context: "see what breaks" }],
    ["soft", { context: "try the flaky one" }],
    ["nope", { context: "use a tool that is not there" }],
    ["get_more_tools", { context: "need a size converter" }],
  ]) {
    const answer = await client.callTool({ name, arguments: args }).catch((error) => ({ isError: true, error: `${error}` }));
    answers[name] = answer.isError === true;
  }
  await client.close();
  console.log(JSON.stringify({ tools: tools.map((tool) => tool.name).sort(), failed: answers }));
}
