-- When a server was first seen: the session of each server that started first.
CREATE INDEX session_server ON session (server, started_at) WHERE activity > 0 AND server IS NOT NULL;
