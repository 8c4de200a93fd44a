-- Start of the newest event. Index event_started backwards.
SELECT max(started_at) FROM event;
