-- Start of the newest kept call of tool ?1. The end of index event_tool.
SELECT max(started_at) FROM event INDEXED BY event_tool WHERE kind = 1 AND tool = ?1;
