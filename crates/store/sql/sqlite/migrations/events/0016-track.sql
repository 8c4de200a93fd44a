-- What the track of a session, its ending and the recovery from an error are made of lies in the index of sessions: a list of
-- fifty sessions reads as many pieces of it, not a page of the table for each event.
DROP INDEX event_session;
CREATE INDEX event_session ON event (session, started_at, seq, kind, status, call_status, duration_us, call_us, tool, flags, repeat, issue, bytes_out);
