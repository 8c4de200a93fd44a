"""A real MCP server that reports through the published ``posthog.mcp``, and a real MCP client that uses it.

Used by tests/tests/posthog.rs: ``python posthog_shop.py``, with the project's id in TRACKWAY_PROJECT and Trackway's address
in POSTHOG_HOST; the SDK itself reads POSTHOG_CAPTURE_MODE. The client starts this same program with ``serve`` and talks to it
over stdio. Only the two things that a user of the SDK would change are changed: host and key. It prints one line of JSON.
"""

import asyncio
import json
import os
import sys


def serve():
    from mcp.server.mcpserver import MCPServer
    from posthog import Posthog
    from posthog.mcp import MCPAnalyticsOptions, UserIdentity, instrument

    posthog = Posthog(os.environ["TRACKWAY_PROJECT"], host=os.environ["POSTHOG_HOST"], flush_interval=0.2)
    server = MCPServer("python-shop", version="2.7.1")

    @server.tool()
    def search(query: str) -> str:
        """Search the catalogue."""
        return f"found 3 products for {query}"

    @server.tool()
    def boom(n: int) -> str:
        """Fails by raising."""
        raise ValueError(f"cannot frobnicate {n}")

    def who(request, extra):
        return UserIdentity(distinct_id="u_1", properties={"plan": "pro"}, groups={"organization": "acme"})

    instrument(server, posthog, MCPAnalyticsOptions(identify=who, report_missing=True, enable_conversation_id=False))
    posthog.capture("signup", distinct_id="u_1", properties={"plan": "pro"})
    try:
        server.run("stdio")
    finally:
        posthog.shutdown()


async def use():
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.types import Implementation

    command = StdioServerParameters(command=sys.executable, args=[__file__, "serve"], env=dict(os.environ))
    failed = {}
    async with stdio_client(command) as (read, write):
        client = Implementation(name="claude-code", version="2.1.148")
        async with ClientSession(read, write, client_info=client) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            for name, arguments in [
                ("search", {"query": "tent", "context": "find a tent for the customer"}),
                ("search", {"query": "boots", "context": "find boots too"}),
                ("boom", {"n": 3, "context": "see what breaks"}),
                ("get_more_tools", {"context": "need a size converter"}),
            ]:
                answer = await session.call_tool(name, arguments)
                failed[name] = bool(getattr(answer, "is_error", getattr(answer, "isError", False)))
    print(json.dumps({"tools": sorted(tool.name for tool in tools), "failed": failed}))


if sys.argv[1:] == ["serve"]:
    serve()
else:
    asyncio.run(use())
