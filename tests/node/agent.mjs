// A real MCP client that does what the test tells it: one JSON command a line on stdin, one JSON answer a line on stdout.
//
// Used by tests/tests/clients.rs. Commands: {"do":"list"}, {"do":"call","tool":…,"args":{…}}, {"do":"alive"}, {"do":"close"}.
// It starts server.mjs itself (all options of the server are passed on) and is the only one who talks to it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { values: options } = parseArgs({
  options: {
    sdk: { type: "string", default: "agentcat" },
    identify: { type: "string", default: "none" },
    transport: { type: "string", default: "stdio" },
    client: { type: "string", default: "claude-code" },
    version: { type: "string", default: "2.1.0" },
  },
});
const program = fileURLToPath(new URL("server.mjs", import.meta.url));
const args = [program, "--sdk", options.sdk, "--identify", options.identify, "--transport", options.transport];

const client = new Client({ name: options.client, version: options.version });
let alive;
let end = async () => {};
if (options.transport === "stdio") {
  const transport = new StdioClientTransport({ command: process.execPath, args, env: process.env, stderr: "inherit" });
  await client.connect(transport);
  const pid = transport.pid;
  alive = () => runs(pid);
} else {
  // The server ends with this pipe, however the agent ends: the SDK's own signal handler would keep it alive.
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const first = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${JSON.parse(first).port}/mcp`));
  await client.connect(transport);
  alive = () => child.exitCode === null && runs(child.pid);
  end = async () => child.stdin.end();
}

function runs(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function run(command) {
  switch (command.do) {
    case "list": {
      const { tools } = await client.listTools();
      return { tools: tools.map((tool) => ({ name: tool.name, required: tool.inputSchema.required ?? [] })) };
    }
    case "call": {
      const result = await client.callTool({ name: command.tool, arguments: command.args });
      const text = result.content.map((block) => block.text ?? "").join("");
      return { text, isError: result.isError === true };
    }
    case "alive":
      return { alive: alive() };
    case "close":
      await client.close();
      await end();
      return { closed: true };
    default:
      throw new Error(`unknown command ${command.do}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = await run(command);
  } catch (error) {
    answer = { error: { code: error.code ?? null, message: error.message } };
  }
  console.log(JSON.stringify(answer));
  if (command.do === "close") break;
}
process.exit(0);
