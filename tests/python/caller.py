"""A real MCP client: lists the tools, makes the calls it is told, and prints each answer as one JSON line.

Used by tests/tests/through.rs. Arguments: JSON {"url": …} or {"command": …, "args": […]}, then JSON of the calls
[{"name": …, "arguments": …}]. The first line is the listing.
"""

import json
import os
import sys

import anyio
from mcp import Client, MCPError, StdioServerParameters


def dump(model):
    print(json.dumps(model.model_dump(mode="json", by_alias=True, exclude_none=True), sort_keys=True), flush=True)


async def main():
    target, calls = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    if "url" in target:
        server = target["url"]
    else:
        server = StdioServerParameters(command=target["command"], args=target["args"], env=dict(os.environ))
    async with Client(server) as client:
        dump(await client.list_tools())
        for call in calls:
            try:
                dump(await client.call_tool(call["name"], call.get("arguments", {})))
            except MCPError as error:
                print(json.dumps({"code": error.code, "message": error.message}), flush=True)


anyio.run(main)
