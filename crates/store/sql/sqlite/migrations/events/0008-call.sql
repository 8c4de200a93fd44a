-- Requests that are one call together (CAP §2.6). What became of the whole stands beside the request that counts; its own
-- status and duration stay as they were recorded.
ALTER TABLE event ADD COLUMN call_status INTEGER;
ALTER TABLE event ADD COLUMN call_us INTEGER;

-- What joining needs of the events that may be part of such a call. scope: the session of a request; below zero where it has
-- none but its own; none for what is heard of a task, which is found by its task.
CREATE TABLE leg (
  seq   INTEGER PRIMARY KEY,
  at    INTEGER NOT NULL,
  scope INTEGER,
  task  TEXT,
  leg   TEXT NOT NULL
) STRICT;
CREATE INDEX leg_scope ON leg (scope, at) WHERE scope IS NOT NULL;
CREATE INDEX leg_task ON leg (task, at) WHERE task IS NOT NULL;
