-- Who called which tool, read which resource, fetched which prompt, and in which session: counted from this alone, in the order
-- of time, so that new events are added at its end. 1, 4, 7: tool_call, resource_read, prompt_get.
CREATE INDEX event_named ON event (started_at, kind, tool, resource, session, person) WHERE kind IN (1, 4, 7);
