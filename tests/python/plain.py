"""Real MCP servers without analytics, with a strict tool, a tool that fails, and one with a `context` of its own.

Used by tests/tests/through.rs: ``python plain.py mcp|fastmcp stdio|http [PORT]``.
"""

import sys

library, transport = sys.argv[1:3]
if library == "mcp":
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("plain", version="1.0")
else:
    from fastmcp import FastMCP

    server = FastMCP("plain", version="1.0")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


@server.tool()
def own(context: str) -> str:
    """Has a context of its own."""
    return f"context: {context}"


@server.tool()
def fails(n: int) -> str:
    """Fails."""
    raise ValueError(f"cannot do {n}")


if transport == "stdio":
    if library == "mcp":
        server.run("stdio")
    else:
        server.run("stdio", show_banner=False)
elif library == "mcp":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[3]))
else:
    server.run("http", host="127.0.0.1", port=int(sys.argv[3]), show_banner=False)
