"""A real MCP client that does what the test tells it: one JSON command a line on stdin, one JSON answer a line on stdout.

Used by tests/tests/clients.rs with the same commands as tests/node/agent.mjs: ``list``, ``call``, ``alive``, ``close``.
Started as ``python agent.py IDENTIFY CLIENT_NAME CLIENT_VERSION``; it starts server.py itself.
"""

import json
import os
import pathlib
import sys

import anyio
from mcp import Client, Implementation, MCPError, StdioServerParameters


async def run(client, command):
    match command["do"]:
        case "list":
            tools = (await client.list_tools()).tools
            return {"tools": [{"name": t.name, "required": t.input_schema.get("required", [])} for t in tools]}
        case "call":
            result = await client.call_tool(command["tool"], command.get("args", {}))
            text = "".join(getattr(block, "text", "") for block in result.content)
            return {"text": text, "isError": bool(result.is_error)}
        case "alive":
            await client.list_tools()
            return {"alive": True}
        case other:
            raise ValueError(f"unknown command {other}")


async def main():
    identify, name, version = sys.argv[1:4]
    program = str(pathlib.Path(__file__).with_name("server.py"))
    server = StdioServerParameters(command=sys.executable, args=[program, identify], env=dict(os.environ))
    async with Client(server, client_info=Implementation(name=name, version=version)) as client:
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            command = json.loads(line)
            if command["do"] == "close":
                break
            try:
                answer = await run(client, command)
            except MCPError as error:
                answer = {"error": {"code": error.code, "message": error.message}}
            print(json.dumps(answer), flush=True)
    print(json.dumps({"closed": True}), flush=True)


anyio.run(main)
