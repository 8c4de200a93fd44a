-- Start, last event and client of the sessions that started in [?1, ?2). Index session_started alone.
SELECT started_at, last_at, client FROM session WHERE activity > 0 AND started_at >= ?1 AND started_at < ?2;
