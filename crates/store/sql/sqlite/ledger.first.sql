-- Start of the oldest event. Index event_started.
SELECT min(started_at) FROM event;
