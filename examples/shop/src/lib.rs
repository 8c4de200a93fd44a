//! A realistic MCP server and its driver, for the demo, the docs and the tests.
