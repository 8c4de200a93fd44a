// The same as caller.mjs with the second generation of the TypeScript SDK, which has packages and entry points of its own.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const target = JSON.parse(process.argv[2]);
const calls = JSON.parse(process.argv[3]);
const client = new Client({ name: "through", version: "2.0" });
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
await client.close();
