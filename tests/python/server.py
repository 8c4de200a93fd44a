"""A real MCP server that reports through the published AgentCat SDK for Python: the host whose traffic the tests check.

Started by agent.py: ``python server.py IDENTIFY`` with IDENTIFY one of ``none`` and ``argument``; the project is in
TRACKWAY_PROJECT and the API's address in the SDK's own variable, the only two things a user of the SDK would change.
"""

import os
import sys

import agentcat
from mcp.server.mcpserver import MCPServer

PROJECT = os.environ["TRACKWAY_PROJECT"]
server = MCPServer("python-shop", version="2.7.1")


@server.tool()
def search(query: str, user: str = "") -> str:
    """Search the catalogue."""
    return f"found 3 products for {query}"


@server.tool()
def boom(n: int, user: str = "") -> str:
    """Fails by raising."""
    raise ValueError(f"cannot frobnicate {n}")


@server.tool()
def emit(label: str) -> str:
    """Publishes a custom event in a session of its own name."""
    data = {"resource_name": label, "message": "checkout finished", "session_id": "order-4711", "response": "shipped"}
    agentcat.publish_custom_event(server, PROJECT, data)
    return "published"


def who(request, context):
    """The person named by the argument ``user``, as in the SDK's own examples."""
    user = (request.arguments or {}).get("user")
    return agentcat.UserIdentity(user_id=user, user_name="Pia Python", user_data={"plan": "team"}) if user else None


options = agentcat.AgentCatOptions(identify=who if sys.argv[1] == "argument" else None)
agentcat.track(server, PROJECT, options)
server.run("stdio")
