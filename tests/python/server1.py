"""A real MCP server that reports through the first generation of the published AgentCat SDK for Python.

Started by tests/tests/published.rs; the project is in TRACKWAY_PROJECT and the API's address in the SDK's own variable.
"""

import os

import agentcat
from mcp.server.fastmcp import FastMCP

server = FastMCP("python-shop")


@server.tool()
def search(query: str, user: str = "") -> str:
    """Search the catalogue."""
    return f"found 3 products for {query}"


@server.tool()
def boom(query: str = "", user: str = "") -> str:
    """Fails by raising."""
    raise ValueError("cannot frobnicate 3")


def who(request, _extra):
    user = (request.params.arguments or {}).get("user")
    return agentcat.UserIdentity(user_id=user, user_name="Pia Python", user_data={"plan": "team"}) if user else None


agentcat.track(server, os.environ["TRACKWAY_PROJECT"], agentcat.AgentCatOptions(identify=who))
server.run("stdio")
