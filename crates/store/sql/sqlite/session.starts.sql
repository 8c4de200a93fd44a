-- Start, last event and client of sessions; conditions follow. Index session_started alone, when nothing else is looked at.
SELECT s.started_at, s.last_at, s.client FROM session s WHERE s.activity > 0
