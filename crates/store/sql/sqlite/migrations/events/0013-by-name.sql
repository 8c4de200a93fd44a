-- Calls of one tool, reads of one resource, fetches of one prompt, in the order of time: the newest of one, and who called it in
-- which session, are a piece of these alone. They take the place of an index by time, in which one name meant all names.
DROP INDEX event_named;
CREATE INDEX event_tool ON event (tool, started_at, session, person) WHERE kind = 1;
CREATE INDEX event_resource ON event (kind, resource, started_at, session, person) WHERE kind IN (4, 7);
