-- Start, client and last event of sessions; conditions follow. Index session_started alone, when nothing else is looked at.
SELECT s.started_at, s.client, s.last_at FROM session s WHERE s.activity > 0
