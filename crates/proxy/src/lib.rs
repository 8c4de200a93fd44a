//! Zero-code capture of MCP traffic: wrap a stdio server.
