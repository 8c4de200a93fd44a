// A real MCP client: lists the tools, makes the calls it is told, and prints each answer as one JSON line.
//
// Used by tests/tests/through.rs. Arguments: JSON {"url": …} or {"command": …, "args": […]}, then JSON of the calls
// [{"name": …, "arguments": …}]. The first line is the listing.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const target = JSON.parse(process.argv[2]);
const calls = JSON.parse(process.argv[3]);
const client = new Client({ name: "through", version: "1.0" });
const transport = target.url
  ? new StreamableHTTPClientTransport(new URL(target.url))
  : new StdioClientTransport({ command: target.command, args: target.args, env: process.env, stderr: "ignore" });
await client.connect(transport);
console.log(JSON.stringify(await client.listTools()));
for (const call of calls) {
  let answer;
  try {
    answer = await client.callTool(call);
  } catch (error) {
    answer = { code: error.code, message: error.message };
  }
  console.log(JSON.stringify(answer));
}
if (target.url) {
  await transport.terminateSession();
}
await client.close();
